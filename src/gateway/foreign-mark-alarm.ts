/**
 * Tells of requests that carry a shadow mark when they come. Whoever marks its requests keeps them from being
 * mirrored, and must not do so unnoticed: each is counted in the ledger, and the log says so, now and then.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Log } from '../telemetry/log-lines.ts';

export class ForeignMarkAlarm {
  readonly #log: Pick<Log, 'warn'>;
  readonly #counts = new Map<string, number>();
  #isResting = false;

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log;
  }

  /** One more has come. The first is told of at once, those of the time after it together. */
  note(route: string): void {
    this.#counts.set(route, (this.#counts.get(route) ?? 0) + 1);
    if (!this.#isResting) this.#tell();
  }

  #tell(): void {
    this.#isResting = this.#counts.size > 0;
    if (!this.#isResting) return;
    for (const [route, count] of this.#counts) {
      this.#log.warn('requests carry the mark of a shadow and are not mirrored', {
        code: 'UND_FOREIGN_MARK',
        route,
        count,
      });
    }
    this.#counts.clear();
    setTimeout(() => this.#tell(), LIMITS.foreignMarkLogMs).unref();
  }
}

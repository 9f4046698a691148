/**
 * Says whether this process's own loop was late while a leg was under way: then the leg's latencies are the
 * mirror's, not the candidate's.
 */
import { LIMITS } from '../config/defaults.ts';
import { monotonicMs } from '../telemetry/clock.ts';

export class BusyWatch {
  #lastTickMs = monotonicMs();
  #lastLateMs = Number.NEGATIVE_INFINITY;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), LIMITS.mirrorBusyTickMs).unref();
  }

  /**
   * Whether the loop was late by LIMITS.mirrorBusyMs or more at any time since then.
   *
   * @param sinceMs - of the monotonic clock
   */
  wasBusySince(sinceMs: number): boolean {
    return this.#lastLateMs >= sinceMs || isLate(monotonicMs() - this.#lastTickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = monotonicMs();
    if (isLate(now - this.#lastTickMs)) this.#lastLateMs = now;
    this.#lastTickMs = now;
  }
}

function isLate(sinceTickMs: number): boolean {
  return sinceTickMs >= LIMITS.mirrorBusyTickMs + LIMITS.mirrorBusyMs;
}

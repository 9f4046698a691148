/**
 * The mirror: the wire's end, the books of epochs, and the legs, put together. Built by main/mirror.ts.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import type { LegLedger } from '../pair/leg-ledger.ts';
import type { MirrorStatus } from '../record/mirror-status.ts';
import type { Recorder } from '../record/recorder-port.ts';
import { monotonicMs, wallMs } from '../telemetry/clock.ts';
import type { Log } from '../telemetry/log-lines.ts';
import { type LoopDelay, watchLoopDelay } from '../telemetry/loop-delay.ts';
import { BusyWatch } from './busy-watch.ts';
import type { Candidate } from './candidates/candidate.ts';
import { EpochBooks } from './epoch-books.ts';
import { HeapPressure } from './heap-pressure.ts';
import { Intake } from './intake.ts';
import { Legs, type MirrorSettings } from './legs.ts';
import { HmacKeys } from './redaction/hmac-keys.ts';

export interface MirrorOptions {
  readonly config: Config;
  readonly version: string;
  /** Path of the wire's socket. */
  readonly wireSocket: string;
  /** The experiment's selection secret. */
  readonly secret: string;
  readonly settings: MirrorSettings;
  /** One for each configured candidate, by name. */
  readonly candidates: ReadonlyMap<string, Candidate>;
  readonly recorder: Recorder;
  /**
   * The ledger that the recorder's `onRecorded` settles legs in. It is empty; the mirror restores it from the
   * recorder's committed books.
   */
  readonly ledger: LegLedger;
  readonly log: Log;
  /** Share of the heap's limit in use; the heap's own where it is missing. */
  readonly heapUse?: () => number;
}

export class Mirror {
  readonly #options: MirrorOptions;
  readonly #startedMs = monotonicMs();
  readonly #loopDelay: LoopDelay = watchLoopDelay();
  readonly #busy = new BusyWatch();
  readonly #pressure: HeapPressure;
  readonly #books: EpochBooks;
  readonly #keys: HmacKeys;
  readonly #legs: Legs;
  readonly #intake: Intake;

  /** @throws {UnderstudyError} `UND_POINTER_SYNTAX` */
  constructor(options: MirrorOptions) {
    this.#options = options;
    const { config, candidates, settings, secret, recorder, ledger, log } = options;
    const { pressureFrom: from, pressureFull: full } = config.mirror;
    this.#pressure = new HeapPressure({ from, full }, options.heapUse);
    const [busy, pressure] = [this.#busy, this.#pressure];
    this.#keys = new HmacKeys(config.redaction.keys, log);
    this.#legs = new Legs({
      config,
      candidates,
      settings,
      secret,
      recorder,
      ledger,
      busy,
      pressure,
      keys: this.#keys,
    });
    this.#books = new EpochBooks({
      legs: ledger,
      recorder,
      candidates: candidatesByRoute(config),
      nowMs: wallMs,
    });
    recorder.whenOpened((committed) => {
      ledger.restore(committed.legs);
      this.#legs.restore(committed.legs);
      this.#books.restore(committed);
    });
    const { maxRequestBytes, maxAnswerBytes } = config.gateway;
    this.#intake = new Intake({
      path: options.wireSocket,
      limits: { maxRequestBytes, maxAnswerBytes, maxJsonBytes: LIMITS.wireJsonBytes },
      log,
      owner: {
        hello: (hello) => this.#books.hello(hello),
        exchange: (book, frame) => {
          if (!book.arrive(frame.seq)) return false;
          this.#legs.offer(book, frame);
          return true;
        },
        oversized: (book, exchange) => {
          if (!book.arrive(exchange.frame.seq)) return false;
          this.#legs.shed(book, exchange);
          return true;
        },
        report: (book, report) => this.#books.report(book, report),
        ended: (book, clean) => this.#books.end(book, clean),
      },
    });
  }

  /** @throws {UnderstudyError} `UND_LISTEN_FAILED` */
  start(): Promise<void> {
    return this.#intake.start();
  }

  /**
   * Stops in order: no new exchange, waiting legs shed, legs in flight awaited for LIMITS.legsStopMs at most, the
   * rest shed; then everything is on disk and the recorder is closed.
   */
  async stop(): Promise<void> {
    const { candidates, recorder } = this.#options;
    await this.#intake.stop();
    await this.#legs.stop(LIMITS.legsStopMs);
    await Promise.all(Array.from(candidates.values(), (candidate) => candidate.close()));
    await recorder.close();
    this.#keys.stop();
    this.#busy.stop();
    this.#pressure.stop();
    this.#loopDelay.stop();
  }

  status(): MirrorStatus {
    const { config, settings, ledger, recorder, version } = this.#options;
    return {
      process: 'mirror',
      name: 'mirror',
      pid: process.pid,
      version,
      uptimeMs: monotonicMs() - this.#startedMs,
      settingsVersion: settings.settings.version,
      mirroring: settings.paused === '',
      paused: settings.paused,
      legs: ledger.totals(),
      legsInFlight: ledger.inFlight,
      epochs: this.#books.status(),
      queuedBytes: this.#legs.heldBytes,
      maxQueuedBytes: config.mirror.maxQueuedBytes,
      parseBytes: this.#legs.parseBytes,
      maxParseBytes: config.mirror.maxParseBytes,
      bodies: this.#legs.sizes.status(config),
      selectionKeysMissing: this.#legs.keysMissing,
      heapUse: this.#pressure.use,
      pressureKeep: this.#pressure.keep,
      candidates: this.#legs.status(),
      recorder: recorder.status(),
      loopDelayMaxMs: this.#loopDelay.recentMaxMs(),
      wireErrors: this.#intake.errors,
    };
  }
}

/** Route → names of its candidates. */
export function candidatesByRoute(config: Pick<Config, 'candidates'>): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const candidate of config.candidates) {
    for (const route of candidate.routes) {
      names.set(route, [...(names.get(route) ?? []), candidate.name]);
    }
  }
  return names;
}

/**
 * The circuit breaker of one candidate: pauses a sick one, tries it with live copies, resumes by itself.
 *
 *   closed ──share of failures in the window──► open ──pause over──► half-open ──all probes succeed──► closed
 *                                                ▲                       │
 *                                                └──────one fails────────┘   (the pause doubles)
 *
 * Invariants
 * - The verdict of a copy counts in the period in which the copy was sent, never in a later one.
 * - Half-open: probes in flight + probes that have succeeded ≤ `probes`.
 * - `brokenMs` is the time in which it was not closed: what availability charges to the candidate.
 */
import { LIMITS } from '../config/defaults.ts';
import type { BreakerConfig } from '../config/types.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

/** `neutral` says nothing of the candidate: the incumbent answered the same request with an error, too. */
export type Verdict = 'success' | 'failure' | 'neutral';

interface Slice {
  index: number;
  successes: number;
  failures: number;
}

export class Breaker {
  readonly #config: BreakerConfig;
  readonly #slices: Slice[];
  #state: BreakerState = 'closed';
  /** Counts up with each change of state. */
  #period = 0;
  #opens = 0;
  #pauseMs: number;
  #retryMs = 0;
  #brokenSinceMs = 0;
  #brokenMs = 0;
  #probing = 0;
  #succeeded = 0;

  constructor(config: BreakerConfig) {
    this.#config = config;
    this.#pauseMs = config.openMs;
    this.#slices = Array.from({ length: LIMITS.breakerSlices }, emptySlice);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Times it has opened from closed. */
  get opens(): number {
    return this.#opens;
  }

  /** Whether a copy may be sent. @param nowMs - of a monotonic clock, the same in all calls */
  allows(nowMs: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'open' && nowMs >= this.#retryMs) this.#halfOpen();
    return this.#state === 'half_open' && this.#probing + this.#succeeded < this.#config.probes;
  }

  /** A copy is sent, after `allows`. @returns the period that its verdict belongs to */
  send(): number {
    if (this.#state === 'half_open') this.#probing += 1;
    return this.#period;
  }

  /** @returns whether the candidate has just become well again */
  record(period: number, verdict: Verdict, nowMs: number): boolean {
    if (period !== this.#period) return false;
    if (this.#state === 'half_open') return this.#recordProbe(verdict, nowMs);
    if (verdict === 'neutral') return false;
    const slice = this.#sliceAt(nowMs);
    if (verdict === 'success') slice.successes += 1;
    else {
      slice.failures += 1;
      if (this.#isSick(nowMs)) {
        this.#opens += 1;
        this.#brokenSinceMs = nowMs;
        this.#open(nowMs, this.#config.openMs);
      }
    }
    return false;
  }

  /** Time in which it was not closed, all in all. */
  brokenMs(nowMs: number): number {
    return this.#brokenMs + (this.#state === 'closed' ? 0 : nowMs - this.#brokenSinceMs);
  }

  /** Share of failures in the window, 0 to 1; 0 where nothing has come in. */
  failureRate(nowMs: number): number {
    const { total, failures } = this.#sum(nowMs);
    return total === 0 ? 0 : failures / total;
  }

  #recordProbe(verdict: Verdict, nowMs: number): boolean {
    this.#probing -= 1;
    if (verdict === 'failure') {
      this.#open(nowMs, Math.min(this.#pauseMs * 2, this.#config.maxOpenMs));
      return false;
    }
    if (verdict === 'neutral') return false; // its place is free for another one
    this.#succeeded += 1;
    if (this.#succeeded < this.#config.probes) return false;
    this.#brokenMs += nowMs - this.#brokenSinceMs;
    this.#state = 'closed';
    this.#period += 1;
    for (const slice of this.#slices) Object.assign(slice, emptySlice());
    return true;
  }

  #open(nowMs: number, pauseMs: number): void {
    this.#state = 'open';
    this.#period += 1;
    this.#pauseMs = pauseMs;
    this.#retryMs = nowMs + pauseMs;
  }

  #halfOpen(): void {
    this.#state = 'half_open';
    this.#period += 1;
    this.#probing = 0;
    this.#succeeded = 0;
  }

  #isSick(nowMs: number): boolean {
    const { total, failures } = this.#sum(nowMs);
    const { minRequests, failureRate } = this.#config;
    return total >= minRequests && failures >= failureRate * total;
  }

  #sum(nowMs: number): { total: number; failures: number } {
    const oldest = this.#indexAt(nowMs) - this.#slices.length;
    let total = 0;
    let failures = 0;
    for (const slice of this.#slices) {
      if (slice.index <= oldest) continue;
      total += slice.successes + slice.failures;
      failures += slice.failures;
    }
    return { total, failures };
  }

  #sliceAt(nowMs: number): Slice {
    const index = this.#indexAt(nowMs);
    const slice = this.#slices[index % this.#slices.length];
    if (slice === undefined) throw new Error('invariant: the window has slices');
    if (slice.index !== index) Object.assign(slice, emptySlice(), { index });
    return slice;
  }

  #indexAt(nowMs: number): number {
    return Math.floor(nowMs / (this.#config.windowMs / this.#slices.length));
  }
}

function emptySlice(): Slice {
  return { index: Number.NEGATIVE_INFINITY, successes: 0, failures: 0 };
}

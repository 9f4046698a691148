/**
 * Copies a second, as a token bucket. It holds what arrives in LIMITS.tokenBucketMs, at least one token, so
 * that a burst after a pause is small.
 */
import { LIMITS } from '../config/defaults.ts';

export class TokenBucket {
  #perSecond: number;
  #tokens: number;
  #atMs: number;

  /**
   * @param perSecond - ≥ 0; 0: no cap
   * @param nowMs - of any monotonic clock, the same in all calls
   */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /** Sets another cap. Tokens that are there stay, as far as they fit; without a cap before, it starts full. */
  set(perSecond: number, nowMs: number): void {
    if (perSecond === this.#perSecond) return;
    this.#refill(nowMs);
    const hadNone = this.#perSecond === 0;
    this.#perSecond = perSecond;
    this.#tokens = hadNone ? this.#capacity : Math.min(this.#tokens, this.#capacity);
  }

  /** Whether a copy may be sent now. */
  has(nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    this.#refill(nowMs);
    return this.#tokens >= 1;
  }

  /** Takes a token, after `has`. */
  take(): void {
    if (this.#perSecond !== 0) this.#tokens -= 1;
  }

  /** Share of the bucket that is taken, 0 to 1; 0 without a cap. */
  use(nowMs: number): number {
    if (this.#perSecond === 0) return 0;
    this.#refill(nowMs);
    return 1 - Math.max(0, this.#tokens) / this.#capacity;
  }

  get #capacity(): number {
    return Math.max(1, (this.#perSecond * LIMITS.tokenBucketMs) / 1_000);
  }

  #refill(nowMs: number): void {
    const earned = ((nowMs - this.#atMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, earned));
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}

/**
 * The ceiling of copies in flight that follows a latency objective: additive increase by about one for each
 * round of answers that kept it, multiplicative decrease by one answer that did not.
 *
 * Invariant: minInFlight ≤ limit ≤ maxInFlight.
 * Source: AIMD of Chiu and Jain 1989, "Analysis of the increase and decrease algorithms for congestion
 * avoidance in computer networks".
 */
import { LIMITS } from '../config/defaults.ts';
import type { AdaptiveConfig } from '../config/types.ts';

export class AdaptiveLimit {
  readonly #config: AdaptiveConfig;
  readonly #max: number;
  #limit: number;
  #loweredMs = Number.NEGATIVE_INFINITY;

  /** It starts low: a small candidate is not flooded before it has answered once. */
  constructor(config: AdaptiveConfig, maxInFlight: number) {
    this.#config = config;
    this.#max = maxInFlight;
    this.#limit = Math.min(config.minInFlight, maxInFlight);
  }

  /** Copies that may be in flight now, an integer ≥ 1. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Takes up how a copy went.
   *
   * @param leg.inFlight - copies in flight when this one was done, itself included
   * @param leg.isFailure - no answer, or an error where the incumbent had none
   */
  record(leg: {
    readonly dispatchMs: number;
    readonly endMs: number;
    readonly inFlight: number;
    readonly isFailure: boolean;
  }): void {
    const { dispatchMs, endMs, inFlight, isFailure } = leg;
    if (isFailure || endMs - dispatchMs > this.#config.latencyMs) {
      // Copies that were under way at the last decrease say nothing of the ceiling that is in force since.
      if (dispatchMs <= this.#loweredMs) return;
      this.#loweredMs = endMs;
      const lowered = this.#limit * LIMITS.adaptiveBackOff;
      this.#limit = Math.max(Math.min(this.#config.minInFlight, this.#max), lowered);
    } else if (inFlight * 2 >= this.#limit) {
      // Raised only where it is used: a quiet hour must not earn a flood.
      this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
    }
  }
}

/**
 * Memory that parsed bodies may take. A body of JSON becomes objects of up to LIMITS.parseFactor times its
 * size, so it is charged with that before it is parsed.
 *
 * Invariants: Σ of what is held ≤ max; no body costs more than LIMITS.parseShare of max.
 */
import { LIMITS } from '../config/defaults.ts';

export class ParseBudget {
  readonly max: number;
  #held = 0;

  /** @param max - bytes, > 0 */
  constructor(max: number) {
    this.max = max;
  }

  /** Bytes charged for bodies that are held now. */
  get held(): number {
    return this.#held;
  }

  /** Whether one body of so many bytes may be parsed at all. */
  allows(bytes: number): boolean {
    return bytes * LIMITS.parseFactor <= this.max * LIMITS.parseShare;
  }

  /** Charges for bodies of so many bytes together. @returns what to give back; −1: they do not fit now */
  take(bytes: number): number {
    const cost = bytes * LIMITS.parseFactor;
    if (this.#held + cost > this.max) return -1;
    this.#held += cost;
    return cost;
  }

  giveBack(cost: number): void {
    this.#held -= cost;
  }
}

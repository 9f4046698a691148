/** Waits that double from `minMs` to `maxMs`, each drawn from its upper half, so that many do not meet. */
export class BackOff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#nextMs = minMs;
  }

  /** The wait before the next try, ms. */
  next(): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(this.#maxMs, waitMs * 2);
    return waitMs * (0.5 + Math.random() / 2);
  }

  /** After a success. */
  reset(): void {
    this.#nextMs = this.#minMs;
  }
}

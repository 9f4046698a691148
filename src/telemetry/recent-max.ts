/** The largest of the last minute or two: what a cap of single items is used to. */
import { monotonicMs } from './clock.ts';

const WINDOW_MS = 60_000;

export class RecentMax {
  readonly #now: () => number;
  #windowEndMs: number;
  #current = 0;
  #previous = 0;

  /** @param now - ms that never go back */
  constructor(now: () => number = monotonicMs) {
    this.#now = now;
    this.#windowEndMs = now() + WINDOW_MS;
  }

  /** @param value - ≥ 0 */
  note(value: number): void {
    this.#turn();
    if (value > this.#current) this.#current = value;
  }

  /** Largest of the last 60 to 120 s; 0: none. */
  get value(): number {
    this.#turn();
    return Math.max(this.#current, this.#previous);
  }

  #turn(): void {
    const nowMs = this.#now();
    if (nowMs < this.#windowEndMs) return;
    this.#previous = nowMs < this.#windowEndMs + WINDOW_MS ? this.#current : 0;
    this.#current = 0;
    this.#windowEndMs = nowMs + WINDOW_MS;
  }
}

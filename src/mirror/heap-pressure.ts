/**
 * How full the heap is, and which share of copies is still made: all below `from`, none at `full`, linear
 * between. The lowest of the last LIMITS.heapLooks looks counts: between two collections the heap also holds
 * garbage, and that is no pressure.
 */
import { getHeapStatistics } from 'node:v8';
import { LIMITS } from '../config/defaults.ts';

/** What the mirror asks: 1 while nothing has to be given up. */
export interface Pressure {
  /** Share of copies that are made, 0 to 1. */
  readonly keep: number;
  /** Share of the heap's limit that is in use, 0 to 1. */
  readonly use: number;
}

export class HeapPressure implements Pressure {
  readonly #bounds: { readonly from: number; readonly full: number };
  readonly #look: () => number;
  readonly #looks: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #use = 0;

  /**
   * @param bounds - shares of the heap's limit, 0 to 1, from ≤ full
   * @param look - share in use now; the heap's own where it is missing
   */
  constructor(
    bounds: { readonly from: number; readonly full: number },
    look: () => number = heapUse,
  ) {
    this.#bounds = bounds;
    this.#look = look;
    this.#timer = setInterval(() => this.look(), LIMITS.heapLookMs).unref();
  }

  get use(): number {
    return this.#use;
  }

  get keep(): number {
    const { from, full } = this.#bounds;
    if (this.#use < from) return 1;
    return this.#use >= full ? 0 : (full - this.#use) / (full - from);
  }

  /** Looks now; the timer does so every LIMITS.heapLookMs. */
  look(): void {
    this.#looks.push(this.#look());
    if (this.#looks.length > LIMITS.heapLooks) this.#looks.shift();
    this.#use = Math.min(...this.#looks);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function heapUse(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return used_heap_size / heap_size_limit;
}

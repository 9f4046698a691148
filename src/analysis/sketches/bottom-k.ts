/**
 * A uniform sample of k pairs by the hash of their ids: the same whatever order they came in.
 *
 * The k ids with the smallest hashes are kept. The sample of a union is the bottom k of the samples, so any
 * partition and merge tree gives the same one; an id that comes twice is kept once. For what does not add up: rank
 * agreement, DeLong, Hodges–Lehmann.
 *
 * Source: Cohen & Kaplan 2007, "Summarizing data using bottom-k sketches".
 */
import { hash } from 'node:crypto';
import { requireThat } from '../statistics/domain.ts';

/** One sampled item. The value must be a function of the id. */
export interface Sampled<T> {
  readonly id: string;
  readonly value: T;
}

interface Entry<T> extends Sampled<T> {
  readonly rank: number;
}

/** The first 52 bits of SHA-256 of the id, as an integer: uniform, and computable by any engine. */
export function sampleRank(id: string): number {
  return Number.parseInt(hash('sha256', id, 'hex').slice(0, 13), 16);
}

export class BottomK<T> {
  readonly k: number;
  /** A max-heap by (rank, id): the root is the first to go. */
  readonly #heap: Entry<T>[] = [];
  readonly #ids = new Set<string>();

  /** @param k - size of the sample, integer ≥ 1. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
  constructor(k: number) {
    requireThat(Number.isSafeInteger(k) && k >= 1, 'k', k, 'an integer ≥ 1');
    this.k = k;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Offers an item. @returns whether it is in the sample now, and was not before */
  add(id: string, value: T): boolean {
    const rank = sampleRank(id);
    const largest = this.#heap[0];
    if (this.size === this.k && largest !== undefined && !isBefore({ rank, id }, largest)) {
      return false;
    }
    if (this.#ids.has(id)) return false;
    this.#insert({ rank, id, value });
    return true;
  }

  /** Adds another sample, of the same k. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on another k */
  merge(other: BottomK<T>): void {
    requireThat(other.k === this.k, 'k', other.k, `${this.k}`);
    for (const { id, value } of other.#heap) this.add(id, value);
  }

  /**
   * Takes items out for good. Their places are taken by what comes later, so that of k places as many as were removed
   * are filled from later items alone.
   *
   * @returns whether one of them was in the sample
   */
  remove(ids: readonly string[]): boolean {
    const gone = new Set(ids.filter((id) => this.#ids.has(id)));
    if (gone.size === 0) return false;
    const kept = this.#heap.filter(({ id }) => !gone.has(id));
    this.#heap.length = 0;
    this.#ids.clear();
    for (const entry of kept) this.#insert(entry);
    return true;
  }

  /** The sample in the order of its hashes. */
  items(): Sampled<T>[] {
    return this.#heap
      .toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
      .map(({ id, value }) => ({ id, value }));
  }

  #insert(entry: Entry<T>): void {
    this.#ids.add(entry.id);
    if (this.size < this.k) {
      this.#heap.push(entry);
      this.#up(this.size - 1);
      return;
    }
    this.#ids.delete((this.#heap[0] as Entry<T>).id);
    this.#heap[0] = entry;
    this.#down(0);
  }

  #up(start: number): void {
    for (let i = start; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isOver(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #down(start: number): void {
    for (let i = start; ; ) {
      const left = 2 * i + 1;
      let largest = i;
      if (left < this.size && this.#isOver(left, largest)) largest = left;
      if (left + 1 < this.size && this.#isOver(left + 1, largest)) largest = left + 1;
      if (largest === i) return;
      this.#swap(i, largest);
      i = largest;
    }
  }

  #isOver(i: number, j: number): boolean {
    return isBefore(this.#heap[j] as Entry<T>, this.#heap[i] as Entry<T>);
  }

  #swap(i: number, j: number): void {
    const kept = this.#heap[i] as Entry<T>;
    this.#heap[i] = this.#heap[j] as Entry<T>;
    this.#heap[j] = kept;
  }
}

interface Ranked {
  readonly rank: number;
  readonly id: string;
}

function isBefore(a: Ranked, b: Ranked): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

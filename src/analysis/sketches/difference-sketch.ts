/**
 * Distribution of score differences: a sketch for both signs with a stated error and an exact merge.
 *
 * Counts of integers |d| in 2^-40 units, in buckets that are linear below 2^-20 and logarithmic above:
 *
 *     |d| in [2^e, 2^(e+1)):  32 buckets of width 2^(e-5);   |d| < 2^-20: 32 buckets of width 2^-25
 *
 * A quantile is the middle of its bucket: off by at most 1/64 of |d|, and by 2^-26 (1.5e-8) below 2^-20. Zero, the
 * least and the largest difference are exact. Negative values have buckets of their own, mirrored: the order of
 * values, and so each quantile, is right across zero. Counts add up: any merge tree gives the same bytes.
 *
 * Memory: a row of 32 counts (256 bytes) for each power of two that occurs, at most 33 rows a sign.
 */
import { requireThat, requireWithin } from '../statistics/domain.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { FIXED_ONE, fromFixedPoint, toFixedPoint } from './fixed-point.ts';

const PER_ROW = 32;
/** |d| < 2^-20 are 20 bits of units; up to 2048 = 2^11 there are 32 powers of two above, 2^11 itself included. */
const LINEAR_BITS = 20;
const ROWS = 33;

export class DifferenceSketch {
  #zeros = 0;
  #n = 0;
  #least = Number.POSITIVE_INFINITY;
  #largest = Number.NEGATIVE_INFINITY;
  readonly #positive = new SignRows();
  readonly #negative = new SignRows();

  get n(): number {
    return this.#n;
  }

  /** Differences of less than half a unit of 2^-40. */
  get zeros(): number {
    return this.#zeros;
  }

  /** Exact to a unit of 2^-40; NaN while empty. */
  get least(): number {
    return this.#n === 0 ? Number.NaN : fromFixedPoint(this.#least);
  }

  /** Exact to a unit of 2^-40; NaN while empty. */
  get largest(): number {
    return this.#n === 0 ? Number.NaN : fromFixedPoint(this.#largest);
  }

  /**
   * @param difference - in [-2048, 2048]
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` outside that, and on NaN; nothing is counted then
   */
  add(difference: number): void {
    const units = toFixedPoint(difference);
    this.#n += 1;
    if (units < this.#least) this.#least = units;
    if (units > this.#largest) this.#largest = units;
    if (units === 0) this.#zeros += 1;
    else if (units > 0) this.#positive.add(units);
    else this.#negative.add(-units);
  }

  merge(other: DifferenceSketch): void {
    this.#n += other.#n;
    this.#zeros += other.#zeros;
    this.#least = Math.min(this.#least, other.#least);
    this.#largest = Math.max(this.#largest, other.#largest);
    this.#positive.merge(other.#positive);
    this.#negative.merge(other.#negative);
  }

  /**
   * The p-quantile: the value of rank ⌈pn⌉, to the stated error.
   *
   * @param p - in [0, 1]; 0 is the least, 1 the largest
   * @returns NaN while empty
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
   */
  quantile(p: number): number {
    requireWithin('p', p, [0, 1]);
    return this.#atRank(Math.max(1, Math.ceil(p * this.#n)), true);
  }

  /** The p-quantile of |d|, to the same error. Arguments as {@link quantile}. */
  absoluteQuantile(p: number): number {
    requireWithin('p', p, [0, 1]);
    const both = new SignRows();
    both.merge(this.#positive);
    both.merge(this.#negative);
    const rank = Math.max(1, Math.ceil(p * this.#n));
    if (this.#n === 0) return Number.NaN;
    const largest = Math.max(Math.abs(this.#least), Math.abs(this.#largest));
    if (rank >= this.#n) return fromFixedPoint(largest);
    return rank <= this.#zeros ? 0 : Math.min(both.atRank(rank - this.#zeros), largest) / FIXED_ONE;
  }

  #atRank(rank: number, clip: boolean): number {
    if (this.#n === 0) return Number.NaN;
    if (clip && rank <= 1) return this.least;
    if (clip && rank >= this.#n) return this.largest;
    const below = this.#negative.total;
    let units = 0;
    if (rank <= below) units = -this.#negative.atRank(below - rank + 1);
    else if (rank > below + this.#zeros) units = this.#positive.atRank(rank - below - this.#zeros);
    return fromFixedPoint(Math.min(this.#largest, Math.max(this.#least, units)));
  }

  /** Bins in ascending order, for plots: ends in the unit of the score, with their counts; empty ones left out. */
  bins(): { readonly from: number; readonly to: number; readonly count: number }[] {
    const negative = this.#negative
      .bins()
      .map(({ from, to, count }) => ({ from: -to, to: -from, count }));
    const zero = this.#zeros > 0 ? [{ from: 0, to: 0, count: this.#zeros }] : [];
    return [...negative.reverse(), ...zero, ...this.#positive.bins()];
  }

  /** Canonical: equal counts give equal bytes. */
  encode(writer: ByteWriter): void {
    writer.count(this.#n);
    if (this.#n === 0) return;
    writer.count(this.#zeros);
    writer.integer(BigInt(this.#least));
    writer.integer(BigInt(this.#largest));
    this.#negative.encode(writer);
    this.#positive.encode(writer);
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): DifferenceSketch {
    const sketch = new DifferenceSketch();
    sketch.#n = reader.count();
    if (sketch.#n === 0) return sketch;
    sketch.#zeros = reader.count();
    sketch.#least = Number(reader.integer());
    sketch.#largest = Number(reader.integer());
    sketch.#negative.decode(reader);
    sketch.#positive.decode(reader);
    const sum = sketch.#zeros + sketch.#negative.total + sketch.#positive.total;
    requireThat(sum === sketch.#n, 'n', sketch.#n, `${sum}, the sum of the buckets`);
    return sketch;
  }
}

/** Buckets of one sign, for units ≥ 1. */
class SignRows {
  total = 0;
  readonly #rows: (Float64Array | undefined)[] = new Array<undefined>(ROWS).fill(undefined);

  add(units: number): void {
    const row = rowOf(units);
    const width = bucketWidth(row);
    const bucket = Math.floor((units - rowStart(row)) / width);
    this.#count(row, bucket, 1);
  }

  #count(row: number, bucket: number, count: number): void {
    const counts = this.#rows[row] ?? new Float64Array(PER_ROW);
    this.#rows[row] = counts;
    counts[bucket] = (counts[bucket] as number) + count;
    this.total += count;
  }

  merge(other: SignRows): void {
    other.#each((row, bucket, count) => this.#count(row, bucket, count));
  }

  /** Middle of the bucket that holds the rank-th smallest value, in units; rank from 1 to total. */
  atRank(rank: number): number {
    let seen = 0;
    let found = 0;
    this.#each((row, bucket, count) => {
      if (seen < rank) found = rowStart(row) + (bucket + 0.5) * bucketWidth(row);
      seen += count;
    });
    return found;
  }

  bins(): { from: number; to: number; count: number }[] {
    const bins: { from: number; to: number; count: number }[] = [];
    this.#each((row, bucket, count) => {
      const from = (rowStart(row) + bucket * bucketWidth(row)) / FIXED_ONE;
      bins.push({ from, to: from + bucketWidth(row) / FIXED_ONE, count });
    });
    return bins;
  }

  encode(writer: ByteWriter): void {
    let used = 0;
    this.#each(() => {
      used += 1;
    });
    writer.count(used);
    let last = -1;
    this.#each((row, bucket, count) => {
      const place = row * PER_ROW + bucket;
      writer.count(place - last - 1);
      writer.count(count);
      last = place;
    });
  }

  decode(reader: ByteReader): void {
    const used = reader.count();
    let place = -1;
    for (let i = 0; i < used; i++) {
      place += reader.count() + 1;
      requireThat(place < ROWS * PER_ROW, 'bucket', place, `below ${ROWS * PER_ROW}`);
      const count = reader.count();
      requireThat(count > 0, 'count', count, 'above 0');
      this.#count(Math.floor(place / PER_ROW), place % PER_ROW, count);
    }
  }

  /** Non-empty buckets in ascending order of value. */
  #each(visit: (row: number, bucket: number, count: number) => void): void {
    for (let row = 0; row < ROWS; row++) {
      const counts = this.#rows[row];
      if (counts === undefined) continue;
      for (let bucket = 0; bucket < PER_ROW; bucket++) {
        const count = counts[bucket] as number;
        if (count > 0) visit(row, bucket, count);
      }
    }
  }
}

/** 0 below 2^20 units, then one row a power of two. Exact: clz32 sees the integer part of units / 2^20. */
function rowOf(units: number): number {
  return units < 2 ** LINEAR_BITS ? 0 : 32 - Math.clz32(Math.floor(units / 2 ** LINEAR_BITS));
}

function rowStart(row: number): number {
  return row === 0 ? 0 : 2 ** (LINEAR_BITS + row - 1);
}

function bucketWidth(row: number): number {
  return row === 0 ? 2 ** (LINEAR_BITS - 5) : 2 ** (LINEAR_BITS + row - 1 - 5);
}

/**
 * Latencies of one side in an HdrHistogram: 1 µs to 10 minutes, two significant digits.
 *
 * A quantile is off by at most 1 %. Counts add up, so any merge tree gives the same bytes. 13 KiB of memory. The
 * state is encoded by ourselves, counts alone; {@link LatencyHistogram.toHdrBase64} gives the interchange format that
 * Java, Go and Rust read. Its compressed bytes depend on the zlib at hand and are no state.
 */
import {
  build,
  encodeIntoCompressedBase64,
  type Histogram,
  type JsHistogram,
} from 'hdr-histogram-js';
import { requireThat, requireWithin } from '../statistics/domain.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

const LARGEST_US = 600_000_000;

const OPTIONS = {
  bitBucketSize: 32,
  autoResize: false,
  lowestDiscernibleValue: 1,
  highestTrackableValue: LARGEST_US,
  numberOfSignificantValueDigits: 2,
  useWebAssembly: false,
} as const;

export class LatencyHistogram {
  readonly #counts: Histogram = build(OPTIONS);

  get n(): number {
    return this.#counts.totalCount;
  }

  /**
   * Counts one latency; above 10 minutes as 10 minutes.
   *
   * @param ms - milliseconds, ≥ 0; rounded to a microsecond
   * @param count - how often, integer ≥ 1
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on a negative number and on NaN
   */
  add(ms: number, count = 1): void {
    requireWithin('ms', ms, [0, Number.POSITIVE_INFINITY]);
    const us = Math.min(LARGEST_US, Math.round(ms * 1_000));
    this.#counts.recordValueWithCount(us, count);
  }

  merge(other: LatencyHistogram): void {
    if (other.n > 0) this.#counts.add(other.#counts);
  }

  /**
   * The p-quantile in milliseconds: the highest value of its bucket, so at most 1 % too high.
   *
   * @param p - in [0, 1]
   * @returns NaN while empty
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
   */
  quantile(p: number): number {
    requireWithin('p', p, [0, 1]);
    return this.n === 0 ? Number.NaN : this.#counts.getValueAtPercentile(100 * p) / 1_000;
  }

  /**
   * The k-th smallest latency in milliseconds, as {@link quantile} gives it: for confidence sequences by ranks.
   *
   * @param rank - integer from 1 to n
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
   */
  atRank(rank: number): number {
    requireThat(Number.isInteger(rank) && rank >= 1 && rank <= this.n, 'rank', rank, '1 to n');
    let seen = 0;
    for (const { to, count } of this.bins()) {
      seen += count;
      if (seen >= rank) return to;
    }
    return Number.NaN;
  }

  /** How many are above a limit: exact for the bucket that holds it, counted as not above. */
  above(ms: number): number {
    let count = 0;
    for (const bin of this.bins()) if (bin.from > ms) count += bin.count;
    return count;
  }

  /** Bins in ascending order, for plots: inclusive ends in milliseconds; empty ones left out. */
  bins(): { readonly from: number; readonly to: number; readonly count: number }[] {
    return this.#used().map(({ value, count }) => ({
      from: value / 1_000,
      to: this.#raw().highestEquivalentValue(value) / 1_000,
      count,
    }));
  }

  /** Canonical: equal counts give equal bytes. */
  encode(writer: ByteWriter): void {
    const used = this.#used();
    writer.count(used.length);
    let last = 0;
    for (const { value, count } of used) {
      writer.count(value - last);
      writer.count(count);
      last = value;
    }
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): LatencyHistogram {
    const histogram = new LatencyHistogram();
    const used = reader.count();
    let value = 0;
    for (let i = 0; i < used; i++) {
      value += reader.count();
      const count = reader.count();
      requireThat(value <= LARGEST_US, 'value', value, `at most ${LARGEST_US}`);
      requireThat(count > 0, 'count', count, 'above 0');
      histogram.#counts.recordValueWithCount(value, count);
    }
    return histogram;
  }

  /** HdrHistogram's V2 format, compressed, in base64; values are microseconds. */
  toHdrBase64(): string {
    return encodeIntoCompressedBase64(this.#counts);
  }

  /** Without WebAssembly the library gives its own class, which shows its buckets. */
  #raw(): JsHistogram {
    return this.#counts as JsHistogram;
  }

  #used(): { readonly value: number; readonly count: number }[] {
    const raw = this.#raw();
    const used: { value: number; count: number }[] = [];
    for (let i = 0; i < raw.countsArrayLength; i++) {
      const count = raw.getCountAtIndex(i);
      if (count > 0) used.push({ value: raw.valueFromIndex(i), count });
    }
    return used;
  }
}

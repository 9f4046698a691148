import { build, decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../bench/simulate/random.ts';
import { BottomK, sampleRank } from '../../../src/analysis/sketches/bottom-k.ts';
import { DifferenceSketch } from '../../../src/analysis/sketches/difference-sketch.ts';
import { ExactSums } from '../../../src/analysis/sketches/exact-sums.ts';
import { squareUnits, toFixedPoint } from '../../../src/analysis/sketches/fixed-point.ts';
import { KEY_BUCKETS, keyBucket } from '../../../src/analysis/sketches/key-buckets.ts';
import { LatencyHistogram } from '../../../src/analysis/sketches/latency-histogram.ts';
import { LossSums } from '../../../src/analysis/sketches/loss-sums.ts';
import { designEffect } from '../../../src/analysis/statistics/design-effect.ts';

const domain = expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' });

describe('fixed point', () => {
  it('is exact for multiples of 2^-40 and never gives -0', () => {
    expect(toFixedPoint(1)).toBe(2 ** 40);
    expect(toFixedPoint(-3 * 2 ** -40)).toBe(-3);
    expect(Object.is(toFixedPoint(-0), 0)).toBe(true);
    expect(Object.is(toFixedPoint(-1e-14), 0)).toBe(true);
    expect(toFixedPoint(2_048)).toBe(2 ** 51);
  });

  it('rounds squares up, so that V is never too small', () => {
    expect(squareUnits(0)).toBe(0);
    expect(squareUnits(1)).toBe(1);
    expect(squareUnits(2 ** 40)).toBe(2 ** 40);
    expect(squareUnits(-(2 ** 39))).toBe(2 ** 38);
  });

  it.each([Number.NaN, 2_048.1, Number.POSITIVE_INFINITY])('refuses %d', (value) => {
    expect(() => toFixedPoint(value)).toThrowError(domain);
  });
});

describe('exact sums', () => {
  it('equal bigint sums far beyond 2^53', () => {
    const random = createRandom(1);
    const sums = new ExactSums(1);
    let exact = 0n;
    for (let i = 0; i < 30_000; i++) {
      const units = Math.round((random() - 0.3) * 2 ** 52);
      sums.add(0, units);
      exact += BigInt(units);
    }
    expect(sums.value(0)).toBe(exact);
    expect(exact > 2n ** 60n).toBe(true);
  });

  it('hold the sum of a billion losses of one: merged in doublings', () => {
    const state = new LossSums();
    for (let i = 0; i < 1_000; i++) state.add(1);
    const other = new LossSums();
    for (let i = 0; i < 20; i++) {
      other.merge(state);
      state.merge(other);
      if (state.n > 1e9) break;
    }
    const { n, sum, squares } = state.totals();
    expect(n).toBeGreaterThan(1e9);
    expect(sum).toBe(n);
    expect(squares).toBe(n);
  });

  it('count nothing of a loss that is refused', () => {
    const state = new LossSums();
    expect(() => state.add(Number.NaN)).toThrowError(domain);
    expect(() => state.add(65)).toThrowError(domain);
    expect(state.totals()).toEqual({ n: 0, sum: 0, squares: 0 });
  });
});

describe('the sketch of differences', () => {
  it('has each quantile to 1/64 or 2^-26, for both signs', () => {
    const random = createRandom(2);
    const sketch = new DifferenceSketch();
    const values = Array.from({ length: 5_000 }, (_, i) =>
      i % 50 === 0 ? 0 : (random() < 0.6 ? -1 : 1) * 10 ** (-9 * random()),
    );
    for (const value of values) sketch.add(value);
    const sorted = values.toSorted((a, b) => a - b);
    const absolute = values.map(Math.abs).toSorted((a, b) => a - b);
    for (let i = 1; i <= 999; i++) {
      const p = i / 1_000;
      const exact = sorted[Math.ceil(p * values.length) - 1] as number;
      const bound = Math.max(2 ** -26, Math.abs(exact) / 64) + 2 ** -40;
      expect(Math.abs(sketch.quantile(p) - exact)).toBeLessThanOrEqual(bound);
      const size = absolute[Math.ceil(p * values.length) - 1] as number;
      const room = Math.max(2 ** -26, size / 64) + 2 ** -40;
      expect(Math.abs(sketch.absoluteQuantile(p) - size)).toBeLessThanOrEqual(room);
    }
    expect(sketch.zeros).toBe(100);
    expect(sketch.least).toBeCloseTo(sorted[0] as number, 11);
    expect(sketch.largest).toBeCloseTo(sorted.at(-1) as number, 11);
  });

  it('orders negative values rightly: the median of -6 … -1 is -4', () => {
    const sketch = new DifferenceSketch();
    for (const value of [-1, -2, -3, -4, -5, -6]) sketch.add(value);
    expect(sketch.quantile(0.5)).toBeCloseTo(-4, 0);
    expect(sketch.quantile(0.5)).toBeLessThanOrEqual(-3.9);
    expect(sketch.quantile(0)).toBe(-6);
    expect(sketch.quantile(1)).toBe(-1);
  });

  it('takes the ends of its range', () => {
    const sketch = new DifferenceSketch();
    sketch.add(2_048);
    sketch.add(-2_048);
    expect([sketch.least, sketch.largest]).toEqual([-2_048, 2_048]);
    expect(sketch.bins().map((bin) => bin.count)).toEqual([1, 1]);
    expect(() => sketch.add(2_049)).toThrowError(domain);
    expect(sketch.n).toBe(2);
  });

  it('is all zeros for an identical candidate', () => {
    const sketch = new DifferenceSketch();
    for (let i = 0; i < 1_000; i++) sketch.add(0);
    expect(sketch.quantile(0.01)).toBe(0);
    expect(sketch.absoluteQuantile(0.99)).toBe(0);
    expect(sketch.bins()).toEqual([{ from: 0, to: 0, count: 1_000 }]);
  });

  it('says NaN while empty', () => {
    expect(new DifferenceSketch().quantile(0.5)).toBeNaN();
    expect(new DifferenceSketch().absoluteQuantile(0.5)).toBeNaN();
    expect(new DifferenceSketch().least).toBeNaN();
  });
});

describe('the latency histogram', () => {
  it('has quantiles to 1 %, and caps at ten minutes', () => {
    const histogram = new LatencyHistogram();
    for (let i = 1; i <= 1_000; i++) histogram.add(i / 10);
    for (const p of [0.01, 0.5, 0.95, 0.99, 1]) {
      expect(histogram.quantile(p) / (p * 100)).toBeGreaterThanOrEqual(1);
      expect(histogram.quantile(p) / (p * 100)).toBeLessThanOrEqual(1.01);
    }
    expect(histogram.atRank(500)).toBe(histogram.quantile(0.5));
    expect(histogram.above(90)).toBeGreaterThan(90);
    expect(histogram.above(90)).toBeLessThanOrEqual(100);
    histogram.add(Number.POSITIVE_INFINITY);
    expect(histogram.quantile(1)).toBeGreaterThanOrEqual(600_000);
    expect(() => histogram.add(-1)).toThrowError(domain);
    expect(() => histogram.add(Number.NaN)).toThrowError(domain);
  });

  it('is read by HdrHistogram itself', () => {
    const histogram = new LatencyHistogram();
    for (let i = 0; i < 500; i++) histogram.add(i * 1.7);
    const read = decodeFromCompressedBase64(histogram.toHdrBase64());
    expect(read.totalCount).toBe(500);
    expect(read.getValueAtPercentile(99) / 1_000).toBe(histogram.quantile(0.99));
  });
});

describe('HdrHistogram, its own tests of expected intervals', () => {
  it('fills in what coordinated omission has left out', () => {
    const record = (interval: number): number => {
      const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 2 ** 20 });
      histogram.recordValueWithExpectedInterval(207, interval);
      histogram.recordValueWithExpectedInterval(207, interval);
      return histogram.totalCount;
    };
    const one = build({ lowestDiscernibleValue: 1, highestTrackableValue: 2 ** 20 });
    one.recordValueWithExpectedInterval(207, 100);
    expect([one.totalCount, one.minNonZeroValue, one.maxValue]).toEqual([2, 107, 207]);
    expect(record(100)).toBe(4);
    expect(record(1_000)).toBe(2);
  });
});

describe('the sample of pairs', () => {
  it('keeps an id once, and the k smallest hashes', () => {
    const sample = new BottomK<number>(10);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 500; i++) sample.add(`id ${i}`, i);
    }
    const ids = Array.from({ length: 500 }, (_, i) => `id ${i}`);
    const smallest = ids.toSorted((a, b) => sampleRank(a) - sampleRank(b)).slice(0, 10);
    expect(sample.items().map(({ id }) => id)).toEqual(smallest);
  });

  it('is spread evenly over the ids', () => {
    const sample = new BottomK<number>(1_000);
    for (let i = 0; i < 10_000; i++) sample.add(`pair ${i}`, i);
    const mean = sample.items().reduce((sum, { value }) => sum + value, 0) / 1_000;
    expect(Math.abs(mean - 5_000)).toBeLessThan(3 * (10_000 / Math.sqrt(12 * 1_000)));
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a size of %d', (k) => {
    expect(() => new BottomK(k)).toThrowError(domain);
  });
});

describe('the design effect', () => {
  const random = createRandom(3);
  /** Pairs of `keys` keys, each repeated; equal outcomes within a key. */
  function effect(repeats: number): number {
    const counts = new Array<number>(KEY_BUCKETS).fill(0);
    const sums = new Array<number>(KEY_BUCKETS).fill(0);
    let squares = 0;
    for (let i = 0; i < 40_000 / repeats; i++) {
      const bucket = keyBucket(`${repeats}/${i}`);
      const loss = random() < 0.05 ? 1 : 0;
      counts[bucket] = (counts[bucket] as number) + repeats;
      sums[bucket] = (sums[bucket] as number) + repeats * loss;
      squares += repeats * loss;
    }
    return designEffect(counts, sums, { squares, nonZero: squares });
  }

  it('is about 1 for distinct keys and about m for m equal outcomes a key', () => {
    expect(effect(1)).toBeLessThan(1.2);
    expect(effect(10)).toBeGreaterThan(8.5);
    expect(effect(10)).toBeLessThan(11.5);
  });

  it('is bounded by the repeats of keys while few losses are seen', () => {
    const counts = new Array<number>(KEY_BUCKETS).fill(0);
    for (let i = 0; i < 1_000; i++) {
      const bucket = keyBucket(`key ${i}`);
      counts[bucket] = (counts[bucket] as number) + 5;
    }
    const none = new Array<number>(KEY_BUCKETS).fill(0);
    const d = designEffect(counts, none, { squares: 0, nonZero: 0 });
    expect(d).toBeGreaterThan(4);
    expect(d).toBeLessThan(7);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quantile } from '../../src/demo/quantile.ts';
import { agreementOf, ratesOf, summarize } from '../../src/demo/summary.ts';
import { pairOf } from './pairs.ts';

const LABELS = ['good', 'bad'] as const;

const PAIRS = [
  pairOf({ loan: 'a', incumbent: [0.1, 'good'], candidate: [0.2, 'bad'], times: [2, 4, 0.1] }),
  pairOf({ loan: 'b', incumbent: [0.5, 'bad'], candidate: [0.4, 'bad'], times: [3, 1, 0.2] }),
  pairOf({ loan: 'c', incumbent: [0.3, 'bad'], candidate: [0.05, 'good'], times: [1, 2, 0.3] }),
  pairOf({ loan: 'd', incumbent: [0.1, 'good'], candidate: [0.1, 'good'], flags: ['early'] }),
];
const OUTCOMES = new Map([
  ['a', 'bad'],
  ['b', 'bad'],
  ['c', 'good'],
  ['d', 'bad'],
]);

describe('summary', () => {
  const summary = summarize(PAIRS, { labels: LABELS, outcomes: OUTCOMES });

  test('counts labels of both sides, flips both ways', () => {
    expect(summary.confusion).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(agreementOf(summary.confusion)).toEqual({ agreed: 2, flips: 2 });
  });

  test('the mean score difference keeps its sign, the absolute one has none', () => {
    expect(summary.score.mean).toBeCloseTo((0.1 - 0.1 - 0.25 + 0) / 4, 12);
    expect(summary.score.meanAbsolute).toBeCloseTo((0.1 + 0.1 + 0.25) / 4, 12);
    expect(summary.score.absolute.max).toBeCloseTo(0.25, 12);
  });

  test('flagged pairs are left out of latencies, and counted', () => {
    expect(summary.latency.incumbent).toMatchObject({ count: 3, p50: 2, max: 3 });
    expect(summary.latency.candidate).toMatchObject({ count: 3, p50: 2, max: 4 });
    expect(summary.latency.queue).toMatchObject({ count: 3, p50: 0.2, max: 0.3 });
    expect(summary.latency.leftOut).toBe(1);
  });

  test('each side is held against the known outcomes', () => {
    expect(summary.quality.incumbent).toEqual({
      truePositives: 1,
      falsePositives: 1,
      falseNegatives: 2,
      trueNegatives: 0,
    });
    expect(summary.quality.candidate).toEqual({
      truePositives: 2,
      falsePositives: 0,
      falseNegatives: 1,
      trueNegatives: 1,
    });
    expect(ratesOf(summary.quality.candidate)).toEqual({ alert: 0.5, precision: 1, recall: 2 / 3 });
  });

  test('a pair without a candidate answer, a readable prediction or an outcome is counted apart', () => {
    const pairs = [
      pairOf({
        loan: 'a',
        incumbent: [0, 'good'],
        candidate: [0, 'good'],
        state: 'candidate_error',
      }),
      pairOf({
        loan: 'a',
        incumbent: [0, 'good'],
        candidate: [0, 'good'],
        state: 'candidate_timeout',
      }),
      pairOf({ loan: 'a', incumbent: [0, 'good'], candidate: [0, 'other'] }),
      pairOf({ loan: 'unknown', incumbent: [0, 'good'], candidate: [0, 'good'] }),
    ];
    expect(summarize(pairs, { labels: LABELS, outcomes: OUTCOMES })).toMatchObject({
      pairs: 4,
      candidateErrors: 1,
      candidateTimeouts: 1,
      unreadable: 1,
      withoutOutcome: 1,
      confusion: [
        [1, 0],
        [0, 0],
      ],
    });
  });

  test('of no pairs all counts are 0 and all figures are not a number', () => {
    const empty = summarize([], { labels: LABELS, outcomes: OUTCOMES });
    expect(empty.pairs).toBe(0);
    expect(empty.score.mean).toBeNaN();
    expect(empty.latency.queue.p99).toBeNaN();
    expect(ratesOf(empty.quality.incumbent).precision).toBeNaN();
  });

  test('every paired pair is compared or unreadable, whatever its order', () => {
    const label = fc.constantFrom('good', 'bad', 'other');
    const sides = fc.record({
      loan: fc.constantFrom('a', 'b', 'x'),
      incumbent: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), label),
      candidate: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), label),
    });
    fc.assert(
      fc.property(fc.array(sides), (all) => {
        const pairs = all.map(pairOf);
        const input = { labels: LABELS, outcomes: OUTCOMES };
        const { confusion, unreadable, withoutOutcome, quality } = summarize(pairs, input);
        const compared = confusion.flat().reduce((sum, count) => sum + count, 0);
        expect(compared + unreadable).toBe(pairs.length);
        for (const side of [quality.incumbent, quality.candidate]) {
          const judged = Object.values(side).reduce((sum, count) => sum + count, 0);
          expect(judged + withoutOutcome).toBe(compared);
        }
        const backwards = summarize(pairs.toReversed(), input);
        expect(backwards.confusion).toEqual(confusion);
        expect(backwards.quality).toEqual(quality);
      }),
    );
  });
});

describe('quantile', () => {
  const of = (values: readonly number[], q: number) =>
    quantile(Float64Array.from(values).sort(), q);

  test.each([
    [[7], 0.5, 7],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4], 0.75, 3],
    [[1, 2, 3, 4], 1, 4],
    [[5, 1, 4, 2, 3], 0.99, 5],
  ])('of %j at %d is %d, by nearest rank', (values, q, expected) => {
    expect(of(values, q)).toBe(expected);
  });

  test('at least the share q of all values is not above it', () => {
    const values = fc.array(fc.integer(), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, q) => {
        const value = of(all, q);
        const below = all.filter((v) => v <= value).length;
        const strictlyBelow = all.filter((v) => v < value).length;
        expect(below).toBeGreaterThanOrEqual(q * all.length);
        expect(strictlyBelow).toBeLessThan(q * all.length);
      }),
    );
  });
});

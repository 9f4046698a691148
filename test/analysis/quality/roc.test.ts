import { expect, test } from 'vitest';
import { createRandom } from '../../../bench/simulate/random.ts';
import { rocCurve } from '../../../src/analysis/quality/roc.ts';
import { compareAuc } from '../../../src/analysis/statistics/delong.ts';

/** Fawcett 2006, figure 3: twenty instances with their classes and scores. */
const FAWCETT = 'ppnpppnnpnpnpnnnpnpn';
const SCORES = [
  ...[0.9, 0.8, 0.7, 0.6, 0.55, 0.54, 0.53, 0.52, 0.51, 0.505],
  ...[0.4, 0.39, 0.38, 0.37, 0.36, 0.35, 0.34, 0.33, 0.3, 0.1],
];

test('goes through the points of the paper', () => {
  const curve = rocCurve(
    SCORES,
    Array.from(FAWCETT, (c) => c === 'p'),
  );
  expect(curve).toHaveLength(21);
  expect(curve.slice(0, 5)).toEqual([
    [0, 0],
    [0, 0.1],
    [0, 0.2],
    [0.1, 0.2],
    [0.1, 0.3],
  ]);
  expect(curve.at(-1)).toEqual([1, 1]);
});

test('equal scores are one threshold, and nothing to compare is no curve', () => {
  expect(rocCurve([1, 1, 1, 1], [true, false, true, false])).toEqual([
    [0, 0],
    [1, 1],
  ]);
  expect(rocCurve([0.1, 0.2], [true, true])).toEqual([]);
});

test('a thinned curve has both ends, and nearly the area of the AUC', () => {
  const random = createRandom(3);
  const positive = Array.from({ length: 5_000 }, () => random() < 0.3);
  const scores = positive.map((is) => random() ** (is ? 0.5 : 1));
  const curve = rocCurve(scores, positive);
  expect(curve).toHaveLength(101);
  let area = 0;
  for (const [i, [x, y]] of curve.entries()) {
    const [before, below] = curve[i - 1] ?? [0, 0];
    expect(x).toBeGreaterThanOrEqual(before);
    expect(y).toBeGreaterThanOrEqual(below);
    area += ((x - before) * (y + below)) / 2;
  }
  const { first } = compareAuc(scores, scores, { positive, alpha: 0.05 });
  expect(area).toBeCloseTo(first, 2);
});

import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../bench/simulate/random.ts';
import {
  type RatioTerms,
  ratioDifference,
  ratioMoments,
} from '../../../src/analysis/statistics/ratio-difference.ts';

/** Two classifiers on the same labelled requests: rows of precision (flagged and positive, flagged). */
function precisionRows(seed: number, n: number): RatioTerms[] {
  const random = createRandom(seed);
  return Array.from({ length: n }, () => {
    const positive = random() < 0.2;
    const first = random() < (positive ? 0.6 : 0.1);
    const second = random() < 0.8 ? first : random() < (positive ? 0.6 : 0.1);
    const terms = (flagged: boolean): [number, number] => [
      Number(flagged && positive),
      Number(flagged),
    ];
    return [...terms(first), ...terms(second)];
  });
}

describe('the difference of two precisions', () => {
  it('has the standard error of its influence function, row by row', () => {
    const rows = precisionRows(1, 2_000);
    const { n, mean, standardError } = ratioDifference(ratioMoments(rows));
    const total = (i: number): number => rows.reduce((sum, row) => sum + (row[i] as number), 0);
    const [r1, r2] = [total(0) / total(1), total(2) / total(3)];
    const [m1, m2] = [total(1) / n, total(3) / n];
    const influence = rows.map(([a1, b1, a2, b2]) => (a1 - r1 * b1) / m1 - (a2 - r2 * b2) / m2);
    const squares = influence.reduce((sum, f) => sum + f * f, 0);
    expect(mean).toBeCloseTo(r1 - r2, 14);
    expect(standardError).toBeCloseTo(Math.sqrt(squares) / n, 12);
  });

  it('spreads over repeated samples as its standard error says', () => {
    const estimates = Array.from({ length: 400 }, (_, i) =>
      ratioDifference(ratioMoments(precisionRows(100 + i, 1_000))),
    );
    const mean = estimates.reduce((sum, e) => sum + e.mean, 0) / 400;
    const spread = Math.sqrt(estimates.reduce((sum, e) => sum + (e.mean - mean) ** 2, 0) / 399);
    const claimed = estimates.reduce((sum, e) => sum + e.standardError, 0) / 400;
    expect(spread / claimed).toBeGreaterThan(0.88);
    expect(spread / claimed).toBeLessThan(1.12);
  });

  it('is nothing for an identical candidate, and refuses an empty denominator', () => {
    const same = precisionRows(3, 500).map(([a, b]): RatioTerms => [a, b, a, b]);
    const { mean, standardError } = ratioDifference(ratioMoments(same));
    expect(mean).toBe(0);
    expect(standardError).toBeLessThan(1e-9);
    expect(() => ratioDifference(ratioMoments([[0, 0, 1, 1]]))).toThrowError(
      expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import {
  boundaryTable,
  failBoundary,
  passBoundary,
  passingCount,
} from '../../../src/analysis/statistics/bernoulli-boundary.ts';
import {
  bernoulliSequence,
  bernoulliUpperBound,
} from '../../../src/analysis/statistics/bernoulli-sequence.ts';
import {
  type BernoulliTest,
  createBernoulliTest,
} from '../../../src/analysis/statistics/beta-binomial.ts';
import {
  createBoundedTest,
  createGammaExponentialMixture,
} from '../../../src/analysis/statistics/empirical-bernstein.ts';
import {
  bernsteinRadius,
  bernsteinSequence,
} from '../../../src/analysis/statistics/empirical-bernstein-sequence.ts';
import { firstInteger } from '../../../src/analysis/statistics/solve.ts';

/** Decisions at the margin: values equal to confseq 0.0.11, to the digits shown. */
const LN_20 = Math.log(20);
const LN_200 = Math.log(200);
const at = (delta: number, tOpt = 10_000, alphaOpt = 0.05): BernoulliTest =>
  createBernoulliTest({ delta, tOpt, alphaOpt });

describe('the Bernoulli tests at the margin 0.01, t_opt 10,000', () => {
  const test = at(0.01);

  it.each([
    [0, 300, 0.645014],
    [2, 1_000, 1.933006],
    [15, 3_000, 3.088438],
    [50, 10_000, 12.826599],
    [72, 10_000, 3.494313],
    [130, 10_000, -2.420448],
  ])('gives ln M_P(%i, %i) = %f', (k, n, value) => {
    expect(test.logPass(k, n)).toBeCloseTo(value, 6);
  });

  it.each([
    [50, 10_000, -2.742343],
    [130, 10_000, 3.270438],
    [150, 10_000, 9.201556],
    [260, 20_000, 7.07262],
  ])('gives ln M_F(%i, %i) = %f', (k, n, value) => {
    expect(test.logFail(k, n)).toBeCloseTo(value, 6);
  });

  it.each([
    [0, 1_028],
    [1, 1_162],
    [10, 2_339],
    [50, 7_217],
    [100, 13_009],
  ])('passes with %i losses from n = %i on', (k, n) => {
    expect(passingCount(test, LN_20, { k })).toBe(n);
    expect(passBoundary(test, LN_20, n)).toBe(k);
    expect(passBoundary(test, LN_20, n - 1)).toBe(k - 1);
  });

  it.each([
    [0.001, 4_673],
    [0.005, 1_568],
    [0.02, 686],
    [0.05, 407],
  ])('passes without a loss at the margin %f from n = %i on', (delta, n) => {
    expect(passingCount(at(delta), LN_20, { k: 0 })).toBe(n);
  });

  it.each([
    [100, 11, 13],
    [1_000, 23, 26],
    [3_000, 48, 53],
    [10_000, 129, 138],
    [100_000, 1_096, 1_121],
  ])('fails at n = %i from k = %i on, of ten guardrails from k = %i on', (n, one, ten) => {
    expect(failBoundary(test, LN_20, n)).toBe(one);
    expect(failBoundary(at(0.01, 10_000, 0.005), LN_200, n)).toBe(ten);
  });

  it('has a table of boundaries that says the same as each of them', () => {
    const table = boundaryTable(test, { pass: LN_20, fail: LN_20 }, 1_500);
    for (const n of [1, 5, 100, 1_000, 1_027, 1_028, 1_500]) {
      expect(table.pass[n]).toBe(passBoundary(test, LN_20, n));
      expect(table.fail[n]).toBe(failBoundary(test, LN_20, n));
    }
  });

  it('mirrors itself: M_P(k, n, δ) = M_F(n-k, n, 1-δ)', () => {
    for (const [k, n] of [
      [3, 10],
      [0, 500],
      [700, 1_000],
    ] as const) {
      expect(at(0.3).logPass(k, n)).toBeCloseTo(at(0.7).logFail(n - k, n), 10);
    }
  });

  it.each([
    [-1, 10],
    [11, 10],
    [Number.NaN, 10],
    [1, Number.NaN],
    [0, 1e11],
  ])('refuses k = %d of n = %d', (k, n) => {
    expect(() => test.logPass(k, n)).toThrowError(
      expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' }),
    );
  });

  it('starts at M = 1 without data', () => {
    expect(test.logPass(0, 0)).toBe(0);
    expect(test.logFail(0, 0)).toBe(0);
  });
});

describe('the Bernoulli tests at a billion pairs', () => {
  // By mpmath with 50 digits; in doubles, ln B alone is of size 1e9 there.
  it.each([
    [9_985_000, 0.01, 1e9, 0.05, 9.51496632752117],
    [10_003_000, 0.01, 1e4, 0.05, -7.37166769842341],
    [940, 1e-6, 1e9, 1e-6, 0.712589569279595],
    [1, 1e-9, 1e9, 0.05, -1.53935268558171],
  ])('ln M_P(%i) at δ %f, t_opt %f', (k, delta, tOpt, alphaOpt, expected) => {
    const test = createBernoulliTest({ delta, tOpt, alphaOpt });
    const error = Math.abs(test.logPass(k, 1e9) - expected);
    expect(error).toBeLessThan(1e-11 * Math.max(1, Math.abs(expected)));
  });
});

describe('Bernoulli sequences for display', () => {
  it.each([
    [0, 1_000, 0, 0.0113, 4],
    [0, 3_000, 0, 0.00204, 5],
    [50, 10_000, 0.00312, 0.00742, 5],
    [100, 10_000, 0.00724, 0.01329, 5],
    [500, 100_000, 0.00431, 0.00575, 5],
  ])('covers %i of %i by [%f, %f]', (k, n, lower, upper, digits) => {
    const [l, u] = bernoulliSequence(k, n, { alpha: 0.05, tOpt: 10_000 });
    expect(l).toBeCloseTo(lower, digits);
    expect(u).toBeCloseTo(upper, digits);
  });

  it.each([
    [700, 1_000, 100, 0.651629, 0.745949],
    [100, 200, 1, 0.328923, 0.671076],
    [1, 2, 50, 0, 1],
    [0, 1, 50, 0, 1],
    [1, 1, 50, 0, 1],
  ])('is that of confseq for %i of %i at t_opt %i', (k, n, tOpt, lower, upper) => {
    const [l, u] = bernoulliSequence(k, n, { alpha: 0.05, tOpt });
    expect(l).toBeCloseTo(lower, 5);
    expect(u).toBeCloseTo(upper, 5);
  });

  it.each([
    [0, 300, 300, 0.01249, 5],
    [0, 3_000, 3_000, 0.00126, 5],
    [0, 300, 10_000, 0.085, 3],
  ])('bounds the noise: %i of %i at t_opt %i is at most %f', (k, n, tOpt, u, digits) => {
    expect(bernoulliUpperBound(k, n, { alpha: 0.05, tOpt })).toBeCloseTo(u, digits);
  });
});

describe('the bounded tests at the margin 0.005, c 1, v_opt 50', () => {
  const plan = { delta: 0.005, c: 1, vOpt: 50, alphaOpt: 0.05 };
  const test = createBoundedTest(plan);

  it.each([
    [3_000, 0, 0, 7.194705],
    [10_000, 20, 25, 8.55971],
    [10_000, 25, 25, 6.284661],
    [10_000, 0, 100, 8.202055],
    [10_000, 45, 25, 0.019574],
  ])('gives ln M_P(%i, %i, %i) = %f', (n, sum, squares, value) => {
    expect(test.logPass({ n, sum, squares })).toBeCloseTo(value, 6);
  });

  it('gives the wider values with c 2', () => {
    const wide = createBoundedTest({ ...plan, c: 2 });
    expect(wide.logPass({ n: 3_000, sum: 0, squares: 0 })).toBeCloseTo(4.922096, 6);
    // confseq prints 6.236773; mpmath with 40 digits gives 6.23677232988751.
    expect(wide.logPass({ n: 10_000, sum: 20, squares: 25 })).toBeCloseTo(6.2367723298875, 12);
  });

  it('gives ln M_F(10,000, 100, 150) = 5.657462', () => {
    expect(test.logFail({ n: 10_000, sum: 100, squares: 150 })).toBeCloseTo(5.657462, 6);
  });

  it.each([
    [0, 7.859213],
    [25, 16.478492],
    [100, 30.833754],
  ])('has the radius u(%i) = %f', (v, radius) => {
    expect(bernsteinRadius(v, { alpha: 0.05, c: 1, vOpt: 50 })).toBeCloseTo(radius, 6);
  });

  it('passes an identical candidate from n = 1,572 on', () => {
    const first = firstInteger(1, 1e9, (n) => test.logPass({ n, sum: 0, squares: 0 }) >= LN_20);
    expect(first).toBe(1_572);
  });

  it('never rejects without an excess', () => {
    expect(test.logPass({ n: 100, sum: 0.5, squares: 1 })).toBe(Number.NEGATIVE_INFINITY);
    expect(test.logPass({ n: 0, sum: 0, squares: 0 })).toBe(Number.NEGATIVE_INFINITY);
  });

  it('has a two-sided sequence that contains the mean and narrows', () => {
    const options = { alpha: 0.05, c: 1, vOpt: 50 };
    const [l, u] = bernsteinSequence({ n: 10_000, sum: 20, squares: 25 }, options);
    const [l2, u2] = bernsteinSequence({ n: 20_000, sum: 40, squares: 50 }, options);
    expect(l).toBeLessThan(0.002);
    expect(u).toBeGreaterThan(0.002);
    expect(u2 - l2).toBeLessThan(u - l);
  });

  it.each([
    [{ n: 10, sum: 0, squares: 11 }],
    [{ n: 10, sum: 0, squares: -1 }],
    [{ n: -1, sum: 0, squares: 0 }],
    [{ n: 10, sum: Number.NaN, squares: 0 }],
  ])('refuses totals that no loss can have: %o', (totals) => {
    expect(() => test.logPass(totals)).toThrowError(
      expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' }),
    );
  });
});

describe('the gamma-exponential mixture', () => {
  it('is that of confseq', () => {
    const mixture = createGammaExponentialMixture({ c: 2, vOpt: 100, alphaOpt: 0.05 });
    expect(mixture(10, 100)).toBeCloseTo(-0.2490165, 7);
    expect(bernsteinRadius(100, { alpha: 0.05, c: 2, vOpt: 100 })).toBeCloseTo(33.02017, 5);
  });
});

import { describe, expect, it } from 'vitest';
import {
  asymptoticLowerBound,
  asymptoticPValue,
  asymptoticPValueGreater,
  asymptoticSequence,
} from '../../../src/analysis/statistics/asymptotic-sequence.ts';
import { bernoulliLowerBound } from '../../../src/analysis/statistics/bernoulli-sequence.ts';
import { logBernoulliTwoSided } from '../../../src/analysis/statistics/bernoulli-two-sided.ts';
import { bestRho } from '../../../src/analysis/statistics/best-rho.ts';
import { createBernoulliTest } from '../../../src/analysis/statistics/beta-binomial.ts';
import { eBenjaminiHochberg } from '../../../src/analysis/statistics/e-benjamini-hochberg.ts';
import { logMcNemarEValue } from '../../../src/analysis/statistics/e-mcnemar.ts';
import { plannedIntrinsicTime } from '../../../src/analysis/statistics/empirical-bernstein.ts';
import { bernsteinUpperBound } from '../../../src/analysis/statistics/empirical-bernstein-sequence.ts';
import { empiricalProcessRadius } from '../../../src/analysis/statistics/empirical-process.ts';
import { logMean, UNPLANNED_T_OPT } from '../../../src/analysis/statistics/mean-mixture.ts';
import {
  logNormalMixture,
  normalMixtureRadius,
} from '../../../src/analysis/statistics/normal-mixture.ts';
import {
  binomialPairs,
  mcNemarPairs,
  meanDifferencePairs,
  nonInferiorityPairs,
  projectedPairs,
  zeroEventPairs,
} from '../../../src/analysis/statistics/plan.ts';
import { quantileComparison } from '../../../src/analysis/statistics/quantile-comparison.ts';
import {
  quantileRadius,
  quantileRanks,
} from '../../../src/analysis/statistics/quantile-sequence.ts';
import { logSampleRatioEValue } from '../../../src/analysis/statistics/sample-ratio.ts';
import { lastReal } from '../../../src/analysis/statistics/solve.ts';
import {
  doubleStitching,
  polynomialStitching,
} from '../../../src/analysis/statistics/stitching.ts';

const domain = expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' });
const LN_20 = Math.log(20);

describe('values of confseq, uniform_boundaries_unittest.cpp', () => {
  const normal = { vOpt: 100, alphaOpt: 0.05 };

  it('best_rho', () => {
    expect(bestRho(100, 0.05)).toBeCloseTo(12.60056, 5);
  });

  it('normal mixtures, two-sided and one-sided', () => {
    expect(logNormalMixture(10, 100, normal)).toBeCloseTo(-0.6510052, 7);
    expect(logNormalMixture(10, 100, { ...normal, oneSided: true })).toBeCloseTo(-0.06502391, 7);
    expect(normalMixtureRadius(100, 0.05, normal)).toBeCloseTo(30.35209, 5);
    expect(normalMixtureRadius(100, 0.05, { ...normal, oneSided: true })).toBeCloseTo(27.66071, 5);
  });

  it('the closed form of the normal bound', () => {
    const rho = bestRho(100, 0.05);
    const closed = Math.sqrt((100 + rho) * (Math.log1p(100 / rho) + 2 * LN_20));
    expect(normalMixtureRadius(100, 0.05, normal)).toBeCloseTo(closed, 10);
  });

  it('beta-binomial mixtures (s 10, v 100, g 0.2, h 0.8 are k 135 of 625 at 0.2)', () => {
    const twoSided = { p: 0.2, tOpt: 625, alphaOpt: 0.05 };
    const oneSided = createBernoulliTest({ delta: 0.2, tOpt: 625, alphaOpt: 0.05 });
    expect(logBernoulliTwoSided(135, 625, twoSided)).toBeCloseTo(-0.6941012, 7);
    expect(oneSided.logFail(135, 625)).toBeCloseTo(-0.07134019, 7);
    const radius = lastReal(0, 500, (s) => logBernoulliTwoSided(125 + s, 625, twoSided) < LN_20);
    expect(radius).toBeCloseTo(31.4308, 4);
    expect(lastReal(0, 500, (s) => oneSided.logFail(125 + s, 625) < LN_20)).toBeCloseTo(
      28.41238,
      5,
    );
  });

  it('stitched bounds', () => {
    expect(polynomialStitching(100, 0.05, { vMin: 10, c: 3 })).toBeCloseTo(64.48755, 5);
    expect(polynomialStitching(100, 0.05, { vMin: 10, c: -1 })).toBeCloseTo(28.99389, 5);
    expect(doubleStitching(0.5, 1_000, { alpha: 0.05, tOpt: 100 })).toBeCloseTo(68.62803, 5);
  });

  it('the bound of the empirical process', () => {
    // Its unit test says 0.08204769, to 1e-5; compiled, confseq 0.0.11 gives this.
    expect(empiricalProcessRadius(1_000, 0.05, 100)).toBeCloseTo(0.08204778770914738, 12);
    expect(empiricalProcessRadius(99, 0.05, 100)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    [0.5, 70, 0.814704],
    [0.5, 85, 0.0838055],
    [0.5, 100, 0.0054947],
    [0.9, 55, 0.0340463],
  ])('the comparison of quantile %f, shift %i', (p, shift, expected) => {
    const first = Array.from({ length: 1_000 }, (_, i) => i + 1);
    const second = first.map((value) => value + shift);
    expect(quantileComparison(first, second, { p, tOpt: 100 })).toBeCloseTo(expected, 5);
  });
});

describe('GrowthBook, test_tests.py', () => {
  const [na, nb] = [3_000, 3_461];
  const arm = (sum: number, squares: number, n: number): readonly [number, number] => {
    const mean = sum / n;
    return [mean, (squares - sum * mean) / (n - 1)];
  };
  const [ma, va] = arm(1_396.87, 52_377.9767, na);
  const [mb, vb] = arm(2_422.7, 134_698.29, nb);
  const absolute = {
    n: na + nb,
    mean: mb - ma,
    standardError: Math.sqrt(va / na + vb / nb),
  };
  const relative = (m1: number, v1: number, m2: number, v2: number): typeof absolute => ({
    n: na + nb,
    mean: (m2 - m1) / m1,
    standardError: Math.sqrt(v2 / (nb * m1 ** 2) + (v1 * m2 ** 2) / (na * m1 ** 4)),
  });

  it('one-sided, absolute', () => {
    expect(absolute.mean).toBeCloseTo(0.23437666666666668, 14);
    expect(absolute.standardError).toBeCloseTo(0.12983081254184736, 12);
    const options = { alpha: 0.05, nOpt: 5_000 };
    expect(asymptoticLowerBound(absolute, options)).toBeCloseTo(-0.12656844172804982, 12);
    // GrowthBook bisects to some 2^-12: 0.46316491943359384.
    expect(Math.abs(asymptoticPValueGreater(absolute, options) - 0.463165)).toBeLessThan(2 ** -12);
  });

  it('two-sided, relative', () => {
    const lift = relative(ma, va, mb, vb);
    const [lower, upper] = asymptoticSequence(lift, { alpha: 0.05, nOpt: 1_000 });
    expect([lift.mean, lower, upper].map((x) => x.toFixed(5))).toEqual([
      '0.50336',
      '-0.55844',
      '1.56516',
    ]);
    expect(asymptoticPValue(lift, { alpha: 0.05, nOpt: 1_000 })).toBe(1);
  });

  it('two-sided, proportions', () => {
    const [p1, p2] = [1_396 / na, 2_422 / nb];
    const lift = relative(p1, p1 * (1 - p1), p2, p2 * (1 - p2));
    const [lower, upper] = asymptoticSequence(lift, { alpha: 0.05, nOpt: 5_000 });
    expect([lower, upper].map((x) => x.toFixed(5))).toEqual(['0.40098', '0.60675']);
    const p = asymptoticPValue(lift, { alpha: 0.05, nOpt: 5_000 });
    expect(p).toBeLessThan(0.05);
  });

  it('meet at the level: a bound at zero has the p-value alpha', () => {
    const at = { n: 1_000, mean: 0, standardError: 0.1 };
    const bound = asymptoticLowerBound(at, { alpha: 0.05, nOpt: 500 });
    const moved = { ...at, mean: -bound };
    expect(asymptoticPValueGreater(moved, { alpha: 0.05, nOpt: 500 })).toBeCloseTo(0.05, 10);
    const [lower] = asymptoticSequence(at, { alpha: 0.05, nOpt: 500 });
    const p = asymptoticPValue({ ...at, mean: -lower }, { alpha: 0.05, nOpt: 500 });
    expect(p).toBeCloseTo(0.05, 10);
  });
});

describe('quantile sequences at alpha 0.05, tuned at n', () => {
  it.each([
    [0.99, 10_000, 0.0032],
    [0.99, 100_000, 0.001],
    [0.95, 10_000, 0.0068],
    [0.95, 100_000, 0.0021],
    [0.5, 10_000, 0.015],
    [0.5, 100_000, 0.0048],
  ])('p%f at %i pairs is known to ± %f', (p, n, radius) => {
    const got = quantileRadius(n, { p, alpha: 0.05, tOpt: n });
    expect(Math.abs(got - radius)).toBeLessThan(0.06 * radius + 1 / n);
  });

  it('has no finite end where the sample cannot give one', () => {
    expect(quantileRanks(50, { p: 0.99, alpha: 0.05, tOpt: 50 }).upper).toBe(51);
    expect(quantileRanks(0, { p: 0.5, alpha: 0.05, tOpt: 50 })).toEqual({ lower: 0, upper: 1 });
    expect(quantileRanks(50, { p: 0.01, alpha: 0.05, tOpt: 50 }).lower).toBe(0);
  });
});

describe('e-values', () => {
  it.each([
    [121, 59, 4_730.99],
    [70, 59, 0.174826],
    [10, 30, 31.6369],
    [5, 15, 3.2206],
  ])('McNemar (%i, %i)', (b, c, e) => {
    expect(Math.exp(logMcNemarEValue(b, c)) / e).toBeCloseTo(1, 5);
  });

  it('e-BH at 0.1', () => {
    const logs = (values: number[]): number[] => values.map(Math.log);
    expect(eBenjaminiHochberg(logs([90, 25, 3, 0.5]), 0.1)).toEqual([true, true, false, false]);
    expect(eBenjaminiHochberg(logs([30, 12, 3, 0.5]), 0.1)).toEqual(new Array(4).fill(false));
    expect(eBenjaminiHochberg([], 0.1)).toEqual([]);
    expect(eBenjaminiHochberg([Number.NEGATIVE_INFINITY], 0.1)).toEqual([false]);
    expect(() => eBenjaminiHochberg([Number.NaN], 0.1)).toThrowError(domain);
  });

  it('sample ratio: the example of savvi stops at n = 402', () => {
    // Counts of its stream (numpy.random.seed(1), true ratio 1 : 3 : 6) at that n.
    const p = Math.exp(-logSampleRatioEValue([40, 129, 233], [0.1, 0.4, 0.5]));
    expect(p).toBeCloseTo(0.04845591105969517, 13);
    expect(() => logSampleRatioEValue([1], [0.5, 0.5])).toThrowError(domain);
    expect(() => logSampleRatioEValue([1, 1], [0.5, 0.6])).toThrowError(domain);
    expect(logSampleRatioEValue([0, 0], [0.5, 0.5])).toBe(0);
  });

  it('the mean of tests is between them', () => {
    expect(logMean([0, 0, 0])).toBeCloseTo(0, 15);
    expect(logMean([Number.NEGATIVE_INFINITY, Math.log(3)])).toBeCloseTo(Math.log(1.5), 14);
    expect(logMean([Number.NEGATIVE_INFINITY])).toBe(Number.NEGATIVE_INFINITY);
    expect(logMean([800, 800])).toBe(800);
    expect(() => logMean([])).toThrowError(domain);
  });
});

describe('planning', () => {
  it.each([
    [0.005, 0.002, 10_705],
    [0.01, 0.005, 3_426],
    [0.02, 0.005, 6_852],
    [0.05, 0.01, 4_282],
    [0.1, 0.01, 8_564],
  ])('non-inferiority at discordance %f, margin %f', (psi, delta, n) => {
    const pairs = nonInferiorityPairs(psi, delta, { alpha: 0.05, beta: 0.1 });
    expect(Math.ceil(pairs)).toBe(n);
  });

  it('Connor: two-sided at power 0.8, one-sided at 0.9', () => {
    expect(mcNemarPairs(0.05, 0.45, { alpha: 0.025, beta: 0.2 })).toBeCloseTo(22.01, 2);
    expect(mcNemarPairs(0.05, 0.45, { alpha: 0.05, beta: 0.1 })).toBeCloseTo(22.81, 2);
  });

  it('a mean difference', () => {
    const pairs = meanDifferencePairs(0.05, 0.005, { alpha: 0.05, beta: 0.1 });
    expect(Math.ceil(pairs)).toBe(857);
  });

  it.each([
    [0.01, 299],
    [0.005, 598],
    [0.001, 2_995],
    [0.0001, 29_956],
  ])('no event at all against %f', (delta, n) => {
    expect(zeroEventPairs(delta, 0.05)).toBe(n);
  });

  it.each([
    [0.003, 0.01, 0.05, 1_049],
    [0.005, 0.01, 0.05, 2_546],
    [0.02, 0.01, 0.05, 1_235],
    [0.02, 0.01, 0.005, 2_079],
  ])('the exact binomial test of %f against %f at level %f', (p, delta, alpha, n) => {
    expect(binomialPairs(p, delta, { alpha, beta: 0.1 })).toBe(n);
  });

  it('projects the pairs that a steady rate needs', () => {
    const test = createBernoulliTest({ delta: 0.01, tOpt: 10_000, alphaOpt: 0.05 });
    const to = (k: number, n: number): number | undefined =>
      projectedPairs((m) => test.logPass((k / n) * m, m), LN_20, n);
    expect(to(0, 10)).toBe(1_028);
    expect(to(50, 10_000)).toBe(10_000);
    expect(to(10, 1_000)).toBeUndefined();
    expect(to(8, 1_000)).toBeGreaterThan(10_000);
  });

  it('plans the intrinsic time of a bounded loss, and lists the scales without a plan', () => {
    expect(plannedIntrinsicTime(10_000, 0.005, 1)).toBe(50);
    expect(UNPLANNED_T_OPT).toEqual([1_000, 10_000, 100_000]);
  });

  it('refuses what cannot be planned', () => {
    const levels = { alpha: 0.05, beta: 0.1 };
    expect(() => binomialPairs(0.01, 0.01, levels)).toThrowError(domain);
    expect(() => mcNemarPairs(0.1, 0.1, levels)).toThrowError(domain);
    expect(() => nonInferiorityPairs(0.1, 0, levels)).toThrowError(domain);
    expect(() => zeroEventPairs(1, 0.05)).toThrowError(domain);
    expect(() => meanDifferencePairs(1, 1, { alpha: 0, beta: 0.1 })).toThrowError(domain);
  });
});

describe('one-sided bounds for display', () => {
  it('are mirror images, and meet the decisions', () => {
    expect(bernoulliLowerBound(0, 100, { alpha: 0.05, tOpt: 100 })).toBe(0);
    const lower = bernoulliLowerBound(130, 10_000, { alpha: 0.05, tOpt: 10_000 });
    const test = createBernoulliTest({ delta: lower, tOpt: 10_000, alphaOpt: 0.05 });
    expect(test.logFail(130, 10_000)).toBeCloseTo(LN_20, 6);
    const options = { alpha: 0.05, c: 1, vOpt: 50 };
    const bound = bernsteinUpperBound({ n: 1_572, sum: 0, squares: 0 }, options);
    expect(bound).toBeCloseTo(0.005, 5);
    expect(bernsteinUpperBound({ n: 0, sum: 0, squares: 0 }, options)).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});

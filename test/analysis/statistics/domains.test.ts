import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../bench/simulate/random.ts';
import { failBoundary, passBoundary } from '../../../src/analysis/statistics/bernoulli-boundary.ts';
import {
  bernoulliLowerBound,
  bernoulliSequence,
  bernoulliUpperBound,
} from '../../../src/analysis/statistics/bernoulli-sequence.ts';
import { createBernoulliTest } from '../../../src/analysis/statistics/beta-binomial.ts';
import { createBoundedTest } from '../../../src/analysis/statistics/empirical-bernstein.ts';
import { bernsteinSequence } from '../../../src/analysis/statistics/empirical-bernstein-sequence.ts';

/** The whole domain: n to 1e9, p to 1e-9, V = 0, all ties, alpha 1e-6. Finite, monotone, nested. */
const NS = [1, 10, 1_000, 1e5, 1e7, 1e9];
const DELTAS = [1e-9, 1e-6, 1e-3, 0.01, 0.5, 1 - 1e-6];
const ALPHAS = [0.05, 1e-6];

describe('the Bernoulli tests over their whole domain', () => {
  it.each(DELTAS.flatMap((delta) => ALPHAS.map((alphaOpt) => [delta, alphaOpt])))(
    'δ %f, alpha %f: finite, monotone in k, and 1 on average at the margin',
    (delta = 0, alphaOpt = 0) => {
      for (const tOpt of [100, 1e9]) {
        const test = createBernoulliTest({ delta, tOpt, alphaOpt });
        for (const n of NS) {
          const mean = Math.round(n * delta);
          const sd = Math.sqrt(n * delta * (1 - delta));
          const ks = [0, mean - 6 * sd, mean - sd, mean, mean + sd, mean + 6 * sd, n]
            .map((k) => Math.round(Math.min(n, Math.max(0, k))))
            .sort((a, b) => a - b);
          const passes = ks.map((k) => test.logPass(k, n));
          const fails = ks.map((k) => test.logFail(k, n));
          for (let i = 0; i < ks.length; i++) {
            expect(Number.isFinite(passes[i])).toBe(true);
            expect(Number.isFinite(fails[i])).toBe(true);
            if (i === 0) continue;
            expect(passes[i]).toBeLessThanOrEqual((passes[i - 1] as number) + 1e-9);
            expect(fails[i]).toBeGreaterThanOrEqual((fails[i - 1] as number) - 1e-9);
          }
        }
      }
    },
  );

  it.each([
    [1, 0.01, 5],
    [20, 0.1, 50],
    [60, 0.3, 1_000],
  ])('is a martingale: the mean of M over all k of n = %i at δ = %f is 1', (n, delta, tOpt) => {
    const test = createBernoulliTest({ delta, tOpt, alphaOpt: 0.05 });
    let [pass, fail, weight] = [0, 0, (1 - delta) ** n];
    for (let k = 0; k <= n; k++) {
      pass += weight * Math.exp(test.logPass(k, n));
      fail += weight * Math.exp(test.logFail(k, n));
      weight *= ((n - k) / (k + 1)) * (delta / (1 - delta));
    }
    expect(pass).toBeCloseTo(1, 10);
    expect(fail).toBeCloseTo(1, 10);
  });

  it('has boundaries at a billion pairs and one in a billion', () => {
    const bar = -Math.log(1e-6);
    const test = createBernoulliTest({ delta: 1e-6, tOpt: 1e9, alphaOpt: 1e-6 });
    const pass = passBoundary(test, bar, 1e9);
    const fail = failBoundary(test, bar, 1e9);
    expect(pass).toBeGreaterThan(700);
    expect(pass).toBeLessThan(1_000);
    expect(fail).toBeGreaterThan(1_000);
    expect(fail).toBeLessThan(1_300);
    const tiny = createBernoulliTest({ delta: 1e-9, tOpt: 1e9, alphaOpt: 0.05 });
    expect(passBoundary(tiny, Math.log(20), 1e9)).toBe(-1);
    expect(passBoundary(tiny, Math.log(20), 1e10)).toBeGreaterThanOrEqual(0);
  });
});

describe('sequences over their whole domain', () => {
  it('contain the rate, nested in alpha, inside [0, 1]', () => {
    for (const n of [1, 30, 1e4, 1e9]) {
      for (const rate of [0, 1e-9, 0.01, 0.5, 1]) {
        const k = Math.round(n * rate);
        const [l5, u5] = bernoulliSequence(k, n, { alpha: 0.05, tOpt: 1e4 });
        const [l6, u6] = bernoulliSequence(k, n, { alpha: 1e-6, tOpt: 1e4 });
        const upper = bernoulliUpperBound(k, n, { alpha: 0.05, tOpt: 1e4 });
        const lower = bernoulliLowerBound(k, n, { alpha: 0.05, tOpt: 1e4 });
        for (const x of [l5, u5, l6, u6, upper, lower]) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x).toBeLessThanOrEqual(1);
        }
        expect(l6).toBeLessThanOrEqual(l5 + 1e-12);
        expect(u6).toBeGreaterThanOrEqual(u5 - 1e-12);
        expect(Math.max(l5, lower)).toBeLessThanOrEqual(k / n);
        expect(Math.min(u5, upper)).toBeGreaterThanOrEqual(k / n);
      }
    }
  });
});

describe('the bounded tests over their whole domain', () => {
  it.each(ALPHAS)('alpha %f: no NaN, monotone in S, less sharp with V', (alphaOpt) => {
    for (const delta of [1e-6, 0.005, 0.5]) {
      for (const vOpt of [1e-3, 50, 1e7]) {
        const test = createBoundedTest({ delta, c: 1, vOpt, alphaOpt });
        for (const n of NS) {
          const at = (sum: number, squares: number): number => test.logPass({ n, sum, squares });
          for (const squares of [0, n * delta, n]) {
            const sums = [-n, -n * delta, 0, 0.9 * n * delta, n * delta, n];
            const logs = sums.map((sum) => at(sum, squares));
            for (let i = 0; i < logs.length; i++) {
              expect(logs[i]).not.toBeNaN();
              expect(logs[i]).toBeLessThan(Number.POSITIVE_INFINITY);
              if (i > 0) expect(logs[i]).toBeLessThanOrEqual((logs[i - 1] as number) + 1e-9);
            }
          }
          expect(at(0, n * delta)).toBeLessThanOrEqual(at(0, 0) + 1e-9);
        }
      }
    }
  });

  it('swapping roles mirrors the sequence', () => {
    const options = { alpha: 0.05, c: 1, vOpt: 50 };
    const [l, u] = bernsteinSequence({ n: 1_000, sum: 7, squares: 20 }, options);
    const [ml, mu] = bernsteinSequence({ n: 1_000, sum: -7, squares: 20 }, options);
    expect(ml).toBeCloseTo(-u, 14);
    expect(mu).toBeCloseTo(-l, 14);
    expect(l).toBeLessThan(0.007);
  });

  it('is a supermartingale at the margin: the mean of M over random walks stays below 1', () => {
    const random = createRandom(11);
    const test = createBoundedTest({ delta: 0.1, c: 1, vOpt: 20, alphaOpt: 0.05 });
    let total = 0;
    const streams = 4_000;
    for (let s = 0; s < streams; s++) {
      let [sum, squares] = [0, 0];
      for (let i = 0; i < 200; i++) {
        const z = random() < 0.1 ? 1 : 0;
        sum += z;
        squares += z * z;
      }
      total += Math.exp(test.logPass({ n: 200, sum, squares }));
    }
    expect(total / streams).toBeLessThan(1.15);
  });
});

import { describe, expect, it } from 'vitest';
import { benjaminiHochberg, holm } from '../../../src/analysis/statistics/benjamini-hochberg.ts';
import { concordance, spearman } from '../../../src/analysis/statistics/correlation.ts';
import {
  kolmogorovSmirnov,
  wasserstein,
} from '../../../src/analysis/statistics/distribution-distance.ts';
import { hajekMean } from '../../../src/analysis/statistics/hajek-mean.ts';
import { hellinger, largestShareGap } from '../../../src/analysis/statistics/hellinger.ts';
import {
  hodgesLehmann,
  hodgesLehmannShift,
} from '../../../src/analysis/statistics/hodges-lehmann.ts';
import { logIncompleteGammaUpper } from '../../../src/analysis/statistics/incomplete-gamma.ts';
import { jensenShannon } from '../../../src/analysis/statistics/jensen-shannon.ts';
import { kendallTauB } from '../../../src/analysis/statistics/kendall.ts';
import { mcNemar, mcNemarExact, mcNemarMidP } from '../../../src/analysis/statistics/mcnemar.ts';
import { newcombePairedInterval } from '../../../src/analysis/statistics/newcombe-paired.ts';
import { populationStability } from '../../../src/analysis/statistics/population-stability.ts';
import {
  bettingSequence,
  plugInBets,
  plugInSequence,
} from '../../../src/analysis/statistics/predictable-plugin.ts';
import { tangoInterval } from '../../../src/analysis/statistics/tango.ts';
import { signedRank } from '../../../src/analysis/statistics/wilcoxon.ts';
import { wilsonInterval } from '../../../src/analysis/statistics/wilson.ts';

/** Published values, to the digits they are published with. */
const domain = expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' });

describe('paired proportions', () => {
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('Wilson 95 %% of %i in %i (Newcombe 1998a)', (k, n, lower, upper) => {
    const [l, u] = wilsonInterval(k, n, 0.05);
    expect([l.toFixed(4), u.toFixed(4)]).toEqual([lower.toFixed(4), upper.toFixed(4)]);
  });

  it('Newcombe, methods 8 and 10 (Newcombe 1998b)', () => {
    const table = { a: 20, b: 12, c: 2, d: 16 };
    const shown = (ends: readonly number[]): string[] => ends.map((x) => x.toFixed(4));
    expect(shown(newcombePairedInterval(table, 0.05, false))).toEqual(['0.0618', '0.3242']);
    expect(shown(newcombePairedInterval(table, 0.05))).toEqual(['0.0562', '0.3292']);
  });

  it('Tango (Fagerland 2014), both ways round', () => {
    const shown = (ends: readonly number[]): string[] => ends.map((x) => x.toFixed(3));
    expect(shown(tangoInterval({ a: 1, b: 1, c: 7, d: 12 }, 0.05))).toEqual(['-0.517', '-0.026']);
    expect(shown(tangoInterval({ a: 1, b: 7, c: 1, d: 12 }, 0.05))).toEqual(['0.026', '0.517']);
    const [l, u] = tangoInterval({ a: 5, b: 0, c: 0, d: 5 }, 0.05);
    expect(l).toBeLessThan(0);
    expect(u).toBeGreaterThan(0);
  });

  it.each([
    [121, 59, 20.67222, 5.450095e-6],
    [70, 59, 0.7751938, 0.3786151],
    [80, 59, 2.87769784, 0.08981434],
  ])('McNemar with continuity correction (%i, %i)', (b, c, statistic, p) => {
    const got = mcNemar(b, c, true);
    expect(got.statistic).toBeCloseTo(statistic, 5);
    expect(got.p / p).toBeCloseTo(1, 6);
  });

  it('McNemar without it (121, 59)', () => {
    const got = mcNemar(121, 59, false);
    expect(got.statistic).toBeCloseTo(21.35556, 5);
    expect(got.p / 3.815136e-6).toBeCloseTo(1, 6);
  });

  it.each([
    [121, 59, '0.000004'],
    [70, 59, '0.378688'],
    [80, 59, '0.089452'],
    [30, 60, '0.002060'],
    [10, 30, '0.002221'],
    [10, 10, '1.000000'],
  ])('McNemar exact (%i, %i)', (b, c, p) => {
    expect(mcNemarExact(b, c).toFixed(6)).toBe(p);
    expect(mcNemarMidP(b, c)).toBeLessThanOrEqual(mcNemarExact(b, c));
  });
});

describe('distances', () => {
  it('Wasserstein-1 (scipy)', () => {
    expect(wasserstein({ values: [0, 1, 3] }, { values: [5, 6, 8] })).toBeCloseTo(5, 14);
    const first = { values: [0, 1], weights: [3, 1] };
    expect(wasserstein(first, { values: [0, 1], weights: [2, 2] })).toBeCloseTo(0.25, 15);
  });

  it('Jensen-Shannon (scipy)', () => {
    expect(jensenShannon([1, 0, 0], [0, 1, 0])).toBeCloseTo(1, 15);
    expect(jensenShannon([1, 0], [0.5, 0.5], Math.E)).toBeCloseTo(0.46450140402245893, 15);
  });

  it('Kolmogorov-Smirnov (scipy)', () => {
    const three = { values: [1, 2, 3] };
    expect(kolmogorovSmirnov({ values: [1.01, 2.01] }, three)).toBeCloseTo(1 / 3, 15);
    expect(kolmogorovSmirnov({ values: [0.99, 1.99] }, three)).toBeCloseTo(2 / 3, 15);
  });

  it('PSI, empty bins floored and counted', () => {
    expect(populationStability([5, 5], [6, 4]).index).toBeCloseTo(0.0405465, 7);
    const q = [0.12, 0.08, ...new Array<number>(6).fill(0.1), 0.08, 0.12];
    expect(populationStability(new Array(10).fill(1), q).index).toBeCloseTo(0.0162186, 7);
    expect(populationStability([10, 0, 0], [9, 1, 0]).floored).toBe(1);
    expect(populationStability([1, 2], [1, 2])).toEqual({ index: 0, floored: 0 });
  });

  it('Hellinger and chi-square (evidently)', () => {
    const p = [16, 18, 16, 14, 12, 12];
    const q = [16, 16, 16, 16, 16, 8];
    // Evidently's test shows five digits, cut: 0.06812.
    expect(Math.floor(hellinger(p, q) * 1e5)).toBe(6_812);
    const total = 88;
    const chi2 = p.reduce((sum, f, i) => sum + ((q[i] as number) - f) ** 2 / f, 0);
    expect(p.reduce((a, b) => a + b)).toBe(total);
    expect(Math.exp(logIncompleteGammaUpper(2.5, chi2 / 2)).toFixed(5)).toBe('0.67309');
    expect(largestShareGap(p, q)).toBeCloseTo(4 / 88, 15);
    expect(hellinger(p, p)).toBe(0);
  });
});

describe('ranks', () => {
  it('Kendall tau-b, Spearman (scipy)', () => {
    expect(kendallTauB([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])).toBeCloseTo(-0.47140452079103173, 15);
    expect(spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 15);
  });

  it('all ties: no rank agreement, full concordance', () => {
    expect(kendallTauB([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(concordance([2, 2, 2], [2, 2, 2])).toBe(1);
    expect(concordance([1, 2, 3], [1, 2, 3])).toBe(1);
  });

  it('Wilcoxon signed-rank (scipy)', () => {
    const d = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75];
    const exact = signedRank(d);
    expect(Math.min(exact.positive, exact.negative)).toBe(24);
    expect(exact.twoSided).toBe(0.041259765625);
    expect(exact.greater).toBe(0.0206298828125);
    expect(signedRank(d, 'normal').twoSided).toBeCloseTo(0.04088813, 8);
    expect(signedRank([0, 0]).twoSided).toBe(1);
  });

  it('Hodges-Lehmann of two samples (Kayenta)', () => {
    expect(hodgesLehmannShift([10, 20, 30, 40], [1, 2, 3, 4])).toBe(22.5);
    expect(hodgesLehmann([3])).toBe(3);
    expect(hodgesLehmann([1, 2, 9])).toBe(3.5);
    expect(hodgesLehmann(new Array(10_000).fill(0))).toBe(0);
    expect(() => hodgesLehmann([])).toThrowError(domain);
  });

  it('Benjamini & Hochberg 1995', () => {
    const p = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719,
      0.6528, 0.759, 1,
    ];
    const expected = [
      0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714, 0.06385714, 0.0645, 0.0765, 0.486,
      0.58118182, 0.714875, 0.75323077, 0.81321429, 1,
    ];
    const adjusted = benjaminiHochberg(p);
    for (const [i, value] of adjusted.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 8);
    expect(adjusted.filter((x) => x <= 0.05)).toHaveLength(4);
    expect(p.filter((x) => x <= 0.05 / p.length)).toHaveLength(3);
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
    expect(benjaminiHochberg([])).toEqual([]);
  });
});

describe('order-dependent sequences on x_i = ((37 i) mod 101)/100', () => {
  const x = Array.from({ length: 1_000 }, (_, i) => ((37 * (i + 1)) % 101) / 100);

  it.each([
    [50, 0.3229101, 0.69229863],
    [100, 0.39613103, 0.6144472],
    [500, 0.45475645, 0.54668818],
    [1_000, 0.46706604, 0.53426401],
  ])('plug-in empirical Bernstein at %i', (t, lower, upper) => {
    const [l, u] = plugInSequence(x.slice(0, t), 0.05);
    expect(l).toBeCloseTo(lower, 8);
    expect(u).toBeCloseTo(upper, 8);
  });

  it.each([
    [500, 0.458592, 0.544126],
    [1_000, 0.46877, 0.533518],
  ])('hedged betting at %i', (t, lower, upper) => {
    const [l, u] = bettingSequence(x.slice(0, t), 0.05);
    expect(l).toBeCloseTo(lower, 6);
    expect(u).toBeCloseTo(upper, 6);
  });

  it('the first bets of confseq, not cut', () => {
    for (const alpha of [0.05, 0.1]) {
      const expected = Math.sqrt((2 * Math.log(1 / alpha)) / (0.25 * Math.LN2));
      expect(plugInBets([0.3], alpha, Number.POSITIVE_INFINITY)[0]).toBeCloseTo(expected, 14);
    }
  });
});

describe('the Hájek mean', () => {
  it('weighs by the inverse of the selection probability', () => {
    const { mean, effectiveN } = hajekMean([1, 0, 0], [0.5, 1, 1]);
    expect(mean).toBe(0.5);
    expect(effectiveN).toBeCloseTo(16 / 6, 14);
    expect(() => hajekMean([1], [0])).toThrowError(domain);
  });
});

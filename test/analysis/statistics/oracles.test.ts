import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { benjaminiHochberg, holm } from '../../../src/analysis/statistics/benjamini-hochberg.ts';
import { bernoulliSequence } from '../../../src/analysis/statistics/bernoulli-sequence.ts';
import { createBernoulliTest } from '../../../src/analysis/statistics/beta-binomial.ts';
import {
  brierLoss,
  brierScore,
  calibrationBins,
  calibrationError,
} from '../../../src/analysis/statistics/calibration.ts';
import { concordance, spearman } from '../../../src/analysis/statistics/correlation.ts';
import { compareAuc } from '../../../src/analysis/statistics/delong.ts';
import {
  kolmogorovSmirnov,
  kolmogorovSmirnovOfBins,
  wasserstein,
} from '../../../src/analysis/statistics/distribution-distance.ts';
import { createGammaExponentialMixture } from '../../../src/analysis/statistics/empirical-bernstein.ts';
import { bernsteinSequence } from '../../../src/analysis/statistics/empirical-bernstein-sequence.ts';
import { hellinger } from '../../../src/analysis/statistics/hellinger.ts';
import { hodgesLehmann } from '../../../src/analysis/statistics/hodges-lehmann.ts';
import { jensenShannon } from '../../../src/analysis/statistics/jensen-shannon.ts';
import { kendallTauB } from '../../../src/analysis/statistics/kendall.ts';
import { mcNemar, mcNemarExact, mcNemarMidP } from '../../../src/analysis/statistics/mcnemar.ts';
import { signedRank } from '../../../src/analysis/statistics/wilcoxon.ts';
import { wilsonInterval } from '../../../src/analysis/statistics/wilson.ts';

/** Against scipy, statsmodels, scikit-learn, confseq: test/oracles/methods.py. */
interface Oracles {
  readonly ranks: readonly {
    readonly x: number[];
    readonly y: number[];
    readonly kendall: number;
    readonly spearman: number;
    readonly lin: number;
    readonly wilcoxon: [number, number];
    readonly hodgesLehmann: number;
    readonly ks: number;
    readonly wasserstein: number;
  }[];
  readonly wilcoxonExact: readonly {
    readonly d: number[];
    readonly twoSided: number;
    readonly greater: number;
  }[];
  readonly histograms: readonly {
    readonly p: number[];
    readonly q: number[];
    readonly js: number;
    readonly hellinger: number;
    readonly wasserstein: number;
  }[];
  readonly mcnemar: readonly {
    readonly b: number;
    readonly c: number;
    readonly exact?: number;
    readonly plain?: number;
    readonly midP?: number;
  }[];
  readonly wilson: readonly [number, number, number, number, number][];
  readonly adjusted: { readonly p: number[]; readonly bh: number[]; readonly holm: number[] };
  readonly auc: readonly {
    readonly y: number[];
    readonly a: number[];
    readonly b: number[];
    readonly auc: [number, number];
    readonly standardError: number;
  }[];
  readonly calibration: {
    readonly y: number[];
    readonly p: number[];
    readonly brier: number;
    readonly ece: number;
  };
  readonly mixtures: {
    readonly betaBinomial: readonly [number, number, number, number | null, number | null][];
    readonly gammaExponential: readonly [number, number, number, number][];
    readonly sequence: readonly [number, number, number, number][];
  };
  readonly bernstein: readonly [number, number, number, number, number, number][];
}

const ORACLES = JSON.parse(readFileSync('test/oracles/methods.json', 'utf8')) as Oracles;

describe('ranks and distances of samples', () => {
  it.each(ORACLES.ranks.map((row, i) => [i, row] as const))('case %i', (_, row) => {
    const { x, y } = row;
    const d = y.map((value, i) => value - (x[i] as number));
    expect(kendallTauB(x, y)).toBeCloseTo(row.kendall, 12);
    expect(spearman(x, y)).toBeCloseTo(row.spearman, 12);
    expect(concordance(x, y)).toBeCloseTo(row.lin, 12);
    const wilcoxon = signedRank(d, 'normal');
    expect(wilcoxon.twoSided / row.wilcoxon[0]).toBeCloseTo(1, 9);
    expect(wilcoxon.greater / row.wilcoxon[1]).toBeCloseTo(1, 9);
    expect(hodgesLehmann(d)).toBeCloseTo(row.hodgesLehmann, 12);
    expect(kolmogorovSmirnov({ values: x }, { values: y })).toBeCloseTo(row.ks, 12);
    expect(wasserstein({ values: x }, { values: y })).toBeCloseTo(row.wasserstein, 12);
  });

  it.each(ORACLES.wilcoxonExact)('exact signed ranks of $d.length differences', (row) => {
    const got = signedRank(row.d);
    expect(got.method).toBe('exact');
    expect(got.twoSided).toBeCloseTo(row.twoSided, 13);
    expect(got.greater).toBeCloseTo(row.greater, 13);
  });
});

describe('distances of histograms', () => {
  it.each(ORACLES.histograms)('of $p.length bins', ({ p, q, ...row }) => {
    expect(jensenShannon(p, q)).toBeCloseTo(row.js, 12);
    expect(hellinger(p, q)).toBeCloseTo(row.hellinger, 10);
    const values = p.map((_, i) => i);
    const [one, two] = [
      { values, weights: p },
      { values, weights: q },
    ];
    expect(wasserstein(one, two)).toBeCloseTo(row.wasserstein, 12);
    expect(kolmogorovSmirnovOfBins(p, q)).toBeCloseTo(kolmogorovSmirnov(one, two), 14);
  });
});

describe('paired proportions', () => {
  it.each(ORACLES.mcnemar)('McNemar ($b, $c)', ({ b, c, exact = 1, plain = 1, midP = 1 }) => {
    expect(mcNemarExact(b, c)).toBeCloseTo(exact, 12);
    expect(mcNemar(b, c, false).p).toBeCloseTo(plain, 12);
    expect(mcNemarMidP(b, c)).toBeCloseTo(midP, 11);
  });

  it.each(ORACLES.wilson)('Wilson %i of %i at %f', (k, n, alpha, lower, upper) => {
    const [l, u] = wilsonInterval(k, n, alpha);
    expect(l).toBeCloseTo(lower, 12);
    expect(u).toBeCloseTo(upper, 12);
  });

  it('adjusted p-values', () => {
    const { p, bh, holm: expected } = ORACLES.adjusted;
    for (const [i, value] of benjaminiHochberg(p).entries())
      expect(value).toBeCloseTo(bh[i] ?? 9, 12);
    for (const [i, value] of holm(p).entries()) expect(value).toBeCloseTo(expected[i] ?? 9, 12);
  });
});

describe('labels', () => {
  it.each(ORACLES.auc)('DeLong on $y.length requests', ({ y, a, b, ...row }) => {
    const positive = y.map((label) => label === 1);
    const got = compareAuc(a, b, { positive, alpha: 0.05 });
    expect(got.first).toBeCloseTo(row.auc[0], 12);
    expect(got.second).toBeCloseTo(row.auc[1], 12);
    expect(got.standardError).toBeCloseTo(row.standardError, 12);
  });

  it('DeLong of a score with itself has no difference', () => {
    const { y, a } = ORACLES.auc[0] as (typeof ORACLES.auc)[number];
    const got = compareAuc(a, a, { positive: y.map((label) => label === 1), alpha: 0.05 });
    expect(got).toMatchObject({ difference: 0, standardError: 0, z: 0, p: 1, interval: [0, 0] });
  });

  it('DeLong on the aSAH patients is that of pROC: wfns against s100b', () => {
    const patients = JSON.parse(readFileSync('test/oracles/asah.json', 'utf8')) as {
      readonly poor: number[];
      readonly wfns: number[];
      readonly s100b: number[];
    };
    const positive = patients.poor.map((label) => label === 1);
    const got = compareAuc(patients.wfns, patients.s100b, { positive, alpha: 0.05 });
    expect(got.z).toBeCloseTo(2.20898359144091, 12);
    expect(got.p).toBeCloseTo(0.0271757822291882, 12);
    expect(got.interval[0]).toBeCloseTo(0.0104061769564846, 12);
    expect(got.interval[1]).toBeCloseTo(0.174214419249478, 12);
  });

  it('Brier and calibration error', () => {
    const { y, p, brier, ece } = ORACLES.calibration;
    const positive = y.map((label) => label === 1);
    expect(brierScore(p, positive)).toBeCloseTo(brier, 13);
    expect(calibrationError(p, positive)).toBeCloseTo(ece, 12);
    expect(calibrationBins(p, positive).reduce((sum, bin) => sum + bin.n, 0)).toBe(p.length);
    expect(calibrationError([0, 1], [false, true])).toBe(0);
    expect(brierLoss(0.2, 0.9, true)).toBeCloseTo(0.01 - 0.64, 15);
  });
});

describe('mixtures of confseq', () => {
  it.each(ORACLES.mixtures.betaBinomial)('beta-binomial δ %f, n %i, k %i', (delta, n, k, p, f) => {
    const test = createBernoulliTest({ delta, tOpt: 10_000, alphaOpt: 0.05 });
    // Where confseq underflows there is nothing to compare with.
    if (p !== null) expect(Math.abs(test.logPass(k, n) - p)).toBeLessThan(1e-7);
    if (f !== null) expect(Math.abs(test.logFail(k, n) - f)).toBeLessThan(1e-7);
  });

  it.each(ORACLES.mixtures.gammaExponential)(
    'gamma-exponential c %i, s %f, v %f',
    (c, s, v, log) => {
      const mixture = createGammaExponentialMixture({ c, vOpt: 50, alphaOpt: 0.01 });
      expect(Math.abs(mixture(s, v) - log)).toBeLessThan(1e-7 * Math.max(1, Math.abs(log)));
    },
  );

  it.each(ORACLES.mixtures.sequence)('sequence of %i in %i', (k, n, lower, upper) => {
    const [l, u] = bernoulliSequence(k, n, { alpha: 0.05, tOpt: 5_000 });
    expect(l).toBeCloseTo(lower, 7);
    expect(u).toBeCloseTo(upper, 7);
  });

  it.each(ORACLES.bernstein)(
    'comparecast: %i losses, v_opt %f',
    (n, vOpt, sum, squares, lower, upper) => {
      const [l, u] = bernsteinSequence({ n, sum, squares }, { alpha: 0.05, c: 1, vOpt });
      expect(l).toBeCloseTo(lower, 8);
      expect(u).toBeCloseTo(upper, 8);
    },
  );
});

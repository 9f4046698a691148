/** Confidence sequences for one quantile by ranks: latency, |d|. Independent of the distribution. */
import { logBernoulliTwoSided } from './bernoulli-two-sided.ts';
import { requireCount, requireOpenUnit } from './domain.ts';
import { lastReal } from './solve.ts';

export interface QuantileOptions {
  /** Which quantile, in (0, 1). */
  readonly p: number;
  /** Error level in (0, 1), for all n at once. */
  readonly alpha: number;
  /** n at which the sequence is tightest, > 0. */
  readonly tOpt: number;
}

/** Ranks, 1-based, whose order statistics enclose the quantile; 0 = -∞ below, n + 1 = +∞ above. */
export interface RankRange {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Ranks that enclose the p-quantile at all n at once, except with probability alpha.
 *
 * @param n - observations, integer ≥ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard & Ramdas 2022, "Sequential estimation of quantiles", Thm 1 with the two-sided beta-binomial bound;
 * index arithmetic of confseq, `demo/quantiles.py`.
 */
export function quantileRanks(n: number, { p, alpha, tOpt }: QuantileOptions): RankRange {
  requireCount('n', n);
  requireOpenUnit('p', p);
  requireOpenUnit('alpha', alpha);
  if (n === 0) return { lower: 0, upper: 1 };
  const bar = -Math.log(alpha);
  const plausible = (k: number): boolean =>
    logBernoulliTwoSided(Math.min(n, Math.max(0, k)), n, { p, tOpt, alphaOpt: alpha }) < bar;
  const below = lastReal(0, p * n, (fall) => plausible(p * n - fall));
  const above = lastReal(0, (1 - p) * n, (rise) => plausible(p * n + rise));
  const lower = Math.floor(p * n - below + 1);
  const upper = Math.ceil(p * n + above);
  return {
    lower: below >= p * n ? 0 : lower,
    upper: above >= (1 - p) * n ? n + 1 : upper,
  };
}

/** Radius of the quantile in ranks, on the wider side, as a share of n: "p99 ± 0.32 points". */
export function quantileRadius(n: number, options: QuantileOptions): number {
  const { lower, upper } = quantileRanks(n, options);
  return Math.max(options.p - (lower - 1) / n, upper / n - options.p);
}

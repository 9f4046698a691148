/** Confidence sequences for the mean of a bounded loss, for display. The prior does not move: they hold under drift. */
import { requireOpenUnit, requirePositive } from './domain.ts';
import { createGammaExponentialMixture, type LossTotals } from './empirical-bernstein.ts';
import { lastReal } from './solve.ts';

export interface BoundedSequenceOptions {
  /** Error level in (0, 1), for all n at once. */
  readonly alpha: number;
  /** Bound of |Z - γ|, in the unit of the loss. */
  readonly c: number;
  /** Intrinsic time at which the sequence is tightest, > 0. */
  readonly vOpt: number;
}

/**
 * Radius u(V) of the sum: the root s of ln m(s, V) = ln(1/alpha), alphaOpt = alpha, one-sided.
 *
 * @param v - V ≥ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function bernsteinRadius(v: number, { alpha, c, vOpt }: BoundedSequenceOptions): number {
  requireOpenUnit('alpha', alpha);
  const logMixture = createGammaExponentialMixture({ c, vOpt, alphaOpt: alpha });
  const bar = -Math.log(alpha);
  let high = c + Math.sqrt(v + vOpt);
  while (logMixture(high, v) < bar) high *= 2;
  return lastReal(0, high, (s) => logMixture(s, v) < bar);
}

/**
 * Two-sided sequence for the average of the conditional expected losses: S/n ± u(V)/n at alpha/2 a side.
 *
 * @returns `[lower, upper]`, not clipped to the range of the loss; infinite at n = 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function bernsteinSequence(
  { n, sum, squares }: LossTotals,
  options: BoundedSequenceOptions,
): readonly [number, number] {
  if (n === 0) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  requirePositive('n', n);
  const radius = bernsteinRadius(squares, { ...options, alpha: options.alpha / 2 });
  return [(sum - radius) / n, (sum + radius) / n];
}

/** "The mean is at most u", one-sided at level alpha: S/n + u(V)/n. Infinite at n = 0. */
export function bernsteinUpperBound(totals: LossTotals, options: BoundedSequenceOptions): number {
  if (totals.n === 0) return Number.POSITIVE_INFINITY;
  return (totals.sum + bernsteinRadius(totals.squares, options)) / totals.n;
}

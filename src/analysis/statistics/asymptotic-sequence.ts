/**
 * Asymptotic confidence sequences: for means without a bound, and for ratios through influence functions.
 *
 * Exact only as n grows; shown, never the sole basis of a PASS. ρ is tuned to N*, the n of the tightest interval.
 *
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2021, "Time-uniform central limit theory", eq. 9 and, one-sided,
 * eq. 134; as implemented by GrowthBook, `gbstats/frequentist/tests.py`.
 */
import { requireFinite, requireOpenUnit, requirePositive, requireThat } from './domain.ts';

export interface AsymptoticOptions {
  /** Error level in (0, 1); one-sided in (0, 1/2). */
  readonly alpha: number;
  /** N*, the n at which the sequence is tightest, > 0. */
  readonly nOpt: number;
}

export interface Estimate {
  /** Observations behind the estimate, > 0; of two arms, their sum. */
  readonly n: number;
  readonly mean: number;
  /** Standard error of the estimate, ≥ 0. */
  readonly standardError: number;
}

function tuning(alpha: number, nOpt: number): number {
  requireOpenUnit('alpha', alpha);
  requirePositive('nOpt', nOpt);
  const twice = -2 * Math.log(alpha);
  return (twice + Math.log1p(twice)) / nOpt;
}

/** sqrt(2 (nρ²+1)/(nρ²) x): the factor of the standard error. */
function factor(n: number, rhoSquare: number, logTerm: number): number {
  return Math.sqrt(((2 * (n * rhoSquare + 1)) / (n * rhoSquare)) * logTerm);
}

/** Two-sided sequence `[lower, upper]`. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function asymptoticSequence(
  { n, mean, standardError }: Estimate,
  { alpha, nOpt }: AsymptoticOptions,
): readonly [number, number] {
  checkEstimate({ n, mean, standardError });
  const rhoSquare = tuning(alpha, nOpt);
  const logTerm = 0.5 * Math.log(n * rhoSquare + 1) - Math.log(alpha);
  const half = standardError * factor(n, rhoSquare, logTerm);
  return [mean - half, mean + half];
}

/** One-sided lower bound; the upper one is its mirror image. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function asymptoticLowerBound(
  { n, mean, standardError }: Estimate,
  { alpha, nOpt }: AsymptoticOptions,
): number {
  checkEstimate({ n, mean, standardError });
  requireThat(alpha < 0.5, 'alpha', alpha, 'a number in (0, 0.5)');
  const rhoSquare = tuning(2 * alpha, nOpt);
  const logTerm = Math.log1p(Math.sqrt(n * rhoSquare + 1) / (2 * alpha));
  return mean - standardError * factor(n, rhoSquare, logTerm);
}

/** Always-valid two-sided p-value of "the mean is `nullMean`". @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function asymptoticPValue(
  { n, mean, standardError }: Estimate,
  { alpha, nOpt, nullMean = 0 }: AsymptoticOptions & { readonly nullMean?: number },
): number {
  checkEstimate({ n, mean, standardError });
  if (standardError === 0) return mean === nullMean ? 1 : 0;
  const x = n * tuning(alpha, nOpt);
  const z = (mean - nullMean) / standardError;
  return Math.min(1, Math.exp(0.5 * Math.log(x + 1) - (x * z * z) / (2 * (x + 1))));
}

/**
 * Always-valid one-sided p-value of "the mean is ≤ `nullMean`": the level at which its lower bound meets it.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function asymptoticPValueGreater(
  { n, mean, standardError }: Estimate,
  { alpha, nOpt, nullMean = 0 }: AsymptoticOptions & { readonly nullMean?: number },
): number {
  checkEstimate({ n, mean, standardError });
  const z = (mean - nullMean) / standardError;
  if (!(z > 0)) return 1;
  const x = n * tuning(2 * alpha, nOpt);
  const odds = Math.expm1((z * z * x) / (2 * (x + 1)));
  return Math.min(1, Math.sqrt(x + 1) / (2 * odds));
}

function checkEstimate({ n, mean, standardError }: Estimate): void {
  requirePositive('n', n);
  requireFinite('mean', mean);
  requireThat(standardError >= 0, 'standardError', standardError, 'a number ≥ 0');
}

import { requireOpenUnit, requirePositive } from './domain.ts';

/**
 * Tuning parameter ρ of a mixture: the mixture is tightest at intrinsic time v.
 *
 * @param v - intrinsic time (variance × n, in squared units of the loss), > 0
 * @param alpha - error level in (0, 1) of a two-sided test; for a one-sided one pass 2 alpha, below 1
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence
 * sequences", section 3.5; `best_rho` of confseq.
 */
export function bestRho(v: number, alpha: number): number {
  requirePositive('v', v);
  requireOpenUnit('alpha', alpha);
  const twice = -2 * Math.log(alpha);
  return v / (twice + Math.log1p(twice));
}

/** {@link bestRho} of a one-sided test at level alpha, in (0, 1/2). */
export function bestRhoOneSided(v: number, alpha: number): number {
  return bestRho(v, 2 * alpha);
}

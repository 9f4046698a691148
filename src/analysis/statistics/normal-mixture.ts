/** Normal mixtures for a known variance: mSPRT is the same object. For the unknown one: asymptotic-sequence.ts. */
import { bestRho, bestRhoOneSided } from './best-rho.ts';
import { requireFinite, requireOpenUnit, requireWithin } from './domain.ts';
import { logNormalUpper } from './normal.ts';
import { lastReal } from './solve.ts';

export interface NormalMixtureOptions {
  /** Intrinsic time n σ² at which it is tightest, > 0. */
  readonly vOpt: number;
  /** Level it is tuned for, in (0, 1); one-sided: in (0, 1/2). */
  readonly alphaOpt: number;
  readonly oneSided?: boolean;
}

/**
 * ln M at excess s and intrinsic time v.
 *
 * @param s - sum of (Z - tested mean)
 * @param v - n σ² ≥ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard, Ramdas, McAuliffe, Sekhon 2021, Props 5 and 6; Johari et al. 2022 (mSPRT), τ² = σ⁴/ρ.
 */
export function logNormalMixture(
  s: number,
  v: number,
  { vOpt, alphaOpt, oneSided = false }: NormalMixtureOptions,
): number {
  requireFinite('s', s);
  requireWithin('v', v, [0, Number.MAX_VALUE]);
  const rho = oneSided ? bestRhoOneSided(vOpt, alphaOpt) : bestRho(vOpt, alphaOpt);
  const total = v + rho;
  const twoSided = 0.5 * Math.log(rho / total) + (s * s) / (2 * total);
  return oneSided ? twoSided + Math.LN2 + logNormalUpper(-s / Math.sqrt(total)) : twoSided;
}

/** The s at which ln M = ln(1/alpha). @param v - n σ² ≥ 0 @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function normalMixtureRadius(
  v: number,
  alpha: number,
  options: NormalMixtureOptions,
): number {
  requireOpenUnit('alpha', alpha);
  const bar = -Math.log(alpha);
  let high = Math.sqrt(v + options.vOpt);
  while (logNormalMixture(high, v, options) < bar) high *= 2;
  return lastReal(0, high, (s) => logNormalMixture(s, v, options) < bar);
}

import { bestRho } from './best-rho.ts';
import { requireOpenUnit, requirePositive, requireThat } from './domain.ts';
import { logBetaScaled, unitPoint } from './incomplete-beta.ts';

/**
 * ln M of the two-sided test of "the mean is p": a mixture over all alternatives, Beta prior of mean p.
 *
 * @param k - losses, real, 0 ≤ k ≤ n
 * @param n - observations, ≥ 0
 * @param options.p - tested mean in (0, 1)
 * @param options.tOpt - n at which the test is sharpest, > 0
 * @param options.alphaOpt - error level in (0, 1) that it is tuned for
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard, Ramdas, McAuliffe, Sekhon 2021, Prop. 6; `beta_binomial_log_mixture` of confseq, two-sided.
 */
export function logBernoulliTwoSided(
  k: number,
  n: number,
  { p, tOpt, alphaOpt }: { readonly p: number; readonly tOpt: number; readonly alphaOpt: number },
): number {
  requireOpenUnit('p', p);
  requirePositive('tOpt', tOpt);
  requireThat(k >= 0 && k <= n, 'k', k, `a number in [0, ${n}]`);
  const unit = p * (1 - p);
  const r = Math.max(bestRho(unit * tOpt, alphaOpt) - unit, 1e-3 * unit);
  const a = r / (1 - p);
  const b = r / p;
  const point = unitPoint(p);
  return logBetaScaled(point, a + k, b + (n - k)) - logBetaScaled(point, a, b);
}

import { requireCount, requirePositive, requireThat } from './domain.ts';
import { logGamma } from './log-gamma.ts';

/**
 * ln e of the sample-ratio check: evidence against "distinct keys fall on the arms with probabilities theta".
 *
 *     ln E = lnB(k θ + N) - lnB(k θ) - Σ N_j ln θ_j      (lnB multivariate, Dirichlet prior k θ)
 *
 * @param counts - N_j, distinct keys on each arm, integers ≥ 0
 * @param theta - θ_j > 0, sum 1 to 1e-9
 * @param concentration - k > 0, 100 if left out
 * @returns reject at ≥ ln(1/alpha), at any time
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Lindon & Malek 2022, "Anytime-valid inference for multinomial count data", eq. 6; `savvi`.
 */
export function logSampleRatioEValue(
  counts: readonly number[],
  theta: readonly number[],
  concentration = 100,
): number {
  requireThat(counts.length === theta.length, 'counts.length', counts.length, `${theta.length}`);
  requirePositive('concentration', concentration);
  const whole = theta.reduce((a, b) => a + b, 0);
  requireThat(Math.abs(whole - 1) <= 1e-9, 'sum of theta', whole, '1');
  let log = 0;
  let total = 0;
  for (let j = 0; j < counts.length; j++) {
    const count = counts[j] as number;
    const share = theta[j] as number;
    requireCount('count', count);
    requirePositive('theta', share);
    const prior = concentration * share;
    log += logGamma(prior + count) - logGamma(prior) - count * Math.log(share);
    total += count;
  }
  return log - logGamma(concentration + total) + logGamma(concentration);
}

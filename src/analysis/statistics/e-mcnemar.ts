import { requirePositive, requireWithin } from './domain.ts';
import { logBeta } from './incomplete-beta.ts';

/**
 * ln of the always-valid McNemar e-value: evidence against "each discordant pair is a fair coin".
 *
 * @param b - pairs that only the incumbent got right, ≥ 0
 * @param c - pairs that only the candidate got right, ≥ 0
 * @param prior - parameter a0 of the symmetric Beta prior, > 0; 1 is uniform
 * @returns reject at ≥ ln(1/alpha), at any time
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: beta-binomial mixture of the fair coin (Robbins 1970); ln [2^(b+c) B(a0+b, a0+c)/B(a0, a0)].
 */
export function logMcNemarEValue(b: number, c: number, prior = 1): number {
  requireWithin('b', b, [0, 1e10]);
  requireWithin('c', c, [0, 1e10]);
  requirePositive('prior', prior);
  return (b + c) * Math.LN2 + logBeta(prior + b, prior + c) - logBeta(prior, prior);
}

import { toShares } from './shares.ts';

/**
 * Hellinger distance of two histograms: sqrt(1 - Σ sqrt(p_j q_j)), in [0, 1].
 *
 * Computed as sqrt(Σ (sqrt(p_j) - sqrt(q_j))² / 2), which is exactly 0 for equal histograms.
 *
 * @param first - counts or weights ≥ 0
 * @param second - of the same bins
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Hellinger 1909.
 */
export function hellinger(first: readonly number[], second: readonly number[]): number {
  const [p, q] = toShares(first, second);
  const sum = p.reduce(
    (total, share, j) => total + (Math.sqrt(share) - Math.sqrt(q[j] as number)) ** 2,
    0,
  );
  return Math.sqrt(sum / 2);
}

/** Largest difference of a share, in [0, 1]. Arguments as {@link hellinger}. */
export function largestShareGap(first: readonly number[], second: readonly number[]): number {
  const [p, q] = toShares(first, second);
  return p.reduce((most, share, j) => Math.max(most, Math.abs(share - (q[j] as number))), 0);
}

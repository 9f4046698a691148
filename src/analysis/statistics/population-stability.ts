import { toShares } from './shares.ts';

/** Share that stands for an empty bin. */
const FLOOR = 1e-4;

/**
 * Population stability index: Σ (p_j - q_j) ln(p_j / q_j).
 *
 * Bins are fixed in advance, by quantiles of the incumbent. Its usual limits (0.10, 0.25) are folklore: reported, never a
 * gate.
 *
 * @param first - counts of the incumbent in each bin
 * @param second - counts of the candidate in the same bins
 * @returns the index ≥ 0, and how many shares were raised to 1e-4 to have a logarithm
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Kullback & Leibler 1951, the symmetric divergence; Siddiqi 2006.
 */
export function populationStability(
  first: readonly number[],
  second: readonly number[],
): { readonly index: number; readonly floored: number } {
  const [p, q] = toShares(first, second);
  let index = 0;
  let floored = 0;
  for (let j = 0; j < p.length; j++) {
    const ours = Math.max(FLOOR, p[j] as number);
    const theirs = Math.max(FLOOR, q[j] as number);
    if (p[j] === 0 && q[j] === 0) continue;
    floored += Number((p[j] as number) < FLOOR) + Number((q[j] as number) < FLOOR);
    index += (ours - theirs) * Math.log(ours / theirs);
  }
  return { index, floored };
}

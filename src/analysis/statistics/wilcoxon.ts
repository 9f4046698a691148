import { requireFinite, requireThat } from './domain.ts';
import { midranks } from './midranks.ts';
import { logNormalUpper, normalTwoSided } from './normal.ts';

export interface SignedRank {
  /** Pairs with a difference. */
  readonly n: number;
  /** Sum of the ranks of positive and of negative differences. */
  readonly positive: number;
  readonly negative: number;
  readonly method: 'exact' | 'normal';
  readonly twoSided: number;
  /** p-value of "the differences tend to be above 0". */
  readonly greater: number;
}

/** Up to so many differences the distribution is counted out, if none are tied. */
const EXACT_MAX = 50;

/**
 * Wilcoxon's signed-rank test of paired differences, for one look at a fixed n. Zero differences are left out.
 *
 * @param differences - finite
 * @param method - `exact` up to 50 untied differences unless `normal` is asked for (no continuity correction)
 * @returns p-values of 1 without any difference
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Wilcoxon 1945; ties as in Hollander & Wolfe, section 3.1.
 */
export function signedRank(
  differences: readonly number[],
  method: 'exact' | 'normal' = 'exact',
): SignedRank {
  for (const difference of differences) requireFinite('difference', difference);
  requireThat(differences.length <= 1e7, 'length', differences.length, 'at most 1e7');
  const used = differences.filter((difference) => difference !== 0);
  const sizes = used.map(Math.abs);
  const ranks = midranks(sizes);
  const n = used.length;
  const positive = used.reduce((sum, d, i) => sum + (d > 0 ? (ranks[i] as number) : 0), 0);
  const negative = (n * (n + 1)) / 2 - positive;
  if (n === 0) return { n, positive, negative, method, twoSided: 1, greater: 1 };
  const untied = new Set(sizes).size === n;
  if (method === 'exact' && n <= EXACT_MAX && untied) {
    const greater = upperTail(n, positive);
    const twoSided = Math.min(1, 2 * upperTail(n, Math.max(positive, negative)));
    return { n, positive, negative, method: 'exact', twoSided, greater };
  }
  const z = (positive - (n * (n + 1)) / 4) / Math.sqrt(rankVariance(sizes));
  const greater = Math.exp(logNormalUpper(z));
  return { n, positive, negative, method: 'normal', twoSided: normalTwoSided(z), greater };
}

/** Variance of the rank sum under symmetry, less Σ (t³ - t)/48 for ties. */
function rankVariance(sizes: readonly number[]): number {
  const n = sizes.length;
  const groups = Map.groupBy(sizes, (size) => size);
  let ties = 0;
  for (const { length: t } of groups.values()) ties += t ** 3 - t;
  return (n * (n + 1) * (2 * n + 1)) / 24 - ties / 48;
}

/** P(W ≥ w) over the 2^n equally likely sign patterns, counted out. */
function upperTail(n: number, w: number): number {
  const most = (n * (n + 1)) / 2;
  const share = new Float64Array(most + 1);
  share[0] = 1;
  for (let rank = 1; rank <= n; rank++) {
    for (let sum = most; sum >= 0; sum--) {
      const with_ = sum >= rank ? (share[sum - rank] as number) : 0;
      share[sum] = ((share[sum] as number) + with_) / 2;
    }
  }
  let tail = 0;
  for (let sum = Math.ceil(w); sum <= most; sum++) tail += share[sum] as number;
  return tail;
}

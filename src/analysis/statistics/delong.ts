import { requireOpenUnit, requireThat } from './domain.ts';
import { midranks } from './midranks.ts';
import { normalQuantile, normalTwoSided } from './normal.ts';

/** Two paired areas under the ROC curve and their difference. */
export interface AucComparison {
  readonly first: number;
  readonly second: number;
  readonly difference: number;
  /** Standard error of the difference; 0 where both rank alike. */
  readonly standardError: number;
  readonly z: number;
  /** Two-sided. */
  readonly p: number;
  readonly interval: readonly [number, number];
}

/**
 * DeLong's comparison of two scores on the same labelled requests, for one look at a fixed n.
 *
 * @param first - scores, larger = more positive
 * @param second - scores of the same requests
 * @param positive - whether each label is positive; at least two of each kind
 * @param alpha - level of the interval, in (0, 1)
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on lists of different length, NaN, or too few of a kind
 * Source: DeLong, DeLong, Clarke-Pearson 1988; by midranks, Sun & Xu 2014. O(n log n).
 */
export function compareAuc(
  first: readonly number[],
  second: readonly number[],
  { positive, alpha }: { readonly positive: readonly boolean[]; readonly alpha: number },
): AucComparison {
  requireOpenUnit('alpha', alpha);
  const n = positive.length;
  requireThat(first.length === n && second.length === n, 'length', first.length, `${n}, all alike`);
  const one = placements(first, positive);
  const two = placements(second, positive);
  const variance =
    differenceVariance(one.ofPositives, two.ofPositives) +
    differenceVariance(one.ofNegatives, two.ofNegatives);
  const difference = one.auc - two.auc;
  const standardError = Math.sqrt(Math.max(0, variance));
  const z = standardError > 0 ? difference / standardError : 0;
  const half = -normalQuantile(alpha / 2) * standardError;
  return {
    first: one.auc,
    second: two.auc,
    difference,
    standardError,
    z,
    p: standardError > 0 ? normalTwoSided(z) : 1,
    interval: [difference - half, difference + half],
  };
}

interface Placements {
  readonly auc: number;
  /** V10: share of negatives below each positive. */
  readonly ofPositives: readonly number[];
  /** V01: share of positives above each negative. */
  readonly ofNegatives: readonly number[];
}

function placements(scores: readonly number[], positive: readonly boolean[]): Placements {
  for (const score of scores) requireThat(!Number.isNaN(score), 'score', score, 'a number');
  const high = scores.filter((_, i) => positive[i] === true);
  const low = scores.filter((_, i) => positive[i] !== true);
  const [m, n] = [high.length, low.length];
  requireThat(m >= 2, 'positives', m, 'at least 2');
  requireThat(n >= 2, 'negatives', n, 'at least 2');
  const all = midranks([...high, ...low]);
  const within = midranks(high);
  const withinLow = midranks(low);
  const ofPositives = within.map((rank, i) => ((all[i] as number) - rank) / n);
  const ofNegatives = withinLow.map((rank, j) => 1 - ((all[m + j] as number) - rank) / m);
  return { auc: mean(ofPositives), ofPositives, ofNegatives };
}

/** Variance of the mean difference of two placements. */
function differenceVariance(one: readonly number[], two: readonly number[]): number {
  const gaps = one.map((value, i) => value - (two[i] as number));
  const centre = mean(gaps);
  const sum = gaps.reduce((total, gap) => total + (gap - centre) ** 2, 0);
  return sum / (gaps.length - 1) / gaps.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

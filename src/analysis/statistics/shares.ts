import { requireThat } from './domain.ts';

/**
 * Two histograms over the same bins as shares that sum to 1.
 *
 * @param first - counts or weights ≥ 0, sum > 0
 * @param second - as many
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function toShares(
  first: readonly number[],
  second: readonly number[],
): readonly [number[], number[]] {
  requireThat(first.length === second.length, 'length', second.length, `${first.length}`);
  return [normalise(first), normalise(second)];
}

function normalise(counts: readonly number[]): number[] {
  for (const count of counts) requireThat(count >= 0, 'count', count, 'a number ≥ 0');
  const sum = counts.reduce((a, b) => a + b, 0);
  requireThat(sum > 0 && sum < Number.POSITIVE_INFINITY, 'sum', sum, 'a number > 0');
  return counts.map((count) => count / sum);
}

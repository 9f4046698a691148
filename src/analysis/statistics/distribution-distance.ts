/** Distances of two empirical distributions: Kolmogorov-Smirnov and Wasserstein-1. Report only, never a p-value on pairs. */
import { requireFinite, requireThat } from './domain.ts';
import { toShares } from './shares.ts';

/** Values with weights ≥ 0; each counts once where weights are left out. */
export interface Weighted {
  readonly values: readonly number[];
  readonly weights?: readonly number[];
}

/**
 * Kolmogorov-Smirnov distance: max |F - G|, in [0, 1].
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on no values, or one that is not finite
 * Source: Kolmogorov 1933, Smirnov 1939. Its p-value assumes independent samples and is not given.
 */
export function kolmogorovSmirnov(first: Weighted, second: Weighted): number {
  let most = 0;
  walk(first, second, (gap) => {
    most = Math.max(most, Math.abs(gap));
  });
  return Math.min(1, most);
}

/**
 * Wasserstein-1 (earth mover's) distance: the integral of |F - G|, in the unit of the values.
 *
 * At equal n it is mean |x_(i) - y_(i)|, so at most the mean |d| of pairs: the gap between both shows reordering.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on no values, or one that is not finite
 * Source: Vallender 1974.
 */
export function wasserstein(first: Weighted, second: Weighted): number {
  let area = 0;
  walk(first, second, (gap, width) => {
    area += Math.abs(gap) * width;
  });
  return area;
}

/** Kolmogorov-Smirnov distance of two histograms over the same ordered bins; values within a bin are not told apart. */
export function kolmogorovSmirnovOfBins(
  first: readonly number[],
  second: readonly number[],
): number {
  const [p, q] = toShares(first, second);
  let gap = 0;
  let most = 0;
  for (let j = 0; j < p.length; j++) {
    gap += (p[j] as number) - (q[j] as number);
    most = Math.max(most, Math.abs(gap));
  }
  return Math.min(1, most);
}

/** Visits F - G after each distinct value, with the way to the next. */
function walk(
  first: Weighted,
  second: Weighted,
  visit: (gap: number, width: number) => void,
): void {
  const one = steps(first, 1);
  const two = steps(second, -1);
  const all = [...one, ...two].sort((a, b) => a.value - b.value);
  let gap = 0;
  for (let i = 0; i < all.length; i++) {
    const { value, step } = all[i] as Step;
    gap += step;
    const next = all[i + 1]?.value ?? value;
    if (next > value || i === all.length - 1) visit(gap, next - value);
  }
}

interface Step {
  readonly value: number;
  readonly step: number;
}

function steps({ values, weights }: Weighted, sign: number): Step[] {
  requireThat(values.length > 0, 'length', values.length, 'at least 1');
  requireThat(
    weights === undefined || weights.length === values.length,
    'weights.length',
    weights?.length ?? 0,
    `${values.length}`,
  );
  const sum = weights?.reduce((a, b) => a + b, 0) ?? values.length;
  requireThat(sum > 0, 'sum of weights', sum, 'a number > 0');
  return values.map((value, i) => {
    requireFinite('value', value);
    const weight = weights?.[i] ?? 1;
    requireThat(weight >= 0, 'weight', weight, 'a number ≥ 0');
    return { value, step: (sign * weight) / sum };
  });
}

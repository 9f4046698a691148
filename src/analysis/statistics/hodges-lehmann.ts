import { requireFinite, requireThat } from './domain.ts';

/**
 * Hodges-Lehmann estimate of a paired shift: the median of the Walsh averages (d_i + d_j)/2, i ≤ j.
 *
 * For latencies pass d = ln(L_c / L_s); exp of the estimate is the typical ratio.
 *
 * @param differences - finite, at least one
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Hodges & Lehmann 1963. Selection by bisection over the sorted list: O(n) memory, O(n) a step.
 */
export function hodgesLehmann(differences: readonly number[]): number {
  const sorted = toSorted(differences);
  const n = sorted.length;
  const pairs = (n * (n + 1)) / 2;
  const atMost = (x: number): number => countWalsh(sorted, x);
  return median(pairs, { atMost, low: sorted[0] as number, high: sorted[n - 1] as number });
}

/**
 * Hodges-Lehmann estimate of the shift between two independent samples: the median of all x_i - y_j.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on an empty list or a value that is not finite
 */
export function hodgesLehmannShift(x: readonly number[], y: readonly number[]): number {
  const xs = toSorted(x);
  const ys = toSorted(y);
  const low = (xs[0] as number) - (ys[ys.length - 1] as number);
  const high = (xs[xs.length - 1] as number) - (ys[0] as number);
  const atMost = (limit: number): number => countShift(xs, ys, limit);
  return median(xs.length * ys.length, { atMost, low, high });
}

function toSorted(values: readonly number[]): Float64Array {
  requireThat(values.length > 0, 'length', values.length, 'at least 1');
  for (const value of values) requireFinite('value', value);
  return Float64Array.from(values).sort();
}

interface Counted {
  /** How many values are ≤ x. */
  readonly atMost: (x: number) => number;
  readonly low: number;
  readonly high: number;
}

/** Median of `total` values that are only counted: the mean of the two middle ones. */
function median(total: number, counted: Counted): number {
  const lower = valueAtRank(Math.floor((total + 1) / 2), counted);
  const upper = total % 2 === 1 ? lower : valueAtRank(total / 2 + 1, counted);
  return lower + (upper - lower) / 2;
}

/** The smallest x with atMost(x) ≥ rank: by bisection down to neighbouring doubles. */
function valueAtRank(rank: number, { atMost, low, high }: Counted): number {
  if (atMost(low) >= rank) return low;
  let outside = low;
  let inside = high;
  for (let i = 0; i < 1_100; i++) {
    const middle = outside + (inside - outside) / 2;
    if (middle <= outside || middle >= inside) break;
    if (atMost(middle) >= rank) inside = middle;
    else outside = middle;
  }
  return inside;
}

/** Pairs i ≤ j with (d_i + d_j)/2 ≤ x. */
function countWalsh(sorted: Float64Array, x: number): number {
  let count = 0;
  let i = 0;
  let j = sorted.length - 1;
  while (i <= j) {
    if (((sorted[i] as number) + (sorted[j] as number)) / 2 <= x) {
      count += j - i + 1;
      i += 1;
    } else {
      j -= 1;
    }
  }
  return count;
}

/** Pairs with x_i - y_j ≤ limit. */
function countShift(xs: Float64Array, ys: Float64Array, limit: number): number {
  let count = 0;
  let j = 0;
  for (const x of xs) {
    while (j < ys.length && x - (ys[j] as number) > limit) j += 1;
    count += ys.length - j;
  }
  return count;
}

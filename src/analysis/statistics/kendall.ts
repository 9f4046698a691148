import { requireThat } from './domain.ts';

/**
 * Kendall's τ-b: agreement of two rankings, ties allowed, in [-1, 1].
 *
 * @param x - numbers, no NaN, at least 2
 * @param y - as many
 * @returns NaN where all of x or all of y are tied
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Kendall 1945; Knight 1966, O(n log n) by merge sort.
 */
export function kendallTauB(x: readonly number[], y: readonly number[]): number {
  const n = x.length;
  requireThat(n >= 2 && y.length === n, 'length', y.length, `${n}, and at least 2`);
  for (const value of x) requireThat(!Number.isNaN(value), 'x', value, 'a number');
  for (const value of y) requireThat(!Number.isNaN(value), 'y', value, 'a number');
  const order = x
    .map((_, i) => i)
    .sort((i, j) => compare(at(x, i), at(x, j)) || compare(at(y, i), at(y, j)));
  const xs = order.map((i) => at(x, i));
  const ys = order.map((i) => at(y, i));
  const xTies = tiedPairs(n, (i, j) => xs[i] === xs[j]);
  const bothTies = tiedPairs(n, (i, j) => xs[i] === xs[j] && ys[i] === ys[j]);
  const swaps = countSwaps(Float64Array.from(ys));
  const sorted = Float64Array.from(y).sort();
  const yTies = tiedPairs(n, (i, j) => sorted[i] === sorted[j]);
  const pairs = (n * (n - 1)) / 2;
  const excess = pairs - xTies - yTies + bothTies - 2 * swaps;
  const scale = Math.sqrt(pairs - xTies) * Math.sqrt(pairs - yTies);
  return scale === 0 ? Number.NaN : Math.max(-1, Math.min(1, excess / scale));
}

function at(values: readonly number[], i: number): number {
  return values[i] as number;
}

function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}

/** Pairs within runs of neighbours that are alike. */
function tiedPairs(n: number, alike: (i: number, j: number) => boolean): number {
  let pairs = 0;
  let run = 1;
  for (let i = 1; i <= n; i++) {
    if (i < n && alike(i - 1, i)) run += 1;
    else {
      pairs += (run * (run - 1)) / 2;
      run = 1;
    }
  }
  return pairs;
}

/** Swaps that a bubble sort would need, by a bottom-up merge sort. Sorts the array. */
function countSwaps(values: Float64Array): number {
  let source: Float64Array = values;
  let target: Float64Array = new Float64Array(values.length);
  let swaps = 0;
  for (let width = 1; width < values.length; width *= 2) {
    for (let left = 0; left < values.length; left += 2 * width) {
      swaps += merge(source, target, { left, middle: left + width, right: left + 2 * width });
    }
    [source, target] = [target, source];
  }
  return swaps;
}

function merge(
  source: Float64Array,
  target: Float64Array,
  ends: { readonly left: number; readonly middle: number; readonly right: number },
): number {
  const middle = Math.min(ends.middle, source.length);
  const right = Math.min(ends.right, source.length);
  let swaps = 0;
  let i = ends.left;
  let j = middle;
  for (let k = ends.left; k < right; k++) {
    const takeLeft = i < middle && (j >= right || (source[i] as number) <= (source[j] as number));
    if (takeLeft) {
      target[k] = source[i++] as number;
    } else {
      swaps += middle - i;
      target[k] = source[j++] as number;
    }
  }
  return swaps;
}

import { logBernoulliTwoSided } from './bernoulli-two-sided.ts';
import { requireOpenUnit, requireThat } from './domain.ts';

interface Arm {
  readonly sorted: Float64Array;
  /** ln M of "the quantile is x". */
  readonly logAt: (x: number) => number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Always-valid two-sided p-value of "both sides have the same p-quantile".
 *
 * The product of both sides' martingales, at the common value that suits it best. Each side may be watched at any time.
 *
 * @param first - values, at least 2
 * @param second - values, at least 2
 * @param options.p - quantile in (0, 1)
 * @param options.tOpt - observations a side at which the test is sharpest
 * @param options.alphaOpt - level it is tuned for, 0.05 if left out
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard & Ramdas 2022, "Sequential estimation of quantiles", Thm 5; `quantile_ab_p_value` of confseq.
 */
export function quantileComparison(
  first: readonly number[],
  second: readonly number[],
  options: { readonly p: number; readonly tOpt: number; readonly alphaOpt?: number },
): number {
  requireOpenUnit('p', options.p);
  const one = makeArm(first, options);
  const two = makeArm(second, options);
  const [lower, upper] = one.highest <= two.highest ? [one, two] : [two, one];
  const logAt = (x: number): number => lower.logAt(x) + upper.logAt(x);
  let least = Math.min(logAt(lower.highest), logAt(upper.lowest));
  for (const x of upper.sorted) {
    if (x >= lower.highest && x <= upper.lowest) least = Math.min(least, logAt(x));
  }
  return Math.min(1, Math.exp(-least));
}

function makeArm(
  values: readonly number[],
  { p, tOpt, alphaOpt = 0.05 }: { p: number; tOpt: number; alphaOpt?: number },
): Arm {
  const n = values.length;
  requireThat(n >= 2, 'values.length', n, 'at least 2');
  const sorted = Float64Array.from(values).sort();
  const log = (share: number): number => logBernoulliTwoSided(share * n, n, { p, tOpt, alphaOpt });
  const share = minimizer(log);
  const lowest = sorted[Math.max(0, Math.ceil(share * n) - 1)] as number;
  const highest = sorted[Math.min(n - 1, Math.floor(share * n))] as number;
  const logAt = (x: number): number => {
    if (x < lowest) return log(countBelow(sorted, x, true) / n);
    if (x > highest) return log(countBelow(sorted, x, false) / n);
    return log(share);
  };
  return { sorted, logAt, lowest, highest };
}

/** Where a convex function on [0, 1] is least, to 1e-9. */
function minimizer(f: (x: number) => number): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const left = low + (high - low) / 3;
    const right = high - (high - low) / 3;
    if (f(left) <= f(right)) high = right;
    else low = left;
  }
  return (low + high) / 2;
}

/** How many are below x, or at most x. */
function countBelow(sorted: Float64Array, x: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const value = sorted[middle] as number;
    if (value < x || (orEqual && value === x)) low = middle + 1;
    else high = middle;
  }
  return low;
}

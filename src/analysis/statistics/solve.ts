/** Root finding on monotone functions: bisection on reals and on integers. No derivative, no surprise. */

/**
 * The point of [low, high] where a condition turns: true from `low` on, false from there to `high`.
 *
 * @param holds - monotone: once false, it stays false
 * @returns the largest double found for which it holds, within 1 ulp; `low` where it never holds
 */
export function lastReal(low: number, high: number, holds: (x: number) => boolean): number {
  if (holds(high)) return high;
  let inside = low;
  let outside = high;
  for (let i = 0; i < 200; i++) {
    const middle = inside + (outside - inside) / 2;
    if (middle === inside || middle === outside) break;
    if (holds(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}

/**
 * The smallest integer in [low, high] for which a condition holds, or undefined.
 *
 * @param holds - monotone: once true, it stays true
 */
export function firstInteger(
  low: number,
  high: number,
  holds: (n: number) => boolean,
): number | undefined {
  if (low > high || !holds(high)) return undefined;
  let outside = low - 1;
  let inside = high;
  while (inside - outside > 1) {
    const middle = outside + Math.floor((inside - outside) / 2);
    if (holds(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}

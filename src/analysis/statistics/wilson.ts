import { requireThat } from './domain.ts';
import { normalQuantile } from './normal.ts';

/**
 * Wilson score interval of a proportion, for one look at a fixed n.
 *
 * @param k - count, 0 ≤ k ≤ n
 * @param n - observations, > 0
 * @param alpha - two-sided level in (0, 1)
 * @returns `[lower, upper]` in [0, 1]
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Wilson 1927; Newcombe 1998a, method 3.
 */
export function wilsonInterval(k: number, n: number, alpha: number): readonly [number, number] {
  requireThat(n > 0, 'n', n, 'a number > 0');
  requireThat(k >= 0 && k <= n, 'k', k, `a number in [0, ${n}]`);
  const z = -normalQuantile(alpha / 2);
  const square = z * z;
  const centre = 2 * k + square;
  const half = z * Math.sqrt(square + (4 * k * (n - k)) / n);
  const scale = 2 * (n + square);
  const lower = k === 0 ? 0 : (centre - half) / scale;
  const upper = k === n ? 1 : (centre + half) / scale;
  return [Math.max(0, lower), Math.min(1, upper)];
}

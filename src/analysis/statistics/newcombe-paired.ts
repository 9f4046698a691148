import { type PairedTable, tableSize } from './paired-table.ts';
import { wilsonInterval } from './wilson.ts';

/**
 * Newcombe's interval of a difference of paired proportions, (b - c)/n, for one look at a fixed n.
 *
 * @param table - b counts pairs that only the first has
 * @param alpha - two-sided level in (0, 1)
 * @param corrected - method 10 (φ with a continuity correction, the default) or method 8 (without)
 * @returns `[lower, upper]` in [-1, 1]
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Newcombe 1998b, "Improved confidence intervals for the difference between binomial proportions based on
 * paired data".
 */
export function newcombePairedInterval(
  table: PairedTable,
  alpha: number,
  corrected = true,
): readonly [number, number] {
  const n = tableSize(table);
  const { a, b, c, d } = table;
  const p1 = (a + b) / n;
  const p2 = (a + c) / n;
  const [l1, u1] = wilsonInterval(a + b, n, alpha);
  const [l2, u2] = wilsonInterval(a + c, n, alpha);
  const product = (a + b) * (c + d) * (a + c) * (b + d);
  let excess = a * d - b * c;
  if (corrected && excess > 0) excess = Math.max(excess - n / 2, 0);
  const phi = product === 0 ? 0 : excess / Math.sqrt(product);
  const side = (x: number, y: number): number =>
    Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  const difference = p1 - p2;
  return [difference - side(p1 - l1, u2 - p2), difference + side(u1 - p1, p2 - l2)];
}

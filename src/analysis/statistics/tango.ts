import { normalQuantile } from './normal.ts';
import { type PairedTable, tableSize } from './paired-table.ts';
import { lastReal } from './solve.ts';

/**
 * Tango's score interval of a difference of paired proportions, (b - c)/n, for one look at a fixed n.
 *
 * Non-inferiority within δ holds where the lower end is above -δ.
 *
 * @param table - b counts pairs that only the first has
 * @param alpha - two-sided level in (0, 1)
 * @returns `[lower, upper]` in [-1, 1]
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
 * paired-sample design".
 */
export function tangoInterval(table: PairedTable, alpha: number): readonly [number, number] {
  const n = tableSize(table);
  const { b, c } = table;
  const z = -normalQuantile(alpha / 2);
  const mean = (b - c) / n;
  const lower = mean - lastReal(0, mean + 1, (x) => tangoStatistic(n, b, c, mean - x) <= z);
  const upper = mean + lastReal(0, 1 - mean, (x) => tangoStatistic(n, b, c, mean + x) >= -z);
  return [lower, upper];
}

/** T(D): standard normal where the difference is D. */
function tangoStatistic(n: number, b: number, c: number, difference: number): number {
  const quadratic = 2 * n;
  const linear = -b - c + (2 * n - b + c) * difference;
  const constant = -c * difference * (1 - difference);
  const root = Math.sqrt(Math.max(0, linear * linear - 4 * quadratic * constant));
  const q = (root - linear) / (2 * quadratic);
  const variance = n * (2 * q + difference * (1 - difference));
  const excess = b - c - n * difference;
  if (variance > 0) return excess / Math.sqrt(variance);
  return excess === 0 ? 0 : Math.sign(excess) * Number.POSITIVE_INFINITY;
}

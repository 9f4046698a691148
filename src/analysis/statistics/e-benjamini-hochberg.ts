import { requireOpenUnit, requireThat } from './domain.ts';

/**
 * e-BH: which of K hypotheses are rejected with a false discovery rate of at most alpha, under any dependence.
 *
 * Sorted descending, the k* largest are rejected, k* = max{k : k e_(k)/K ≥ 1/alpha}.
 *
 * @param logs - ln e of each; -Infinity allowed, no NaN
 * @param alpha - false discovery rate in (0, 1)
 * @returns one flag each, in the order given
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Wang & Ramdas 2022, "False discovery rate control with e-values", Thm 2.
 */
export function eBenjaminiHochberg(logs: readonly number[], alpha: number): boolean[] {
  requireOpenUnit('alpha', alpha);
  for (const log of logs) requireThat(!Number.isNaN(log), 'log', log, 'a number');
  const sorted = logs.toSorted((a, b) => b - a);
  const bar = Math.log(logs.length / alpha);
  let least = Number.POSITIVE_INFINITY;
  for (let k = 1; k <= sorted.length; k++) {
    const log = sorted[k - 1] as number;
    if (Math.log(k) + log >= bar) least = log;
  }
  return logs.map((log) => log >= least);
}

import { requireThat } from './domain.ts';

/** The intrinsic scales that a test without a plan averages over, in losses. */
export const UNPLANNED_T_OPT = [1_000, 10_000, 100_000] as const;

/**
 * ln of the mean of test supermartingales, which is one itself: for use without a planned tOpt.
 *
 * @param logs - ln M of each; -Infinity allowed; at least one
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on an empty list
 * Source: the average of supermartingales is a supermartingale; Ville's inequality holds for it.
 */
export function logMean(logs: readonly number[]): number {
  requireThat(logs.length > 0, 'logs.length', logs.length, 'at least one');
  const largest = Math.max(...logs);
  if (!Number.isFinite(largest)) return largest;
  const sum = logs.reduce((total, log) => total + Math.exp(log - largest), 0);
  return largest + Math.log(sum / logs.length);
}

/** Failures of both sides as a paired 2×2 table, with companions for one look at a fixed n. Pure. */
import type { CutState } from '../cut-state.ts';
import type { ExperimentPlan } from '../plan.ts';
import { mcNemarMidP } from '../statistics/mcnemar.ts';
import { newcombePairedInterval } from '../statistics/newcombe-paired.ts';
import { wilsonInterval } from '../statistics/wilson.ts';

export interface FailureTable {
  readonly both: number;
  readonly onlyCandidate: number;
  readonly onlyIncumbent: number;
  readonly neither: number;
  /** Shares of failures, with Wilson's interval: [low, high]. */
  readonly candidate: readonly [number, number];
  readonly incumbent: readonly [number, number];
  /** Candidate's share less the incumbent's: Newcombe's paired interval. */
  readonly difference: readonly [number, number];
  /** Two-sided, McNemar, mid-p. */
  readonly midP: number;
}

/**
 * The loss of `errors` is 1 where the candidate alone failed, -1 where the incumbent alone did, else 0: so its sum is the
 * difference of these counts, and the sum of its squares their total.
 *
 * Of pairs alone: what the breaker kept back counts in the guardrail, and stands with the coverage.
 *
 * @returns `null` where the plan has no such guardrail, or there is no pair
 */
export function pairedFailures(all: CutState, plan: ExperimentPlan): FailureTable | null {
  const index = plan.guardrails.findIndex(({ kind }) => kind === 'errors');
  const totals = all.losses[index]?.totals();
  if (totals === undefined || totals.n === 0) return null;
  const { n, sum, squares } = totals;
  const onlyCandidate = Math.round((squares + sum) / 2);
  const onlyIncumbent = Math.round((squares - sum) / 2);
  const both = all.count('candidateFailures') - onlyCandidate;
  const neither = n - both - onlyCandidate - onlyIncumbent;
  const alpha = plan.alphaPass;
  const table = { a: both, b: onlyCandidate, c: onlyIncumbent, d: neither };
  return {
    both,
    onlyCandidate,
    onlyIncumbent,
    neither,
    candidate: wilsonInterval(both + onlyCandidate, n, alpha),
    incumbent: wilsonInterval(both + onlyIncumbent, n, alpha),
    difference: newcombePairedInterval(table, alpha),
    midP: mcNemarMidP(onlyCandidate, onlyIncumbent),
  };
}

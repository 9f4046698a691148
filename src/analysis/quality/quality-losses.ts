/**
 * The loss of one pair under a guardrail of quality, given its outcome. Pure. Larger is worse for the candidate; NaN:
 * the pair says nothing of it.
 *
 *   recall                     on positives: caught by the incumbent − caught by the candidate
 *   false_positive_rate        on negatives: flagged by the candidate − flagged by the incumbent
 *   brier                      (c − y)² − (s − y)²
 *   log_loss                   ln loss of c − ln loss of s, both clipped to [0.001, 0.999], in units of its range
 *   false_positives_at_recall  on negatives: [c ≥ θ] − (1 − r) · flagged by the incumbent: below 0 in the mean where
 *                              the candidate has at least the share r fewer false positives
 *   recall_at_threshold        on positives: caught by the incumbent − [c ≥ θ]
 *
 * All lie in [-1, 1]. A candidate without an answer takes 1. Source: docs/statistics.md, "Quality".
 */
import { brierLoss } from '../statistics/calibration.ts';
import type { OutcomeRow } from './outcome-row.ts';
import { AT_THRESHOLD, type QualityKind } from './quality-plan.ts';

const CLIP = 0.001;
/** Largest difference of two clipped logarithmic losses, in nats. */
export const LOG_LOSS_RANGE: number = Math.log((1 - CLIP) / CLIP);

export interface LossContext {
  /** The candidate's threshold, a share of the score range; `null`: not chosen yet. */
  readonly threshold: number | null;
  /** r, the share of false positives that is to be saved. */
  readonly fewerFalsePositives: number;
}

export function qualityLoss(
  kind: QualityKind,
  row: OutcomeRow,
  of: LossContext & { readonly positive: boolean },
): number {
  const { positive, threshold, fewerFalsePositives } = of;
  const isCaught = kind === 'recall' || kind === 'recall_at_threshold';
  const isFalseAlarm = kind === 'false_positive_rate' || kind === 'false_positives_at_recall';
  if ((isCaught && !positive) || (isFalseAlarm && positive)) return Number.NaN;
  if (AT_THRESHOLD.has(kind) && (threshold === null || row.calibrates)) return Number.NaN;
  if (row.candidateFailed) return 1;
  const ours = Number(row.incumbentFlagged);
  const flaggedAt = Number(row.candidateScore >= (threshold ?? Number.POSITIVE_INFINITY));
  switch (kind) {
    case 'recall':
      return ours - Number(row.candidateFlagged);
    case 'false_positive_rate':
      return Number(row.candidateFlagged) - ours;
    case 'recall_at_threshold':
      return ours - flaggedAt;
    case 'false_positives_at_recall':
      return flaggedAt - (1 - fewerFalsePositives) * ours;
    case 'brier':
      return hasScores(row)
        ? brierLoss(row.incumbentScore, row.candidateScore, positive)
        : Number.NaN;
    case 'log_loss':
      return hasScores(row)
        ? (logLoss(row.candidateScore, positive) - logLoss(row.incumbentScore, positive)) /
            LOG_LOSS_RANGE
        : Number.NaN;
  }
}

/** −ln of the probability of what happened, clipped, in nats. */
export function logLoss(probability: number, positive: boolean): number {
  const p = Math.min(1 - CLIP, Math.max(CLIP, probability));
  return -Math.log(positive ? p : 1 - p);
}

function hasScores({ incumbentScore, candidateScore }: OutcomeRow): boolean {
  return !Number.isNaN(incumbentScore) && !Number.isNaN(candidateScore);
}

/**
 * The loss of a pair whose outcome is not known, at its worst and at its best for the candidate: NaN where being left
 * out is worse (better) than either outcome.
 */
export function boundLosses(
  { kind, margin }: { readonly kind: QualityKind; readonly margin: number },
  row: OutcomeRow,
  of: LossContext,
): { readonly worst: number; readonly best: number } {
  const either = [true, false].map((positive) => qualityLoss(kind, row, { ...of, positive }));
  const known = either.filter((loss) => !Number.isNaN(loss));
  const mayBeOut = known.length < either.length;
  const worst = known.length === 0 ? Number.NaN : Math.max(...known);
  const best = known.length === 0 ? Number.NaN : Math.min(...known);
  return {
    worst: mayBeOut && worst <= margin ? Number.NaN : worst,
    best: mayBeOut && best >= margin ? Number.NaN : best,
  };
}

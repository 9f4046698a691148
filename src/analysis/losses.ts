/**
 * The losses of one pair under a plan's guardrails. Pure.
 *
 * A leg without an answer takes the worst value of each guardrail. A pair whose incumbent failed says nothing
 * of differences and counts for errors alone. A pair with a flag says nothing of latency.
 */
import type { Observation, Pair, Prediction } from '../pair/pair.ts';
import type { ExperimentPlan, GuardrailKind } from './plan.ts';

/** What one pair says. */
export interface PairLosses {
  /** One a guardrail of the plan, in its order; NaN: the pair says nothing of it. */
  readonly losses: readonly number[];
  /** How the candidate broke the output contract; empty: it did not. */
  readonly violation: string;
}

/** A side that gave no usable answer: nothing at all, or a status that says so. */
export function isFailed({ status }: Observation): boolean {
  return status === undefined || status >= 400;
}

export function lossesOf(pair: Pair, plan: ExperimentPlan): PairLosses {
  const violation = violationOf(pair, plan.scoreRange);
  const losses = plan.guardrails.map(({ kind }) => lossOf(kind, { pair, plan, violation }));
  return { losses, violation };
}

interface Case {
  readonly pair: Pair;
  readonly plan: ExperimentPlan;
  readonly violation: string;
}

function lossOf(kind: GuardrailKind, { pair, plan, violation }: Case): number {
  const { incumbent, candidate } = pair;
  switch (kind) {
    case 'errors':
      return Number(isFailed(candidate)) - Number(isFailed(incumbent));
    case 'latency_over_objective':
    case 'latency_slower':
      return latencyLoss(kind, pair, plan);
    default:
      break;
  }
  if (isFailed(incumbent) || incumbent.error !== undefined) return Number.NaN;
  if (kind === 'contract') return violation === '' ? 0 : 1;
  if (isFailed(candidate) || candidate.error !== undefined) return 1;
  return differenceLoss(kind, pair, plan);
}

/**
 * The worst value of a difference is 1; a batch counts as one request, its loss the mean over its predictions.
 * NaN where the answers have nothing of the kind to compare.
 */
function differenceLoss(kind: GuardrailKind, pair: Pair, plan: ExperimentPlan): number {
  const ours = pair.incumbent.predictions;
  const theirs = pair.candidate.predictions;
  if (ours.length !== theirs.length) return 1;
  if (kind === 'outside_tolerance') {
    return ours.length === 0 ? Number.NaN : pair.divergence.outside_tolerance / ours.length;
  }
  const [low, high] = plan.scoreRange;
  const read =
    kind === 'label_flips'
      ? flipOf
      : (a: Prediction, b: Prediction) => signed(kind, scoreDifference(a, b) / (high - low));
  let sum = 0;
  let compared = 0;
  for (const [i, our] of ours.entries()) {
    const loss = read(our, theirs[i] ?? {});
    if (Number.isNaN(loss)) continue;
    sum += loss;
    compared += 1;
  }
  return compared === 0 ? Number.NaN : sum / compared;
}

function flipOf(ours: Prediction, theirs: Prediction): number {
  if (ours.label === undefined) return Number.NaN;
  return String(ours.label) === String(theirs.label) ? 0 : 1;
}

/** Candidate − incumbent; NaN where either has no score. */
export function scoreDifference(ours: Prediction, theirs: Prediction): number {
  return (theirs.score ?? Number.NaN) - (ours.score ?? Number.NaN);
}

function signed(kind: GuardrailKind, difference: number): number {
  const clipped = Math.max(-1, Math.min(1, difference));
  if (kind === 'score_bias_up') return clipped;
  return kind === 'score_bias_down' ? -clipped : Math.abs(clipped);
}

function latencyLoss(kind: GuardrailKind, pair: Pair, plan: ExperimentPlan): number {
  const ours = pair.incumbent.latency_ms;
  if (pair.flags.length > 0 || isFailed(pair.incumbent) || ours === undefined) return Number.NaN;
  // No answer is slower than any answer; an error that came in time is judged as an error.
  const theirs = pair.candidate.latency_ms ?? Number.POSITIVE_INFINITY;
  if (kind === 'latency_slower') return Number(theirs > ours + plan.slowerByMs);
  return Number(theirs > plan.objectiveMs) - Number(ours > plan.objectiveMs);
}

/** @returns the first violation by a candidate that answered a request which the incumbent answered well */
function violationOf(pair: Pair, [low, high]: readonly [number, number]): string {
  const { incumbent, candidate, divergence } = pair;
  if (isFailed(incumbent) || incumbent.error !== undefined || isFailed(candidate)) return '';
  if (candidate.error !== undefined) return candidate.error;
  const field = divergence.fields[0];
  if (field !== undefined) return field;
  const isOutside = ({ score }: Prediction): boolean =>
    score !== undefined && (score < low || score > high);
  return candidate.predictions.some(isOutside) ? 'score_out_of_range' : '';
}

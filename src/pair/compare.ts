/**
 * Compares the predictions of two answers, position by position. Pure.
 */
import type { Divergence, Observation, Prediction } from './pair.ts';

/** The contract differences a divergence may name, in this order. A bounded set. */
export const DIVERGENCE_FIELDS = ['length', 'type', 'missing'] as const;
type DivergenceField = (typeof DIVERGENCE_FIELDS)[number];

interface Tally {
  compared: number;
  deltaMax: number;
  outside: number;
  flips: number;
  readonly fields: Set<DivergenceField>;
}

/**
 * How the candidate's predictions differ from the incumbent's.
 *
 * - `length`: batches of different length; the common positions are compared all the same
 * - `type`: labels of different JSON types; a flip only where their texts differ as well
 * - `missing`: a score or label that one side alone has
 *
 * @param tolerance - scores further apart than this (absolute) are outside it, ≥ 0
 */
export function comparePredictions(
  incumbent: readonly Prediction[],
  candidate: readonly Prediction[],
  tolerance: number,
): Divergence {
  const tally: Tally = { compared: 0, deltaMax: 0, outside: 0, flips: 0, fields: new Set() };
  if (incumbent.length !== candidate.length) tally.fields.add('length');
  const common = Math.min(incumbent.length, candidate.length);
  for (let i = 0; i < common; i++) {
    const ours = incumbent[i];
    const theirs = candidate[i];
    if (ours === undefined || theirs === undefined) continue;
    compareScores(ours.score, theirs.score, tolerance, tally);
    compareLabels(ours.label, theirs.label, tally);
  }
  const rest = {
    label_flips: tally.flips,
    outside_tolerance: tally.outside,
    fields: DIVERGENCE_FIELDS.filter((field) => tally.fields.has(field)),
  };
  return tally.compared === 0 ? rest : { score_delta_max: tally.deltaMax, ...rest };
}

/** The divergence of a pair: empty where one side has no answer, since nothing was compared. */
export function compareObservations(
  incumbent: Observation,
  candidate: Observation,
  tolerance: number,
): Divergence {
  if (incumbent.status === undefined || candidate.status === undefined) {
    return { label_flips: 0, outside_tolerance: 0, fields: [] };
  }
  return comparePredictions(incumbent.predictions, candidate.predictions, tolerance);
}

function compareScores(
  ours: number | undefined,
  theirs: number | undefined,
  tolerance: number,
  tally: Tally,
): void {
  if (ours === undefined || theirs === undefined) {
    if (ours !== theirs) tally.fields.add('missing');
    return;
  }
  const delta = toFinite(theirs - ours);
  tally.compared += 1;
  if (Math.abs(delta) > Math.abs(tally.deltaMax)) tally.deltaMax = delta;
  if (Math.abs(delta) > tolerance) tally.outside += 1;
}

function compareLabels(ours: Prediction['label'], theirs: Prediction['label'], tally: Tally): void {
  if (ours === undefined || theirs === undefined) {
    if (ours !== theirs) tally.fields.add('missing');
    return;
  }
  if (typeof ours !== typeof theirs) tally.fields.add('type');
  if (String(ours) !== String(theirs)) tally.flips += 1;
}

/** The difference of two finite doubles can overflow, and JSON has no infinity. */
function toFinite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

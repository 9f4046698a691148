/**
 * Compares the predictions of two answers: position by position, or by id where predictions have one. Pure.
 */
import { differenceOf } from './decimal.ts';
import type { Divergence, Observation, Prediction } from './pair.ts';

/** The contract differences a divergence may name, in this order. A bounded set. */
export const DIVERGENCE_FIELDS = [
  'length',
  'unmatched',
  'duplicate_id',
  'type',
  'missing',
  'classes',
] as const;
export type DivergenceField = (typeof DIVERGENCE_FIELDS)[number];

/** Scores are outside it where |candidate − incumbent| > max(absolute, relative × the larger magnitude). */
export interface Tolerance {
  /** ≥ 0 */
  readonly absolute: number;
  /** ≥ 0; 0.01 is one per cent. */
  readonly relative: number;
}

/** One side's predictions, with what their doubles do not hold. */
export interface PredictedSide {
  readonly predictions: readonly Prediction[];
  /** By position: the score as it was written, where its double may differ from it. */
  readonly exactScores?: ReadonlyMap<number, string>;
}

interface Tally {
  compared: number;
  deltaMax: number;
  outside: number;
  flips: number;
  classesCompared: number;
  classDeltaMax: number;
  readonly fields: Set<DivergenceField>;
}

/**
 * How the candidate's predictions differ from the incumbent's.
 *
 * - `length`: batches of different length; what can be matched is compared all the same
 * - `unmatched`: an id that one side alone has; `duplicate_id`: one that a side has twice (the first counts)
 * - `type`: labels of different JSON types; a flip only where their texts differ as well
 * - `missing`: a score, label or list of classes that one side alone has
 * - `classes`: other classes
 */
export function comparePredictions(
  incumbent: PredictedSide,
  candidate: PredictedSide,
  tolerance: Tolerance,
): Divergence {
  const tally: Tally = {
    compared: 0,
    deltaMax: 0,
    outside: 0,
    flips: 0,
    classesCompared: 0,
    classDeltaMax: 0,
    fields: new Set(),
  };
  if (incumbent.predictions.length !== candidate.predictions.length) tally.fields.add('length');
  const compare: ComparePositions = (i, j) =>
    comparePositions(incumbent, candidate, { i, j, tolerance, tally });
  if (hasId(incumbent.predictions) || hasId(candidate.predictions)) {
    matchById(incumbent.predictions, candidate.predictions, { compare, tally });
  } else {
    const common = Math.min(incumbent.predictions.length, candidate.predictions.length);
    for (let i = 0; i < common; i++) compare(i, i);
  }
  return {
    ...(tally.compared === 0 ? {} : { score_delta_max: tally.deltaMax }),
    ...(tally.classesCompared === 0 ? {} : { class_delta_max: tally.classDeltaMax }),
    label_flips: tally.flips,
    outside_tolerance: tally.outside,
    fields:
      tally.fields.size === 0 ? [] : DIVERGENCE_FIELDS.filter((field) => tally.fields.has(field)),
  };
}

/** The divergence of a pair: empty where one side has no answer, since nothing was compared. */
export function compareObservations(
  incumbent: Observation & Pick<PredictedSide, 'exactScores'>,
  candidate: Observation & Pick<PredictedSide, 'exactScores'>,
  tolerance: Tolerance,
): Divergence {
  if (incumbent.status === undefined || candidate.status === undefined) {
    return { label_flips: 0, outside_tolerance: 0, fields: [] };
  }
  return comparePredictions(incumbent, candidate, tolerance);
}

type ComparePositions = (i: number, j: number) => void;

function comparePositions(
  incumbent: PredictedSide,
  candidate: PredictedSide,
  at: {
    readonly i: number;
    readonly j: number;
    readonly tolerance: Tolerance;
    readonly tally: Tally;
  },
): void {
  const { i, j, tolerance, tally } = at;
  const ours = incumbent.predictions[i];
  const theirs = candidate.predictions[j];
  if (ours === undefined || theirs === undefined) return;
  compareScores(
    { value: ours.score, text: incumbent.exactScores?.get(i) },
    { value: theirs.score, text: candidate.exactScores?.get(j) },
    { tolerance, tally },
  );
  compareLabels(ours.label, theirs.label, tally);
  if (ours.classes !== undefined || theirs.classes !== undefined) {
    compareClasses(ours.classes, theirs.classes, tally);
  }
}

/** Predictions are matched by id as soon as one has one. */
function hasId(predictions: readonly Prediction[]): boolean {
  for (const { id } of predictions) if (id !== undefined) return true;
  return false;
}

function matchById(
  incumbent: readonly Prediction[],
  candidate: readonly Prediction[],
  { compare, tally }: { readonly compare: ComparePositions; readonly tally: Tally },
): void {
  const ours = indexById(incumbent, tally);
  const theirs = indexById(candidate, tally);
  let matched = 0;
  for (const [id, i] of ours) {
    const j = theirs.get(id);
    if (j === undefined) continue;
    matched += 1;
    compare(i, j);
  }
  if (matched < ours.size || matched < theirs.size) tally.fields.add('unmatched');
}

function indexById(predictions: readonly Prediction[], tally: Tally): Map<string, number> {
  const index = new Map<string, number>();
  for (const [i, { id }] of predictions.entries()) {
    if (id === undefined) continue; // its side has the error id_missing
    if (index.has(id)) tally.fields.add('duplicate_id');
    else index.set(id, i);
  }
  return index;
}

interface Score {
  readonly value: number | undefined;
  readonly text: string | undefined;
}

function compareScores(
  ours: Score,
  theirs: Score,
  { tolerance, tally }: { readonly tolerance: Tolerance; readonly tally: Tally },
): void {
  if (ours.value === undefined || theirs.value === undefined) {
    if (ours.value !== theirs.value) tally.fields.add('missing');
    return;
  }
  const isExact = ours.text !== undefined || theirs.text !== undefined;
  const delta = toFinite(
    isExact
      ? differenceOf(theirs.text ?? String(theirs.value), ours.text ?? String(ours.value))
      : theirs.value - ours.value,
  );
  tally.compared += 1;
  if (Math.abs(delta) > Math.abs(tally.deltaMax)) tally.deltaMax = delta;
  const magnitude = Math.max(Math.abs(ours.value), Math.abs(theirs.value));
  const allowed = Math.max(tolerance.absolute, tolerance.relative * magnitude);
  if (Math.abs(delta) > allowed) tally.outside += 1;
}

function compareLabels(ours: Prediction['label'], theirs: Prediction['label'], tally: Tally): void {
  if (ours === undefined || theirs === undefined) {
    if (ours !== theirs) tally.fields.add('missing');
    return;
  }
  if (typeof ours !== typeof theirs) tally.fields.add('type');
  if (String(ours) !== String(theirs)) tally.flips += 1;
}

function compareClasses(
  ours: Prediction['classes'],
  theirs: Prediction['classes'],
  tally: Tally,
): void {
  if (ours === undefined || theirs === undefined) {
    tally.fields.add('missing');
    return;
  }
  const [left, right] = [new Map(Object.entries(ours)), new Map(Object.entries(theirs))];
  if (left.size !== right.size) tally.fields.add('classes');
  for (const [name, value] of left) {
    const other = right.get(name);
    if (other === undefined) {
      tally.fields.add('classes');
      continue;
    }
    const delta = toFinite(other - value);
    tally.classesCompared += 1;
    if (Math.abs(delta) > Math.abs(tally.classDeltaMax)) tally.classDeltaMax = delta;
  }
}

/** The difference of two finite doubles can overflow, and JSON has no infinity. */
function toFinite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

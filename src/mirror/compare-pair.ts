/** Compares the two answers of a pair as its route says: predictions, and where it asks for it the documents. */
import { LIMITS } from '../config/defaults.ts';
import type { RouteConfig } from '../config/types.ts';
import { compareObservations, type Tolerance } from '../pair/compare.ts';
import type { CandidateObservation, Divergence, Observation } from '../pair/pair.ts';
import {
  compileIgnore,
  compileNames,
  diffStructure,
  ExactNumber,
  type Ignore,
  type PlaceNames,
} from '../pair/structure-diff.ts';
import { parseJsonExactly } from '../prediction/parse-json.ts';

/** One side's outcome, with what a pair does not carry. */
export interface Observed<T extends Observation = Observation> {
  readonly observation: T;
  readonly exactScores: ReadonlyMap<number, string> | undefined;
  /** The answer's text; `null` where nothing was read of it, or the route does not compare documents. */
  readonly text: string | null;
}

export interface CompiledCompare {
  readonly tolerance: Tolerance;
  /** What is left out of documents, and which names; `null`: documents are not compared. */
  readonly structure: { readonly ignore: Ignore; readonly names: PlaceNames } | null;
}

/** @param tolerance - where the route names none, ≥ 0 */
export function compileCompare(
  { compare, redact }: Pick<RouteConfig, 'compare' | 'redact'>,
  tolerance: number,
): CompiledCompare {
  const hidden = redact.answers.map(({ pointer }) => pointer);
  // Such a candidate has values that no record may have, and can answer with them as names.
  const hidesNew = redact.request.some(({ from }) => from === 'record');
  return {
    tolerance: {
      absolute: compare.tolerance ?? tolerance,
      relative: compare.relativeTolerance,
    },
    structure: compare.structure
      ? { ignore: compileIgnore(compare.ignore), names: compileNames(hidden, hidesNew) }
      : null,
  };
}

export function comparePair(
  incumbent: Observed,
  candidate: Observed<CandidateObservation>,
  { tolerance, structure }: CompiledCompare,
): Divergence {
  const divergence = compareObservations(withExact(incumbent), withExact(candidate), tolerance);
  if (structure === null || incumbent.text === null || candidate.text === null) return divergence;
  const ours = parse(incumbent.text);
  const theirs = parse(candidate.text);
  if (ours === undefined || theirs === undefined) return divergence;
  const { differences, isCut } = diffStructure(ours, theirs, {
    ...structure,
    tolerance: tolerance.absolute,
    limits: {
      maxDifferences: LIMITS.structureDifferences,
      maxNodes: LIMITS.structureNodes,
      maxCharacters: LIMITS.structureCharacters,
    },
  });
  const cut = isCut ? { structure_cut: true as const } : {};
  return { ...divergence, structure: differences, ...cut };
}

function withExact({ observation, exactScores }: Observed) {
  return exactScores === undefined ? observation : { ...observation, exactScores };
}

function parse(text: string): unknown {
  return parseJsonExactly(text, (source) => new ExactNumber(source));
}

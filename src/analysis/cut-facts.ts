/** What one pair adds to a state at a cut: computed once, added to each of its segments. Pure. */
import type { Observation, Pair } from '../pair/pair.ts';
import type { CutCount } from './cut-state.ts';
import { isFailed, type PairLosses } from './losses.ts';
import { squareUnits, toFixedPoint } from './sketches/fixed-point.ts';

export interface CutFacts {
  readonly counts: readonly CutCount[];
  /** `incumbent:6.2`, `candidate:7.0`. */
  readonly versions: readonly string[];
  /** Empty: none. */
  readonly violation: string;
  /** Losses in units of 2⁻⁴⁰, one a guardrail, and their squares; NaN: the pair says nothing of it. */
  readonly units: readonly number[];
  readonly squares: readonly number[];
}

const NOTHING: readonly [] = [];
const WARM_UP: CutFacts = {
  counts: ['warmUp'],
  versions: NOTHING,
  violation: '',
  units: NOTHING,
  squares: NOTHING,
};

export function toCutFacts(pair: Pair, { losses, violation }: PairLosses): CutFacts {
  const { incumbent, candidate, selection, flags } = pair;
  if (flags.includes('warm_up')) return WARM_UP;
  const counts: CutCount[] = ['pairs'];
  const versions: string[] = [];
  if (isFailed(incumbent)) counts.push('incumbentFailures');
  else noteVersion(incumbent, 'incumbent:', { counts, versions });
  if (isFailed(candidate)) counts.push('candidateFailures');
  else noteVersion(candidate, 'candidate:', { counts, versions });
  if (flags.length > 0) counts.push('latencyLeftOut');
  if (!(selection.u < selection.probability)) counts.push('selectionMismatches');
  if (violation !== '') counts.push('violations');
  const units = losses.map((loss) => (Number.isNaN(loss) ? loss : toFixedPoint(loss)));
  const squares = units.map((each) => (Number.isNaN(each) ? each : squareUnits(each)));
  return { counts, versions, violation, units, squares };
}

function noteVersion(
  { model_version, error }: Observation,
  side: string,
  to: { readonly counts: CutCount[]; readonly versions: string[] },
): void {
  if (model_version !== undefined) to.versions.push(side + model_version);
  // An answer that cannot be read is judged by the contract: it need not say its version.
  else if (error === undefined) to.counts.push('versionsMissing');
}

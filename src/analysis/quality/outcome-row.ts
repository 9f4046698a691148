/** What is kept of a pair until its outcome is known. Pure. */
import type { Pair } from '../../pair/pair.ts';
import { isFailed } from '../losses.ts';
import { sampleRank } from '../sketches/bottom-k.ts';
import type { QualityPlan } from './quality-plan.ts';

/** A pair of one prediction that waits for its outcome. */
export interface OutcomeRow {
  /** Of the pair. */
  readonly id: string;
  /** Where its outcome attaches: the pair's `join`, else the id of its exchange. */
  readonly key: string;
  /** `EPOCH.SEQ`: outcomes may be given by it, too. */
  readonly exchange: string;
  /** Unix ms. */
  readonly timeMs: number;
  /** In [0, 1], a share of the score range; NaN: none. */
  readonly incumbentScore: number;
  readonly candidateScore: number;
  readonly incumbentFlagged: boolean;
  readonly candidateFlagged: boolean;
  /** The candidate gave no usable answer: it takes the worst value of each guardrail. */
  readonly candidateFailed: boolean;
  /** Its key is one of those that choose the threshold. */
  readonly calibrates: boolean;
}

/** 2^52: ranks lie below. */
const RANKS = 2 ** 52;

/**
 * @returns `null` for a pair of which no outcome can be judged: of the warm-up, with a failed incumbent, or with
 *   several predictions
 */
export function toOutcomeRow(
  pair: Pair,
  plan: QualityPlan,
  [low, high]: readonly [number, number],
): OutcomeRow | null {
  const { incumbent, candidate, flags } = pair;
  if (flags.includes('warm_up') || isFailed(incumbent) || incumbent.error !== undefined)
    return null;
  const [ours] = incumbent.predictions;
  if (ours === undefined || incumbent.predictions.length !== 1) return null;
  const theirs = candidate.predictions[0];
  const candidateFailed =
    isFailed(candidate) ||
    candidate.error !== undefined ||
    theirs === undefined ||
    candidate.predictions.length !== 1;
  const exchange = `${pair.epoch}.${pair.seq}`;
  // An entity stays on one side: its selection key; where each exchange has its own, what its outcome attaches to.
  const splitKey = pair.key === exchange ? (pair.join ?? exchange) : pair.key;
  const toShare = (score: number | undefined): number =>
    score === undefined ? Number.NaN : Math.min(1, Math.max(0, (score - low) / (high - low)));
  return {
    id: pair.id,
    key: pair.join ?? exchange,
    exchange,
    timeMs: Date.parse(pair.time),
    incumbentScore: toShare(ours.score),
    candidateScore: candidateFailed ? Number.NaN : toShare(theirs.score),
    incumbentFlagged: String(ours.label) === plan.positive,
    candidateFlagged: !candidateFailed && String(theirs.label) === plan.positive,
    candidateFailed,
    calibrates: sampleRank(`calibration ${splitKey}`) < plan.calibrationShare * RANKS,
  };
}

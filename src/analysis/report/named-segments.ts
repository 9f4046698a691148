/** Each named segment beside all pairs: how much of the traffic it is, and how it differs. Pure. */
import type { Analysis } from '../analysis.ts';
import type { SegmentState } from '../segment-state.ts';

export interface SegmentDetails {
  /** Empty: all pairs. */
  readonly name: string;
  /** What a pair of it has captured; both empty for all. */
  readonly pointer: string;
  readonly value: string;
  /** To the last closed cut, outside the warm-up. */
  readonly pairs: number;
  /** Of all pairs; `null`: there are none. */
  readonly share: number | null;
  /** Share of its labels that differ; `null`: no labels. */
  readonly flips: number | null;
  /** Median of |candidate − incumbent|, and its 95 % quantile, as shares of the score range; `null`: no scores. */
  readonly differenceP50: number | null;
  readonly differenceP95: number | null;
  /** p95 of latency, ms; `null`: no pairs with both. */
  readonly incumbentP95Ms: number | null;
  readonly candidateP95Ms: number | null;
}

/** All pairs first. @param untilMs - last closed cut, Unix ms */
export function segmentDetails(analysis: Analysis, untilMs: number): SegmentDetails[] {
  const { plan, segments } = analysis;
  const all = { name: '', pointer: '', value: '' };
  const total = analysis.upTo('', untilMs).count('pairs');
  return [all, ...plan.segments].map(({ name, pointer, value }): SegmentDetails => {
    const key = name === '' ? '' : `named:${name}`;
    const pairs = name === '' ? total : analysis.upTo(key, untilMs).count('pairs');
    const share = total === 0 ? null : pairs / total;
    return { name, pointer, value, pairs, share, ...detailsOf(segments.get(key)) };
  });
}

type Details = Omit<SegmentDetails, 'name' | 'pointer' | 'value' | 'pairs' | 'share'>;

function detailsOf(state: SegmentState | undefined): Details {
  const { differences, incumbentMs, candidateMs } = state ?? {};
  return {
    flips: state === undefined ? null : flipsOf(state),
    differenceP50: orNull(differences?.absoluteQuantile(0.5)),
    differenceP95: orNull(differences?.absoluteQuantile(0.95)),
    incumbentP95Ms: orNull(incumbentMs?.quantile(0.95)),
    candidateP95Ms: orNull(candidateMs?.quantile(0.95)),
  };
}

/** Couples beyond those that are kept apart are not known to differ: they count as equal. */
function flipsOf({ labels }: SegmentState): number | null {
  let [all, differing] = [0, 0];
  for (const [couple, count] of labels) {
    all += count;
    if (couple === '') continue;
    const [ours, theirs]: string[] = JSON.parse(couple);
    if (ours !== theirs) differing += count;
  }
  return all === 0 ? null : differing / all;
}

function orNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

/**
 * Verdicts in the order of their cuts, and what became of the first PASS: it is recorded, and later contrary
 * evidence withdraws it visibly. Pure: the same cuts give the same history.
 */
import type { CutVerdict } from './verdict.ts';

/** What has become of the first PASS at a later cut. */
export type Standing =
  /** All guardrails are at their bars still. */
  | 'held'
  /** Some are below it now; the claim made at the cut of the PASS stands. */
  | 'lapsed'
  /** FAIL, INVALID, an alarm of the last window, or a mean above its margin: it stands no more. */
  | 'withdrawn';

export interface History {
  readonly cuts: readonly CutVerdict[];
  readonly firstPass: CutVerdict | null;
  /** At the last cut; `null` without a PASS. Once withdrawn it stays so. */
  readonly standing: Standing | null;
  /** The cut that withdrew it. */
  readonly withdrawnBy: CutVerdict | null;
  /** FAIL is final for an experiment. */
  readonly firstFail: CutVerdict | null;
}

/** @param cuts - in the order of event time */
export function toHistory(cuts: readonly CutVerdict[]): History {
  const firstFail = cuts.find(({ verdict }) => verdict === 'FAIL') ?? null;
  const firstPass = cuts.find(({ verdict }) => verdict === 'PASS') ?? null;
  const isPassFirst =
    firstPass !== null && (firstFail === null || firstPass.cutMs < firstFail.cutMs);
  if (!isPassFirst) return { cuts, firstPass: null, standing: null, withdrawnBy: null, firstFail };
  const later = cuts.filter(({ cutMs }) => cutMs > firstPass.cutMs);
  const withdrawnBy = later.find(isContrary) ?? null;
  const last = later.at(-1);
  const standing =
    withdrawnBy !== null
      ? 'withdrawn'
      : last === undefined || last.assessments.every(({ state }) => state === 'pass')
        ? 'held'
        : 'lapsed';
  return { cuts, firstPass, standing, withdrawnBy, firstFail };
}

function isContrary({ verdict, gates, assessments }: CutVerdict): boolean {
  return (
    verdict === 'FAIL' ||
    verdict === 'INVALID' ||
    gates.some(({ reason }) => reason === 'recent_window') ||
    assessments.some(({ mean, margin }) => mean > margin)
  );
}

/** When and where the candidate differs: over time, and in discovered segments. Pure. */
import { GUARDRAIL_KINDS } from '../plan.ts';
import { count, number, range, when } from './numbers.ts';
import type { ReportModel } from './report-model.ts';
import { type Section, SHOWS, tablesOf } from './section.ts';

/** The last moment of each guardrail; a plot shows the others. */
export function timeSection({ overTime }: ReportModel): Section {
  const last = GUARDRAIL_KINDS.flatMap(
    (kind) => overTime.findLast((p) => p.guardrail === kind) ?? [],
  );
  return {
    id: 'time',
    title: 'Divergence over time',
    anchor: 'files-showing',
    notes: ['The band holds at every moment at once: one may look as often as one likes.'],
    tables: tablesOf({
      head: ['mean loss', 'up to', 'pairs', 'mean', 'band', 'since the moment before'],
      rows: last.map(({ guardrail, atMs, n, mean, band: of, lately }) => [
        guardrail,
        when(atMs),
        count(n),
        number(mean),
        range(of, number),
        lately === null ? '–' : number(lately),
      ]),
    }),
  };
}

export function segmentSection({ alarms, plan }: ReportModel): Section {
  const watched =
    plan.discover.length === 0 ? 'No pointer is watched.' : `Watched: ${plan.discover.join(', ')}.`;
  const found =
    alarms.length === 0
      ? 'No segment is beyond its margin.'
      : 'Worst first: pairs times lower bound.';
  return {
    id: 'segments',
    title: 'Discovered segments',
    anchor: SHOWS,
    notes: [`${watched} ${plan.discover.length === 0 ? '' : found} Alarms, never a verdict.`],
    tables: tablesOf({
      head: ['pointer', 'bucket of values', 'guardrail', 'pairs', 'mean', 'at least', 'margin'],
      rows: alarms.map(({ pointer, bucket, guardrail, n, mean, low, margin }) => [
        pointer,
        `${bucket} of 256`,
        guardrail,
        count(n),
        number(mean),
        number(low),
        number(margin),
      ]),
    }),
  };
}

/** When and where the candidate differs: over time, and in which segments, in which pairs. Pure. */
import { GUARDRAIL_KINDS } from '../plan.ts';
import type { Alarm } from './alarms.ts';
import type { SegmentDetails } from './named-segments.ts';
import { count, ms, number, percent, range, when } from './numbers.ts';
import type { ReportModel } from './report-model.ts';
import { type Section, SHOWS, tablesOf } from './section.ts';

/** Of a discovered segment. */
const VALUES_SHOWN = 5;

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

export function segmentSection({ alarms, plan, segments }: ReportModel): Section {
  const watched =
    plan.discover.length === 0 ? 'No pointer is watched.' : `Watched: ${plan.discover.join(', ')}.`;
  const found =
    alarms.length === 0
      ? 'No segment is beyond its margin.'
      : 'Worst first: pairs times lower bound.';
  const discovered = `${watched} ${plan.discover.length === 0 ? '' : found}`;
  return {
    id: 'segments',
    title: 'Segments',
    anchor: SHOWS,
    notes: [
      `Named segments are guardrails. Discovered ones are alarms, never a verdict. ${discovered}`,
    ],
    tables: tablesOf(
      {
        head: [
          ...['segment', 'pairs', 'of all', 'flips', '|difference| p50, p95'],
          ...['incumbent p95', 'candidate p95'],
        ],
        rows: plan.segments.length === 0 ? [] : segments.map(toSegmentRow),
      },
      {
        head: ['discovered', 'values', 'guardrail', 'pairs', 'mean', 'at least', 'margin'],
        rows: alarms.map((alarm) => [
          `${alarm.pointer}, bucket ${alarm.bucket} of 256`,
          valuesOf(alarm),
          alarm.guardrail,
          count(alarm.n),
          number(alarm.mean),
          number(alarm.low),
          number(alarm.margin),
        ]),
      },
    ),
  };
}

function toSegmentRow(details: SegmentDetails): string[] {
  const { name, pointer, value, pairs, share, flips } = details;
  const told = (of: number | null, as: (value: number) => string): string =>
    of === null ? '–' : as(of);
  return [
    name === '' ? 'all' : `${name} (${pointer} = ${value})`,
    count(pairs),
    told(share, percent),
    told(flips, percent),
    `${told(details.differenceP50, number)}, ${told(details.differenceP95, number)}`,
    told(details.incumbentP95Ms, ms),
    told(details.candidateP95Ms, ms),
  ];
}

/** The most frequent ones; a bucket of very many values is none that a name helps with. */
function valuesOf({ values, otherPairs }: Alarm): string {
  const shown = values.toSorted((a, b) => b.pairs - a.pairs).slice(0, VALUES_SHOWN);
  const names = shown.map(
    ({ value, pairs }) => `${value === '' ? '(none)' : value} (${count(pairs)})`,
  );
  const more = otherPairs + values.slice(VALUES_SHOWN).length;
  return names.join(', ') + (more > 0 ? ' and others' : '');
}

export function exampleSection({ examples }: ReportModel): Section {
  const notes =
    examples.length === 0
      ? ['No pair differs.']
      : [
          'The pairs with the largest difference of scores, then with most flips. Values as the journal has them: what is redacted there is redacted here.',
        ];
  const side = (score: string, label: string): string =>
    [score === '' ? '' : number(Number(score)), label].filter((each) => each !== '').join(', ');
  return {
    id: 'examples',
    title: 'Largest divergences',
    anchor: SHOWS,
    notes,
    tables: tablesOf({
      head: ['pair', 'incumbent', 'candidate', 'difference', 'flips', 'captured'],
      rows: examples.map((each) => [
        `${each.id}, ${each.time}`,
        side(each.incumbentScore, each.incumbentLabel),
        side(each.candidateScore, each.candidateLabel),
        number(each.difference),
        count(each.flips),
        each.captured.map(({ pointer, value }) => `${pointer} ${value}`).join(', '),
      ]),
    }),
  };
}

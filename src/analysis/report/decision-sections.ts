/** What was decided, on what copies, under which plan. Pure. */
import { type CoveragePart, type Gate, shareOf } from '../verdict.ts';
import { count, number, percent } from './numbers.ts';
import type { ReportModel } from './report-model.ts';
import { type Section, SHOWS, tablesOf } from './section.ts';

export function verdictSection({ verdict }: ReportModel): Section {
  const { evidence, gates, profile, cut, pairs, firstPassAt, standing, withdrawnAt } = verdict;
  const notes = [cut === '' ? 'No cut is closed yet.' : `${count(pairs)} pairs up to ${cut}.`];
  if (verdict.verdict === 'FAIL') {
    notes.push('A FAIL is told as it was found; the other parts go on to the last pair.');
  }
  if (profile === 'demo') {
    notes.push('Profile demo: minutes instead of a day. No basis for a cutover.');
  }
  if (firstPassAt !== '') notes.push(`First PASS at ${firstPassAt}: ${standing}.`);
  if (withdrawnAt !== '') notes.push(`Withdrawn at ${withdrawnAt}.`);
  return {
    id: 'verdict',
    title: 'Verdict and guardrails',
    anchor: 'the-two-tests',
    notes,
    tables: tablesOf(
      {
        head: ['', 'evidence', 'mean loss', 'margin', 'pairs', 'pairs missing'],
        rows: evidence.map(({ state, sentence, mean, margin, n, missingPairs }) => [
          MARKS[state],
          sentence,
          mean === null ? '–' : number(mean),
          number(margin),
          count(n),
          state !== 'open' ? '–' : missingPairs === null ? 'not in sight' : count(missingPairs),
        ]),
      },
      {
        head: ['gate not met', 'what it says'],
        rows: gateRows(gates),
      },
    ),
  };
}

const MARKS = { pass: '✓ within', fail: '✗ beyond', open: '… open' } as const;

export function coverageSection(model: ReportModel): Section {
  const { coverage, copies, warmUp } = model;
  const notes = [
    'Missing pairs are not random: what is not observed is not known to be like the rest.',
    `${count(warmUp)} pairs of the warm-up are left out. ${breakerText(model)}`,
  ];
  const parts = partsShown(coverage);
  if (parts.length < coverage.length) {
    notes.push(
      `${count(coverage.length - parts.length)} hours are not listed: those without a loss, and all but the ${HOURS_SHOWN} that lost most.`,
    );
  }
  if (coverage.length === 0) notes.push('Nobody has told how many copies were lost.');
  return {
    id: 'coverage',
    title: 'Where the copies went',
    anchor: SHOWS,
    notes,
    tables: tablesOf(
      {
        head: ['copies of this attempt', 'observed', 'lost', 'coverage'],
        rows: parts.map((part) => [
          part.part === '' ? 'all' : part.part,
          count(part.observed),
          count(part.lost),
          percent(shareOf(part)),
        ]),
      },
      {
        head: ['state, all that the journal has counted', 'reason', 'copies'],
        rows: copies.map((each) => [each.state, each.reason, count(each.count)]),
      },
    ),
  };
}

/** Hours and gates of hours that are listed: an attempt has hundreds. */
const HOURS_SHOWN = 24;
const GATED_HOURS = 3;

/** All but hours; of these the ones that lost most, in their order. */
function partsShown(coverage: readonly CoveragePart[]): CoveragePart[] {
  const hours = coverage.filter(({ part, lost }) => part.startsWith('hour ') && lost > 0);
  const worst = new Set(hours.toSorted((a, b) => b.lost - a.lost).slice(0, HOURS_SHOWN));
  return coverage.filter((part) => !part.part.startsWith('hour ') || worst.has(part));
}

/** Gates as they are; of many hours the first, and how many there are. */
function gateRows(gates: readonly Gate[]): string[][] {
  const isOfHour = ({ text }: Gate): boolean => text.startsWith('coverage of hour ');
  const others = gates.filter((gate) => !isOfHour(gate));
  const hours = gates.filter(isOfHour);
  const rows = [...others, ...hours.slice(0, GATED_HOURS)].map(({ reason, text }) => [
    reason,
    text,
  ]);
  const more = hours.length - GATED_HOURS;
  return more > 0 ? [...rows, ['coverage', `and of ${count(more)} further hours`]] : rows;
}
/** What the breaker has cost: copies of the attempt, and time since the mirror's start. */
function breakerText({ breakerOpen, breaker }: ReportModel): string {
  const copies =
    breakerOpen === 0
      ? 'No copy was kept back by the breaker.'
      : `${count(breakerOpen)} copies were kept back by the breaker: each is a failure of the candidate.`;
  if (breaker === null) return copies;
  const { opens, brokenMs, uptimeMs } = breaker;
  const of = `${seconds(brokenMs)} of the ${seconds(uptimeMs)} that this mirror has run`;
  return `${copies} It has opened ${opens === 1 ? 'once' : `${count(opens)} times`}, and was not closed for ${of}.`;
}

function seconds(ms: number): string {
  return `${count(Math.round(ms / 1_000))} s`;
}

export function recordSection({ verdict, versions, settings, plan }: ReportModel): Section {
  const { attempt, attempts, hash, startedBy, reason, closedAt, profile } = verdict;
  return {
    id: 'record',
    title: 'Plan, versions and changes',
    anchor: 'verdict',
    notes: [],
    tables: tablesOf(
      {
        head: ['attempt', `${attempt} of ${attempts}`],
        rows: [
          ['experiment', plan.experiment],
          ['plan and configuration, hash', hash],
          ['profile', profile],
          ['guardrails, preset', verdict.preset === '' ? '–' : verdict.preset],
          ['started', `${plan.startedAt} by ${startedBy}: ${reason}`],
          ['closed', closedAt === '' ? 'open' : closedAt],
          [
            'error levels: PASS, FAIL, alarms',
            [plan.alphaPass, plan.alphaFail, plan.alphaAlarm].map(percent).join(', '),
          ],
          ['named segments', plan.segments.map(({ name }) => name).join(', ') || 'none'],
        ],
      },
      {
        head: ['model version', 'answers'],
        rows: versions.map((each) => [each.name, count(each.count)]),
      },
      { head: ['settings changed', 'what'], rows: settings.map(({ at, text }) => [at, text]) },
    ),
  };
}

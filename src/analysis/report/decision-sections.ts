/** What was decided, on what copies, under which plan. Pure. */
import { shareOf } from '../verdict.ts';
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
        rows: gates.map(({ reason, text }) => [reason, text]),
      },
    ),
  };
}

const MARKS = { pass: '✓ within', fail: '✗ beyond', open: '… open' } as const;

export function coverageSection({ coverage, copies, breakerOpen, warmUp }: ReportModel): Section {
  const notes = [
    'Missing pairs are not random: what is not observed is not known to be like the rest.',
    `${count(warmUp)} pairs of the warm-up are left out. ${count(breakerOpen)} copies were kept back by the breaker.`,
  ];
  if (coverage.length === 0) notes.push('Nobody has told how many copies were lost.');
  return {
    id: 'coverage',
    title: 'Where the copies went',
    anchor: SHOWS,
    notes,
    tables: tablesOf(
      {
        head: ['copies of this attempt', 'observed', 'lost', 'coverage'],
        rows: coverage.map((part) => [
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

/** How the candidate differs: failures, scores, latency. Pure. */
import { count, ms, number, percent, range } from './numbers.ts';
import type { ReportModel } from './report-model.ts';
import { type Section, SHOWS, tablesOf } from './section.ts';

export function failureSection({ failures, violations, plan }: ReportModel): Section {
  const rows =
    failures === null
      ? []
      : [
          ['incumbent failed', count(failures.both), count(failures.onlyIncumbent)],
          ['incumbent answered', count(failures.onlyCandidate), count(failures.neither)],
        ];
  const level = percent(1 - plan.alphaPass);
  const notes =
    failures === null
      ? ['Failures are not judged, or there is no pair yet.']
      : [
          `Share of failures, ${level} intervals of Wilson for this one look: candidate ${range(failures.candidate, percent)}, incumbent ${range(failures.incumbent, percent)}.`,
          `Candidate’s less incumbent’s, Newcombe’s paired interval: ${range(failures.difference, percent)}. McNemar mid-p ${number(failures.midP)}.`,
          'These hold for one look at a fixed number of pairs, and decide nothing.',
        ];
  return {
    id: 'failures',
    title: 'Failures and broken answers',
    anchor: SHOWS,
    notes,
    tables: tablesOf(
      { head: ['pairs', 'candidate failed', 'candidate answered'], rows },
      {
        head: ['how answers differ or break the contract', 'pairs'],
        rows: violations.map(({ name, count: n }) => [name, count(n)]),
      },
    ),
  };
}

export function scoreSection({ scores, labels }: ReportModel): Section {
  const { agreement, sampled, n, zeros, quantiles } = scores;
  const told = (value: number | null): string => (value === null ? 'not defined' : number(value));
  const rows =
    agreement === null
      ? []
      : [
          ['Kendall’s τ-b', told(agreement.kendall), 'same order: 1'],
          ['Spearman’s ρ', told(agreement.spearman), 'same order: 1'],
          ['Lin’s concordance', told(agreement.lin), 'same scores: 1'],
          [
            'PSI, 20 bins',
            number(agreement.psi),
            `same: 0; ${agreement.psiFloored} shares at the floor`,
          ],
          ['Kolmogorov–Smirnov distance', number(agreement.ks), 'same: 0'],
          ['Jensen–Shannon distance', number(agreement.jensenShannon), 'same: 0, at most 1'],
          ['Hellinger distance', number(agreement.hellinger), 'same: 0, at most 1'],
          [
            'Wasserstein-1 distance',
            number(agreement.wasserstein),
            'same: 0, in units of the score',
          ],
        ];
  return {
    id: 'scores',
    title: 'Scores',
    anchor: SHOWS,
    notes: [
      `${count(n)} differences, ${count(zeros)} of them zero. Rank agreement and distances are of a sample of ${count(sampled)} pairs, chosen by hash of their ids.`,
    ],
    tables: tablesOf(
      { head: ['agreement', 'value', 'scale'], rows },
      {
        head: ['quantile', 'candidate − incumbent, share of the score range'],
        rows: quantiles.map(({ p, value }) => [percent(p), number(value)]),
      },
      {
        head: ['incumbent says', 'candidate says', 'predictions'],
        rows: labels.map((each) =>
          each.incumbent === '' && each.candidate === ''
            ? ['(others)', '(others)', count(each.count)]
            : [each.incumbent, each.candidate, count(each.count)],
        ),
      },
    ),
  };
}

export function latencySection({ latency, plan }: ReportModel): Section {
  const { n, quantiles, queueP95Ms, typicalDifferenceMs, sampled } = latency;
  const notes = [
    `${count(n)} pairs; objective ${ms(plan.objectiveMs)}. Time in our queue is not part of it.`,
  ];
  if (queueP95Ms !== null) notes.push(`A copy waited ${ms(queueP95Ms)} at p95.`);
  if (typicalDifferenceMs !== null) {
    notes.push(
      `Typical difference of a pair (Hodges–Lehmann, ${count(sampled)} pairs): ${ms(typicalDifferenceMs)}.`,
    );
  }
  return {
    id: 'latency',
    title: 'Latency',
    anchor: SHOWS,
    notes,
    tables: tablesOf({
      head: ['quantile', 'incumbent', 'its band', 'candidate', 'its band', 'ratio'],
      rows: quantiles.map(({ p, incumbent, candidate, ratio }) => [
        `p${number(p * 100)}`,
        ms(incumbent.ms),
        band(incumbent),
        ms(candidate.ms),
        band(candidate),
        ratio === null ? '–' : number(ratio),
      ]),
    }),
  };
}

function band({
  low,
  high,
}: {
  readonly low: number | null;
  readonly high: number | null;
}): string {
  return `${low === null ? 'open' : ms(low)} to ${high === null ? 'open' : ms(high)}`;
}

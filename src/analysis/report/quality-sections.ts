/** What outcomes say: the question with its answer, and both models beside what happened. Pure. */
import { ANSWERS } from '../quality/headline.ts';
import { fewer } from '../quality/quality-evidence.ts';
import type { Measure, QualityReport } from '../quality/quality-measures.ts';
import { count, number, percent } from './numbers.ts';
import type { ReportModel } from './report-model.ts';
import { type Section, tablesOf } from './section.ts';

const ANCHOR = 'quality';
const MARKS = { pass: '✓ shown', fail: '✗ refuted', open: '… open' } as const;

/** None where nobody asked. */
export function headlineSection({ verdict, latency }: ReportModel): Section[] {
  const { headline } = verdict;
  if (headline === null) return [];
  const p99 = latency.quantiles.find(({ p }) => p === 0.99)?.candidate.ms;
  return [
    {
      id: 'headline',
      title: headline.question,
      anchor: ANCHOR,
      notes: [
        ANSWERS[headline.answer],
        ...(p99 === undefined ? [] : [`99 % of the candidate’s answers within ${number(p99)} ms.`]),
      ],
      tables: tablesOf({
        head: ['', 'what is known of it'],
        rows: headline.parts.map(({ state, sentence }) => [MARKS[state], sentence]),
      }),
    },
  ];
}

/** None where no outcomes are judged. */
export function qualitySection({ quality }: ReportModel): Section[] {
  if (quality === null) return [];
  return [
    {
      id: 'quality',
      title: 'Quality against outcomes',
      anchor: ANCHOR,
      notes: notesOf(quality),
      tables: tablesOf(
        {
          head: ['', 'incumbent', 'candidate', 'difference', '95 % interval', 'how, mid-p'],
          rows: quality.measures.map(measureRow),
        },
        ...thresholdTables(quality),
        {
          head: ['outcomes by decision', 'positive', 'negative', 'not known'],
          rows: DECISIONS.map((name, i) => [
            name,
            ...[quality.byDecision.positives, quality.byDecision.negatives].map((counts) =>
              count(counts[i] ?? 0),
            ),
            count(quality.byDecision.unknown[i] ?? 0),
          ]),
        },
        {
          head: ['age, of the time to maturity', 'pairs', 'with outcome', 'coverage'],
          rows: quality.ages
            .filter(({ pairs }) => pairs > 0)
            .map(({ age, pairs, known }) => [
              age,
              count(pairs),
              count(known),
              percent(known / pairs),
            ]),
        },
      ),
    },
  ];
}

const DECISIONS = ['neither flags', 'candidate alone', 'incumbent alone', 'both flag'] as const;

function notesOf(quality: QualityReport): string[] {
  const { known, mature, positives, isBounded, leastCoverage, minCoverage } = quality;
  const notes = [
    `Outcomes of ${count(known)} of ${count(mature)} mature pairs, ${count(positives)} positive; the AUC is of ${count(quality.sampled)} of them.`,
  ];
  if (isBounded) {
    notes.push(
      `Of some decision only ${percent(leastCoverage)} have an outcome, ${percent(minCoverage)} are needed: guardrails judge by bounds, and no interval is shown. Figures are of pairs with an outcome alone.`,
    );
  }
  if (quality.leftOut > 0) notes.push(`${count(quality.leftOut)} pairs found no room to wait.`);
  if (quality.foreign > 0) {
    notes.push(
      `${count(quality.foreign)} pairs have an outcome that is neither of the two labels.`,
    );
  }
  return notes;
}

function measureRow({ name, incumbent, candidate, interval, method, midP }: Measure): string[] {
  const isKnown = incumbent !== null && candidate !== null;
  return [
    name,
    incumbent === null ? '–' : number(incumbent),
    candidate === null ? '–' : number(candidate),
    isKnown ? number(candidate - incumbent) : '–',
    interval === null ? '–' : interval.map(number).join(' to '),
    midP === null ? method : `${method}; ${number(midP)}`,
  ];
}

function thresholdTables({ atThreshold }: QualityReport): { head: string[]; rows: string[][] }[] {
  if (atThreshold === null) return [];
  const { threshold, calibrationPositives, positives, negatives, failedNegatives, saved } =
    atThreshold;
  const [, candidateAlone, incumbentAlone, both] = positives;
  const [, falseCandidate, falseIncumbent, falseBoth] = negatives;
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const told =
    saved === null ? '–' : `${fewer(saved.saved)} (${fewer(saved.low)} to ${fewer(saved.high)})`;
  return [
    {
      head: [`candidate at ${number(threshold)}`, 'incumbent', 'candidate', 'of'],
      rows: [
        [
          'caught',
          count(incumbentAlone + both),
          count(candidateAlone + both),
          count(sum(positives)),
        ],
        [
          'false positives',
          count(falseIncumbent + falseBoth),
          count(falseCandidate + falseBoth + failedNegatives),
          count(sum(negatives) + failedNegatives),
        ],
        ['false positives, difference', '', told, ''],
        ['threshold chosen on', '', `${count(calibrationPositives)} positives`, ''],
      ],
    },
  ];
}

/** The plots of a report, by section. Pure. */
import { GUARDRAIL_KINDS, type GuardrailKind } from '../plan.ts';
import { count, number } from './numbers.ts';
import type { TimePoint } from './over-time.ts';
import type { ReportModel } from './report-model.ts';
import type { SectionId } from './section.ts';
import { type Chart, toSvg } from './svg.ts';

const SIDES = [
  ['ours', 'incumbent'],
  ['theirs', 'candidate'],
] as const;
const DIFFERENCE_BINS = 41;
const HOUR_MS = 3_600_000;

/** @returns SVG in figures; empty: the section has none */
export function plotsOf(id: SectionId, model: ReportModel): string {
  switch (id) {
    case 'scores':
      return [scatter(model), differences(model)].join('');
    case 'latency':
      return ecdf(model);
    case 'quality':
      return [roc(model), outcomesByAge(model)].join('');
    case 'time':
      return GUARDRAIL_KINDS.map((kind) => timePlot(kind, model)).join('');
    default:
      return '';
  }
}

function scatter({ scores, plan }: ReportModel): string {
  const { points } = scores;
  if (points.length === 0) return '';
  const [from, to] = plan.scoreRange;
  return toSvg({
    title: 'Score against score',
    alt: `${count(points.length)} pairs of the sample; on the diagonal both scores are equal`,
    x: { label: 'score of the incumbent', from, to },
    y: { label: 'score of the candidate', from, to },
    marks: [
      {
        type: 'line',
        colour: 'limit',
        points: [
          [from, from],
          [to, to],
        ],
      },
      { type: 'dots', colour: 'theirs', points },
    ],
  });
}

/** Between the 1 % and the 99 % quantile, as far to either side; the bars at the ends hold what is beyond. */
function differences({ scores }: ReportModel): string {
  const { bins, quantiles, n } = scores;
  if (n === 0) return '';
  const inner = quantiles.filter(({ p }) => p >= 0.01 && p <= 0.99);
  const reach = Math.max(...inner.map(({ value }) => Math.abs(value))) || 0.01;
  const width = (2 * reach) / DIFFERENCE_BINS;
  const shares = new Array<number>(DIFFERENCE_BINS).fill(0);
  for (const { from, to, count: each } of bins) {
    const at = Math.floor(((from + to) / 2 + reach) / width);
    const bin = Math.min(DIFFERENCE_BINS - 1, Math.max(0, at));
    shares[bin] = (shares[bin] ?? 0) + each / n;
  }
  return toSvg({
    title: 'Differences of scores',
    alt: `${count(n)} predictions between ${number(-reach)} and ${number(reach)}; the bars at the ends hold what is beyond`,
    x: { label: 'candidate − incumbent, share of the score range', from: -reach, to: reach },
    y: { label: 'share of predictions', from: 0, to: Math.max(...shares) },
    marks: [
      {
        type: 'bars',
        colour: 'theirs',
        width,
        points: shares.map((share, i) => [(i + 0.5) * width - reach, share] as const),
      },
    ],
  });
}

function ecdf({ latency, plan }: ReportModel): string {
  const { n, ecdf: both } = latency;
  if (n === 0) return '';
  const all = [...both.incumbent, ...both.candidate].map(([ms]) => Math.max(0.001, ms));
  const from = Math.min(...all, plan.objectiveMs) / 1.2;
  const to = Math.max(...all, plan.objectiveMs) * 1.2;
  return toSvg({
    title: 'Latency: share of answers at most so late',
    alt: `${count(n)} pairs; the further left, the faster; the objective is ${number(plan.objectiveMs)} ms`,
    x: { label: 'milliseconds, logarithmic', from, to, isLog: true },
    y: { label: 'share of answers', from: 0, to: 1 },
    marks: [
      {
        type: 'line',
        colour: 'limit',
        points: [
          [plan.objectiveMs, 0],
          [plan.objectiveMs, 1],
        ],
      },
      { type: 'steps', colour: 'ours', points: both.incumbent },
      { type: 'steps', colour: 'theirs', points: both.candidate },
    ],
    legend: [...SIDES, ['limit', 'objective']],
  });
}

function roc({ quality }: ReportModel): string {
  if (quality === null || quality.roc.incumbent.length === 0) return '';
  return toSvg({
    title: 'Recall against false positives, at every threshold',
    alt: `${count(quality.sampled)} pairs of the sample with an outcome; the nearer to the upper left, the better; on the diagonal a score says nothing`,
    x: { label: 'false-positive rate', from: 0, to: 1 },
    y: { label: 'recall', from: 0, to: 1 },
    marks: [
      {
        type: 'line',
        colour: 'limit',
        points: [
          [0, 0],
          [1, 1],
        ],
      },
      { type: 'line', colour: 'ours', points: quality.roc.incumbent },
      { type: 'line', colour: 'theirs', points: quality.roc.candidate },
    ],
    legend: [...SIDES],
  });
}

/** Where an age stands on the axis, in times to maturity. */
const AGE_MIDDLES = [0.125, 0.375, 0.75, 1.125];
const AGE_WIDTH = 0.2;

function outcomesByAge({ quality }: ReportModel): string {
  if (quality === null || quality.ages.every(({ pairs }) => pairs === 0)) return '';
  const shares = quality.ages.map(({ pairs, known }) => (pairs === 0 ? 0 : known / pairs));
  const mature = quality.ages.at(-1);
  return toSvg({
    title: 'Pairs with an outcome, by age',
    alt: `${count(mature?.known ?? 0)} of ${count(mature?.pairs ?? 0)} mature pairs have an outcome; the line is what guardrails need to judge without bounds`,
    x: { label: 'age, in times to maturity; the last bar is of all older ones', from: 0, to: 1.25 },
    y: { label: 'share with an outcome', from: 0, to: 1 },
    marks: [
      {
        type: 'bars',
        colour: 'theirs',
        width: AGE_WIDTH,
        points: shares.map((share, i) => [AGE_MIDDLES[i] ?? 0, share] as const),
      },
      {
        type: 'line',
        colour: 'limit',
        points: [
          [0, quality.minCoverage],
          [1.25, quality.minCoverage],
        ],
      },
    ],
  });
}

function timePlot(kind: GuardrailKind, { overTime, plan }: ReportModel): string {
  const points = overTime.filter(({ guardrail }) => guardrail === kind);
  const margin = plan.guardrails.find((guardrail) => guardrail.kind === kind)?.margin ?? 0;
  const last = points.at(-1);
  if (last === undefined || points.length < 2) return '';
  const startMs = Date.parse(plan.startedAt);
  const at = (of: (point: TimePoint) => number): (readonly [number, number])[] =>
    points.map((point) => [(point.atMs - startMs) / HOUR_MS, of(point)]);
  const levels = points.flatMap(({ mean, lately }) => [mean, lately ?? mean]);
  // The band of few pairs is wide: it is drawn to the edge.
  const y: Chart['y'] = {
    label: 'mean loss',
    from: Math.min(0, ...levels, Math.max(last.band[0], -2 * margin)),
    to: Math.max(1.6 * margin, 1.1 * Math.max(...levels)),
  };
  const to = (last.atMs - startMs) / HOUR_MS;
  return toSvg({
    title: `${kind} over time`,
    alt: `mean ${number(last.mean)} after ${count(last.n)} pairs, band ${number(last.band[0])} to ${number(last.band[1])}, margin ${number(margin)}`,
    x: { label: 'hours since the start of the attempt', from: 0, to },
    y,
    marks: [
      { type: 'band', low: at(({ band }) => band[0]), high: at(({ band }) => band[1]) },
      {
        type: 'line',
        colour: 'limit',
        points: [
          [0, margin],
          [to, margin],
        ],
      },
      { type: 'line', colour: 'theirs', points: at(({ mean }) => mean) },
      { type: 'dots', colour: 'line', points: at(({ mean, lately }) => lately ?? mean) },
    ],
    legend: [
      ['theirs', 'mean so far'],
      ['line', 'since before'],
      ['limit', 'margin'],
    ],
  });
}

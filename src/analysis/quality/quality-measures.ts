/**
 * Both models beside what happened, of all pairs that are mature at a cut: what a report shows. Pure. It describes and
 * decides nothing; the guardrails decide. Differences are candidate − incumbent.
 */
import type { Analysis } from '../analysis.ts';
import { asymptoticSequence } from '../statistics/asymptotic-sequence.ts';
import { compareAuc } from '../statistics/delong.ts';
import { plannedIntrinsicTime } from '../statistics/empirical-bernstein.ts';
import { bernsteinSequence } from '../statistics/empirical-bernstein-sequence.ts';
import { mcNemarMidP } from '../statistics/mcnemar.ts';
import { newcombePairedInterval } from '../statistics/newcombe-paired.ts';
import {
  type RatioMoments,
  type RatioTerms,
  ratioDifference,
} from '../statistics/ratio-difference.ts';
import { savedFalsePositives } from './judge-quality.ts';
import type { QualityBook } from './quality-book.ts';
import { LOG_LOSS_RANGE } from './quality-losses.ts';
import { type Decisions, type QualityTally, sumOf } from './quality-tally.ts';
import { type RocPoint, rocCurve } from './roc.ts';

export interface Measure {
  readonly name:
    | 'precision'
    | 'recall'
    | 'false-positive rate'
    | 'F1'
    | 'AUC'
    | 'Brier'
    | 'log loss';
  /** `null`: not defined, as nothing is flagged, or nothing happened. */
  readonly incumbent: number | null;
  readonly candidate: number | null;
  /** Two-sided, at the level of PASS; `null` where there is none, or where outcomes are missing. */
  readonly interval: readonly [number, number] | null;
  /** How the interval is made, and whether it holds at every n. */
  readonly method: string;
  /** McNemar mid-p of paired shares, one look at a fixed n. */
  readonly midP: number | null;
}

/** Pairs with an outcome and all pairs, by age as a share of the time to maturity. */
export interface AgeBand {
  readonly age: string;
  readonly pairs: number;
  readonly known: number;
}

export interface QualityReport {
  readonly mature: number;
  readonly known: number;
  readonly positives: number;
  readonly minCoverage: number;
  readonly leastCoverage: number;
  /** Outcomes are missing: intervals are not shown, guardrails judge by bounds. */
  readonly isBounded: boolean;
  readonly ages: readonly AgeBand[];
  /** Pairs with an outcome by decision: [neither flags, candidate alone, incumbent alone, both]. */
  readonly byDecision: {
    readonly positives: Readonly<Decisions>;
    readonly negatives: Readonly<Decisions>;
    readonly unknown: Readonly<Decisions>;
  };
  readonly measures: readonly Measure[];
  /** Pairs of the sample that the AUC and its curves are of. */
  readonly sampled: number;
  readonly roc: {
    readonly incumbent: readonly RocPoint[];
    readonly candidate: readonly RocPoint[];
  };
  readonly atThreshold: ThresholdReport | null;
  readonly leftOut: number;
  readonly foreign: number;
}

/** The candidate at the threshold that was chosen for it. `null`: nobody asked for it, or not chosen yet. */
export interface ThresholdReport {
  /** In the unit of the score. */
  readonly threshold: number;
  readonly calibrationPositives: number;
  readonly positives: Readonly<Decisions>;
  readonly negatives: Readonly<Decisions>;
  /** Negatives to which the candidate gave no answer: a false positive each. */
  readonly failedNegatives: number;
  readonly saved: { readonly saved: number; readonly low: number; readonly high: number } | null;
}

export function qualityReport({ quality, plan }: Analysis, cutMs: number): QualityReport | null {
  if (quality === null) return null;
  const tally = quality.at(cutMs);
  const isBounded = tally.leastCoverage < quality.plan.minCoverage;
  const sample = quality.sampled(cutMs);
  const context = { tally, isBounded, alpha: plan.alphaPass };
  const { positives, negatives, unknown } = tally;
  return {
    mature: tally.known + tally.missing,
    known: tally.known,
    positives: sumOf(positives),
    minCoverage: quality.plan.minCoverage,
    leastCoverage: tally.leastCoverage,
    isBounded,
    ages: agesOf(quality, cutMs),
    byDecision: { positives, negatives, unknown },
    measures: [...measuresOf(context), aucOf(sample, context), ...scoreMeasures(context)],
    sampled: sample.length,
    roc: rocOf(sample),
    atThreshold: thresholdReport(quality, { ...context, cutMs, scoreRange: plan.scoreRange }),
    leftOut: quality.leftOut,
    foreign: quality.foreign,
  };
}

interface Context {
  readonly tally: QualityTally;
  readonly isBounded: boolean;
  readonly alpha: number;
}

function agesOf(book: QualityBook, cutMs: number): AgeBand[] {
  const w = book.plan.maturityMs;
  const bands = [
    ['less than a quarter', cutMs - w / 4, Number.POSITIVE_INFINITY],
    ['a quarter to a half', cutMs - w / 2, cutMs - w / 4],
    ['a half to all of it', cutMs - w, cutMs - w / 2],
    ['mature', Number.NEGATIVE_INFINITY, cutMs - w],
  ] as const;
  return bands.map(([age, fromMs, toMs]) => {
    const { known, missing } = book.between(fromMs, toMs);
    return { age, pairs: known + missing, known };
  });
}

function measuresOf(context: Context): Measure[] {
  const { positives, negatives } = context.tally;
  return [
    ratioMeasure('precision', context, (flagged, y) => [flagged * y, flagged]),
    pairedMeasure('recall', positives, context),
    pairedMeasure('false-positive rate', negatives, context),
    ratioMeasure('F1', context, (flagged, y) => [2 * flagged * y, flagged + y]),
  ];
}

/** A share of the same pairs at both sides. */
function pairedMeasure(
  name: 'recall' | 'false-positive rate',
  [neither, candidateOnly, incumbentOnly, both]: Readonly<Decisions>,
  { isBounded, alpha }: Context,
): Measure {
  const n = neither + candidateOnly + incumbentOnly + both;
  const method = 'Newcombe, method 10; fixed n';
  if (n === 0)
    return { name, incumbent: null, candidate: null, interval: null, method, midP: null };
  const table = { a: both, b: candidateOnly, c: incumbentOnly, d: neither };
  return {
    name,
    incumbent: (incumbentOnly + both) / n,
    candidate: (candidateOnly + both) / n,
    interval: isBounded ? null : newcombePairedInterval(table, alpha),
    method,
    midP: isBounded ? null : mcNemarMidP(candidateOnly, incumbentOnly),
  };
}

/** A ratio whose denominators differ between the sides. @param termsOf - numerator and denominator of one pair */
function ratioMeasure(
  name: 'precision' | 'F1',
  { tally, isBounded, alpha }: Context,
  termsOf: (flagged: number, y: number) => readonly [number, number],
): Measure {
  const moments = momentsOf(tally, termsOf);
  const [a1, b1, a2, b2] = moments.sums;
  const method = 'influence functions, asymptotic; every n';
  const values = {
    candidate: b1 > 0 ? a1 / b1 : null,
    incumbent: b2 > 0 ? a2 / b2 : null,
  };
  const isDefined = b1 > 0 && b2 > 0 && !isBounded;
  const interval = isDefined
    ? asymptoticSequence(ratioDifference(moments), { alpha, nOpt: 10_000 })
    : null;
  return { name, ...values, interval, method, midP: null };
}

/** Sums over the eight kinds of pairs: (incumbent flags, candidate flags, y). */
function momentsOf(
  { positives, negatives }: QualityTally,
  termsOf: (flagged: number, y: number) => readonly [number, number],
): RatioMoments {
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  const products = new Array<number>(10).fill(0);
  let n = 0;
  for (const [y, counts] of [negatives, positives].entries()) {
    for (const [cell, count] of counts.entries()) {
      const terms: RatioTerms = [...termsOf(cell & 1, y), ...termsOf(cell >> 1, y)];
      n += count;
      let place = 0;
      for (let i = 0; i < 4; i++) {
        sums[i] = (sums[i] ?? 0) + count * (terms[i] ?? 0);
        for (let j = i; j < 4; j++) {
          products[place] = (products[place] ?? 0) + count * (terms[i] ?? 0) * (terms[j] ?? 0);
          place += 1;
        }
      }
    }
  }
  return { n, sums, products };
}

function rocOf(sample: ReturnType<QualityBook['sampled']>): QualityReport['roc'] {
  const positive = sample.map((each) => each.positive);
  const curve = (side: 'incumbentScore' | 'candidateScore'): RocPoint[] =>
    rocCurve(
      sample.map(({ row }) => row[side]),
      positive,
    );
  return { incumbent: curve('incumbentScore'), candidate: curve('candidateScore') };
}

function aucOf(sample: ReturnType<QualityBook['sampled']>, { isBounded, alpha }: Context): Measure {
  const name = 'AUC';
  const method = 'DeLong; fixed n, sample';
  const positive = sample.map((each) => each.positive);
  const positives = positive.filter(Boolean).length;
  if (positives < 2 || positive.length - positives < 2) {
    return { name, incumbent: null, candidate: null, interval: null, method, midP: null };
  }
  const { first, second, interval } = compareAuc(
    sample.map(({ row }) => row.candidateScore),
    sample.map(({ row }) => row.incumbentScore),
    { positive, alpha },
  );
  return {
    ...{ name, incumbent: second, candidate: first, method, midP: null },
    interval: isBounded ? null : interval,
  };
}

function scoreMeasures({ tally, isBounded, alpha }: Context): Measure[] {
  const method = 'empirical Bernstein; every n';
  const vOpt = plannedIntrinsicTime(10_000, 0.05, 1);
  const names = ['Brier', 'log loss'] as const;
  return names.map((name, i): Measure => {
    const [ours, theirs] = (i === 0 ? tally.brier : tally.logLoss).map((sums) => sums.totals());
    const difference = tally.differences[i]?.totals();
    if (ours === undefined || theirs === undefined || difference === undefined || ours.n === 0) {
      return { name, incumbent: null, candidate: null, interval: null, method, midP: null };
    }
    const [low, high] = bernsteinSequence(difference, { alpha, c: 1, vOpt });
    const unit = i === 0 ? 1 : LOG_LOSS_RANGE;
    return {
      name,
      incumbent: ours.sum / ours.n,
      candidate: theirs.sum / theirs.n,
      interval: isBounded ? null : [low * unit, high * unit],
      method,
      midP: null,
    };
  });
}

function thresholdReport(
  { calibration }: QualityBook,
  of: Context & { readonly cutMs: number; readonly scoreRange: readonly [number, number] },
): ThresholdReport | null {
  const { tally, isBounded, alpha, cutMs, scoreRange } = of;
  const { threshold, positives } = calibration;
  if (threshold === null || cutMs < calibration.knownAtMs) return null;
  const [low, high] = scoreRange;
  const options = { failed: tally.failedNegativesAt, alpha };
  return {
    threshold: low + threshold * (high - low),
    calibrationPositives: positives,
    positives: tally.positivesAt,
    negatives: tally.negativesAt,
    failedNegatives: tally.failedNegativesAt,
    saved: isBounded ? null : savedFalsePositives(tally.negativesAt, options),
  };
}

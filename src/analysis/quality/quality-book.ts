/**
 * Quality by stretch of event time, made of all pairs of an attempt that wait for outcomes and of all outcomes. A
 * function of both sets: in whatever order they came, and however often, it is the same.
 *
 * The candidate's threshold θ is chosen on the first positives, in event order, of the pairs that calibrate: the
 * largest at which it catches as many of them as the incumbent does. They judge nothing by it.
 */
import type { JoinedOutcome } from '../labels/label-store.ts';
import type { ExperimentPlan } from '../plan.ts';
import { BottomK } from '../sketches/bottom-k.ts';
import type { OutcomeRow } from './outcome-row.ts';
import type { QualityPlan } from './quality-plan.ts';
import { QualityTally } from './quality-tally.ts';

/** The pairs of an attempt with their outcomes. */
export interface OutcomeSource {
  all(): Iterable<JoinedOutcome>;
  /** The first pairs in event order that calibrate and have this outcome. */
  calibrating(label: string, limit: number): readonly OutcomeRow[];
  /** Pairs that found no room. */
  readonly leftOut: number;
}

export interface Calibration {
  /** θ, a share of the score range; `null`: not chosen yet, or nobody asked for it. */
  readonly threshold: number | null;
  /** Unix ms from which on it is known: the last of its pairs is mature. */
  readonly knownAtMs: number;
  /** Positives so far, and how many of them the incumbent catches. */
  readonly positives: number;
  readonly caught: number;
}

/** Of pairs with an outcome: what does not add up (DeLong) is computed on it, at report time. */
const SAMPLE_PAIRS = 10_000;

const NOT_CALIBRATED: Calibration = {
  threshold: null,
  knownAtMs: Number.POSITIVE_INFINITY,
  positives: 0,
  caught: 0,
};

export class QualityBook {
  readonly plan: QualityPlan;
  readonly calibration: Calibration;
  readonly leftOut: number;
  /** Pairs with an outcome that is neither of the plan's two. */
  foreign = 0;
  readonly #stretches = new Map<number, QualityTally>();
  readonly #sample = new BottomK<{ row: OutcomeRow; positive: boolean }>(SAMPLE_PAIRS);
  readonly #cutMs: number;

  private constructor(plan: QualityPlan, cutMs: number, source: OutcomeSource) {
    this.plan = plan;
    this.#cutMs = cutMs;
    this.leftOut = source.leftOut;
    this.calibration = plan.fewerFalsePositives > 0 ? calibrate(plan, source) : NOT_CALIBRATED;
  }

  /** @returns `null` where the plan judges no quality */
  static of(
    { quality, cutMs }: Pick<ExperimentPlan, 'quality' | 'cutMs'>,
    source: OutcomeSource,
    options: { readonly withSample: boolean } = { withSample: false },
  ): QualityBook | null {
    if (quality === undefined) return null;
    const book = new QualityBook(quality, cutMs, source);
    for (const { row, label } of source.all()) {
      const outcome = book.#add(row, label);
      const hasScores = !Number.isNaN(row.incumbentScore) && !Number.isNaN(row.candidateScore);
      if (!options.withSample || outcome === null || !hasScores) continue;
      book.#sample.add(row.id, { row, positive: outcome });
    }
    return book;
  }

  /** @returns whether its outcome is positive; `null`: not known */
  #add(row: OutcomeRow, label: string | null): boolean | null {
    const { positive, negative, guardrails, fewerFalsePositives } = this.plan;
    if (label !== null && label !== positive && label !== negative) this.foreign += 1;
    const outcome = label === positive ? true : label === negative ? false : null;
    const startMs = Math.floor(row.timeMs / this.#cutMs) * this.#cutMs;
    let tally = this.#stretches.get(startMs);
    if (tally === undefined) {
      tally = new QualityTally(guardrails.length);
      this.#stretches.set(startMs, tally);
    }
    const { threshold } = this.calibration;
    tally.add(row, outcome, { threshold, fewerFalsePositives, guardrails });
    return outcome;
  }

  /** Sums of stretches that begin in [fromMs, toMs), Unix ms, event time. */
  between(fromMs: number, toMs: number): QualityTally {
    const sum = new QualityTally(this.plan.guardrails.length);
    for (const [startMs, tally] of this.#stretches) {
      if (startMs >= fromMs && startMs < toMs) sum.merge(tally);
    }
    return sum;
  }

  /** What is mature at a cut: stretches that ended so long before it. */
  at(cutMs: number): QualityTally {
    const { maturityMs } = this.plan;
    return this.between(Number.NEGATIVE_INFINITY, cutMs - maturityMs - this.#cutMs + 1);
  }

  isThresholdKnown(cutMs: number): boolean {
    return cutMs >= this.calibration.knownAtMs;
  }

  /** Mature pairs of a sample with an outcome and both scores, in the order of their hashes. */
  sampled(cutMs: number): { readonly row: OutcomeRow; readonly positive: boolean }[] {
    return this.#sample
      .items()
      .map(({ value }) => value)
      .filter(({ row }) => row.timeMs + this.plan.maturityMs < cutMs);
  }

  /** The same at one cut after the other, each in turn: a cut adds what has become mature since the one before. */
  cursor(): (cutMs: number) => QualityTally {
    const starts = [...this.#stretches.keys()].sort((a, b) => a - b);
    const sum = new QualityTally(this.plan.guardrails.length);
    let next = 0;
    return (cutMs) => {
      for (; next < starts.length; next += 1) {
        const startMs = starts[next] ?? 0;
        if (startMs + this.#cutMs + this.plan.maturityMs > cutMs) break;
        const tally = this.#stretches.get(startMs);
        if (tally !== undefined) sum.merge(tally);
      }
      return sum;
    };
  }
}

function calibrate(plan: QualityPlan, source: OutcomeSource): Calibration {
  const rows = source.calibrating(plan.positive, plan.calibrationPositives);
  const caught = rows.filter(({ incumbentFlagged }) => incumbentFlagged).length;
  const last = rows.at(-1);
  const counts = { positives: rows.length, caught };
  if (rows.length < plan.calibrationPositives || last === undefined) {
    return { ...NOT_CALIBRATED, ...counts };
  }
  // A candidate without an answer catches nothing.
  const scores = rows
    .map(({ candidateScore }) => (Number.isNaN(candidateScore) ? -1 : candidateScore))
    .sort((a, b) => b - a);
  const threshold = caught === 0 ? Number.POSITIVE_INFINITY : (scores[caught - 1] ?? 0);
  return { ...counts, threshold, knownAtMs: last.timeMs + plan.maturityMs };
}

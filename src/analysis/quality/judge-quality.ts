/**
 * A guardrail of quality at a cut: the evidence for and against it, by the empirical Bernstein test at its margin with
 * constant centre 0 and c = 1. Pure.
 *
 * Where outcomes are missing, PASS has to hold with each missing one at its worst, FAIL with each at its best.
 * Sources: docs/statistics.md, "Quality".
 */
import type { Assessment, Levels } from '../assess.ts';
import {
  type BoundedTest,
  createBoundedTest,
  type LossTotals,
  plannedIntrinsicTime,
} from '../statistics/empirical-bernstein.ts';
import {
  bernsteinSequence,
  bernsteinUpperBound,
} from '../statistics/empirical-bernstein-sequence.ts';
import { logMean, UNPLANNED_T_OPT } from '../statistics/mean-mixture.ts';
import { lastReal } from '../statistics/solve.ts';
import { AT_THRESHOLD, type QualityGuardrail, type QualityPlan } from './quality-plan.ts';
import { type Decisions, joined, type QualityTally } from './quality-tally.ts';

/**
 * Where the margin is 0, the tests are sharpest at this second moment of a loss: both sides flag otherwise in one of
 * twenty negatives. Any value keeps the level.
 */
const PLANNED_MOMENT = 0.05;
/** Where nothing is planned, bands are shown for this many pairs. */
const UNPLANNED_DISPLAY = 10_000;

interface Tests {
  readonly pass: readonly BoundedTest[];
  readonly fail: readonly BoundedTest[];
}

export class QualityJudge {
  readonly plan: QualityPlan;
  readonly #levels: Levels;
  readonly #tests: ReadonlyMap<QualityGuardrail, Tests>;

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on margins and levels outside their ranges */
  constructor(plan: QualityPlan, levels: Levels) {
    this.plan = plan;
    this.#levels = levels;
    this.#tests = new Map(plan.guardrails.map((each) => [each, testsOf(each, levels)]));
  }

  /** @param isThresholdKnown - else nothing is said of guardrails that look at it */
  assess(tally: QualityTally, isThresholdKnown: boolean): Assessment[] {
    return this.plan.guardrails.map((guardrail, i): Assessment => {
      const { kind, margin } = guardrail;
      const of = this.#totals(tally, i, isThresholdKnown);
      const tests = this.#tests.get(guardrail) ?? { pass: [], fail: [] };
      const logPass = logMean(tests.pass.map((test) => test.logPass(of.pass)));
      const logFail = logMean(tests.fail.map((test) => test.logFail(of.fail)));
      const isFail = logFail >= Math.log(this.#levels.tests / this.#levels.alphaFail);
      const isPass = logPass >= -Math.log(this.#levels.alphaPass);
      const { n, sum } = of.known;
      return {
        kind,
        segment: '',
        margin,
        n,
        mean: n === 0 ? Number.NaN : sum / n,
        logPass,
        logFail,
        state: isFail ? 'fail' : isPass ? 'pass' : 'open',
        bounded: of.bounded,
      };
    });
  }

  /** What can be said of the mean of one guardrail. */
  explain(index: number, tally: QualityTally, isThresholdKnown: boolean): QualityExplanation {
    const { pass, fail } = this.#totals(tally, index, isThresholdKnown);
    const guardrail = this.plan.guardrails[index];
    const tOpt = guardrail?.plannedPairs || UNPLANNED_DISPLAY;
    const alpha = this.#levels.alphaPass;
    const vOpt = plannedIntrinsicTime(tOpt, guardrail?.margin || PLANNED_MOMENT, 1);
    const options = { alpha, c: 1, vOpt };
    return {
      missingShare: this.#missingShare(index, pass),
      upper: bernsteinUpperBound(pass, options),
      // Lower end at the best, upper end at the worst: bounds where outcomes are missing, else one band.
      band: [bernsteinSequence(fail, options)[0], bernsteinSequence(pass, options)[1]],
    };
  }

  #missingShare(index: number, { n, sum, squares }: LossTotals): number | null {
    const guardrail = this.plan.guardrails[index];
    const tests = guardrail === undefined ? undefined : this.#tests.get(guardrail);
    if (guardrail === undefined || tests === undefined) return null;
    if (n === 0 || sum / n >= guardrail.margin) return null;
    const bar = -Math.log(this.#levels.alphaPass);
    const passes = (by: number): boolean => {
      const totals = { n: n * by, sum: sum * by, squares: squares * by };
      return logMean(tests.pass.map((test) => test.logPass(totals))) >= bar;
    };
    if (passes(1)) return 0;
    const most = Math.min(PROJECTION_FACTOR, 1e10 / n);
    return passes(most) ? lastReal(1, most, (by) => !passes(by)) - 1 : null;
  }

  #totals(tally: QualityTally, index: number, isThresholdKnown: boolean): Totals {
    const sums = tally.sums[index];
    const kind = this.plan.guardrails[index]?.kind ?? 'recall';
    if (sums === undefined || (AT_THRESHOLD.has(kind) && !isThresholdKnown)) {
      return { known: NOTHING, pass: NOTHING, fail: NOTHING, bounded: false };
    }
    const known = sums.known.totals();
    const bounded = tally.leastCoverage < this.plan.minCoverage;
    if (!bounded) return { known, pass: known, fail: known, bounded };
    const pass = joined(sums.known, sums.worst);
    const fail = joined(sums.known, sums.best);
    return { known, pass, fail, bounded };
  }
}

export interface QualityExplanation {
  /** One-sided at the level of PASS; infinite while nothing can be said. */
  readonly upper: number;
  readonly band: readonly [number, number];
  /** How many times the pairs so far are missing until it passes, if they go on like this; `null`: not in sight. */
  readonly missingShare: number | null;
}

/** Further than so many times the pairs so far no projection is made. */
const PROJECTION_FACTOR = 1e4;

interface Totals {
  readonly known: LossTotals;
  readonly pass: LossTotals;
  readonly fail: LossTotals;
  readonly bounded: boolean;
}

const NOTHING: LossTotals = { n: 0, sum: 0, squares: 0 };

function testsOf({ margin, plannedPairs }: QualityGuardrail, levels: Levels): Tests {
  const planned = plannedPairs > 0 ? [plannedPairs] : [...UNPLANNED_T_OPT];
  const make = (alphaOpt: number): BoundedTest[] =>
    planned.map((tOpt) => {
      const vOpt = plannedIntrinsicTime(tOpt, margin || PLANNED_MOMENT, 1);
      return createBoundedTest({ delta: margin, c: 1, vOpt, alphaOpt });
    });
  return { pass: make(levels.alphaPass), fail: make(levels.alphaFail / levels.tests) };
}

/**
 * The share of the incumbent's false positives that the candidate saves at its threshold, with a sequence that holds
 * at every n: all shares r that neither test at margin 0 rejects, of the loss [c ≥ θ] − (1 − r) [incumbent flagged].
 *
 * @param negatives - at the threshold, by decision
 * @param failed - negatives without an answer of the candidate: a false positive each
 * @param alpha - two-sided level
 * @returns shares, 1 at most; below 0: it has more. `null` where the incumbent has none
 */
export function savedFalsePositives(
  negatives: Readonly<Decisions>,
  { failed, alpha }: { readonly failed: number; readonly alpha: number },
): { readonly saved: number; readonly low: number; readonly high: number } | null {
  const [neither, candidateOnly, incumbentOnly, both] = negatives;
  const incumbent = incumbentOnly + both;
  if (incumbent === 0) return null;
  const n = neither + candidateOnly + incumbentOnly + both + failed;
  const candidate = candidateOnly + both + failed;
  const vOpt = plannedIntrinsicTime(UNPLANNED_DISPLAY, PLANNED_MOMENT, 1);
  const test = createBoundedTest({ delta: 0, c: 1, vOpt, alphaOpt: alpha / 2 });
  const bar = -Math.log(alpha / 2);
  const totals = (r: number): LossTotals => ({
    n,
    sum: candidate - (1 - r) * incumbent,
    squares: candidateOnly + failed + incumbentOnly * (1 - r) ** 2 + both * r * r,
  });
  const saved = 1 - candidate / incumbent;
  // A loss lies within c = 1 for r in [0, 2] only; below 0 the band is searched in units of its own range.
  const isLow = (r: number): boolean => scaled(test, totals(r), r).logPass >= bar;
  const isHigh = (r: number): boolean => scaled(test, totals(r), r).logFail >= bar;
  const low = isLow(LEAST) ? saved - lastReal(0, saved - LEAST, (x) => !isLow(saved - x)) : LEAST;
  const high = isHigh(1) ? saved + lastReal(0, 1 - saved, (x) => !isHigh(saved + x)) : 1;
  return { saved, low, high };
}

/** A candidate with more than ten times the false positives is not told apart from worse ones. */
const LEAST = -9;

/** With r < 0 a loss lies in [-(1 - r), 1]: it is divided by 1 - r, and so within c = 1 again. */
function scaled(
  test: BoundedTest,
  { n, sum, squares }: LossTotals,
  r: number,
): { readonly logPass: number; readonly logFail: number } {
  const unit = Math.max(1, 1 - r);
  const totals = { n, sum: sum / unit, squares: squares / unit ** 2 };
  return { logPass: test.logPass(totals), logFail: test.logFail(totals) };
}

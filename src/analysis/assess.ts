/**
 * A guardrail at a cut: the evidence for and against it (`assess`, cheap: at every cut), and what can be said of it
 * and how much is missing (`explain`, some milliseconds: for what is shown). Pure.
 *
 * Evidence is ln M of a test supermartingale at the margin: PASS at ln(1/α), FAIL at ln(G/α_F). See
 * docs/statistics.md, "Deciding".
 */
import type { Guardrail, GuardrailKind, JudgedKind } from './plan.ts';
import { bernoulliLowerBound, bernoulliUpperBound } from './statistics/bernoulli-sequence.ts';
import { createBernoulliTest } from './statistics/beta-binomial.ts';
import {
  createBoundedTest,
  type LossTotals,
  plannedIntrinsicTime,
} from './statistics/empirical-bernstein.ts';
import {
  bernsteinSequence,
  bernsteinUpperBound,
} from './statistics/empirical-bernstein-sequence.ts';
import { logMean, UNPLANNED_T_OPT } from './statistics/mean-mixture.ts';
import { lastReal } from './statistics/solve.ts';

/** Losses of these are 0 or 1, or a batch's share. The others lie in [-1, 1]. */
const RATES: ReadonlySet<GuardrailKind> = new Set([
  'label_flips',
  'outside_tolerance',
  'latency_slower',
]);

/** Where nothing is planned, bands are shown for this many pairs. */
const UNPLANNED_DISPLAY = 10_000;
/** Further than so many times the pairs so far no projection is made. */
const PROJECTION_FACTOR = 1e4;

export interface Assessment {
  readonly kind: JudgedKind;
  /** Name of the segment; empty: all pairs. */
  readonly segment: string;
  readonly margin: number;
  /** Pairs that say something of it. */
  readonly n: number;
  /** Mean loss; NaN at n = 0. */
  readonly mean: number;
  readonly logPass: number;
  readonly logFail: number;
  readonly state: 'pass' | 'fail' | 'open';
  /** Outcomes are missing: evidence holds whatever they are, and the mean is of those that are known. */
  readonly bounded?: boolean;
}

export interface Explanation {
  /** One-sided bound of the mean at the level of PASS: "at most"; infinite while nothing can be said. */
  readonly upper: number;
  /** Two-sided band of the mean at the same level, for display. */
  readonly band: readonly [number, number];
  /** Pairs until PASS if they go on like this; `null`: not like this, or not in sight. 0: it passes. */
  readonly missingPairs: number | null;
}

export interface Levels {
  readonly alphaPass: number;
  readonly alphaFail: number;
  /** Tests that can FAIL. */
  readonly tests: number;
}

/** A guardrail's two tests, made once. */
export interface GuardrailTest {
  readonly guardrail: Guardrail;
  readonly levels: Levels;
  logPass(totals: LossTotals): number;
  logFail(totals: LossTotals): number;
}

/** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on a margin or level outside its range */
export function createGuardrailTest(guardrail: Guardrail, levels: Levels): GuardrailTest {
  const { kind, margin, plannedPairs } = guardrail;
  const planned = plannedPairs > 0 ? [plannedPairs] : [...UNPLANNED_T_OPT];
  const alphaFail = levels.alphaFail / levels.tests;
  const pass = planned.map((tOpt) =>
    testAt(kind, { delta: margin, tOpt, alpha: levels.alphaPass }),
  );
  const fail = planned.map((tOpt) => testAt(kind, { delta: margin, tOpt, alpha: alphaFail }));
  return {
    guardrail,
    levels,
    logPass: (totals) => logMean(pass.map((test) => test.logPass(totals))),
    logFail: (totals) => logMean(fail.map((test) => test.logFail(totals))),
  };
}

function testAt(
  kind: GuardrailKind,
  { delta, tOpt, alpha }: { delta: number; tOpt: number; alpha: number },
): Pick<GuardrailTest, 'logPass' | 'logFail'> {
  if (RATES.has(kind)) {
    const test = createBernoulliTest({ delta, tOpt, alphaOpt: alpha });
    return {
      logPass: ({ sum, n }) => test.logPass(sum, n),
      logFail: ({ sum, n }) => test.logFail(sum, n),
    };
  }
  const vOpt = plannedIntrinsicTime(tOpt, delta, 1);
  return createBoundedTest({ delta, c: 1, vOpt, alphaOpt: alpha });
}

/** @param segment - name of the segment; empty: all pairs */
export function assess(test: GuardrailTest, totals: LossTotals, segment = ''): Assessment {
  const { guardrail, levels } = test;
  const { kind, margin } = guardrail;
  const logPass = test.logPass(totals);
  const logFail = test.logFail(totals);
  const isFail = logFail >= Math.log(levels.tests / levels.alphaFail);
  const isPass = logPass >= -Math.log(levels.alphaPass);
  const state = isFail ? 'fail' : isPass ? 'pass' : 'open';
  return { kind, segment, margin, ...meanOf(totals), logPass, logFail, state };
}

/** The contract: one violation decides it. */
export function assessContract({ kind }: Guardrail, totals: LossTotals, segment = ''): Assessment {
  const isBroken = totals.sum > 0;
  return {
    kind,
    segment,
    margin: 0,
    ...meanOf(totals),
    logPass: isBroken ? Number.NEGATIVE_INFINITY : 0,
    logFail: isBroken ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
    state: isBroken ? 'fail' : totals.n > 0 ? 'pass' : 'open',
  };
}

function meanOf({ n, sum }: LossTotals): { n: number; mean: number } {
  return { n, mean: n === 0 ? Number.NaN : sum / n };
}

export function explain(test: GuardrailTest, totals: LossTotals): Explanation {
  const { upper, band } = shown(test.guardrail, totals, test.levels.alphaPass);
  return { upper, band, missingPairs: missingPairs(test, totals) };
}

function shown(
  { kind, plannedPairs, margin }: Guardrail,
  totals: LossTotals,
  alpha: number,
): Pick<Explanation, 'upper' | 'band'> {
  const tOpt = plannedPairs > 0 ? plannedPairs : UNPLANNED_DISPLAY;
  const { n, sum } = totals;
  if (RATES.has(kind)) {
    const options = { alpha, tOpt };
    const half = { alpha: alpha / 2, tOpt };
    return {
      upper: bernoulliUpperBound(sum, n, options),
      band: [bernoulliLowerBound(sum, n, half), bernoulliUpperBound(sum, n, half)],
    };
  }
  const options = { alpha, c: 1, vOpt: plannedIntrinsicTime(tOpt, margin, 1) };
  return { upper: bernsteinUpperBound(totals, options), band: bernsteinSequence(totals, options) };
}

/** The same shares, more of them: the smallest scale at which the test passes. */
function missingPairs(test: GuardrailTest, totals: LossTotals): number | null {
  const { n, sum, squares } = totals;
  if (n === 0 || sum / n >= test.guardrail.margin) return null;
  const bar = -Math.log(test.levels.alphaPass);
  const most = Math.min(PROJECTION_FACTOR, 1e10 / n);
  if (test.logPass(totals) >= bar) return 0;
  const passes = (factor: number): boolean =>
    test.logPass({ n: n * factor, sum: sum * factor, squares: squares * factor }) >= bar;
  if (!passes(most)) return null;
  const factor = lastReal(1, most, (scale) => !passes(scale));
  return Math.ceil(n * (factor - 1));
}

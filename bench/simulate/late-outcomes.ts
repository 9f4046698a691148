/**
 * Guardrails of quality while outcomes come late, or only for what the incumbent let through: judged by the analysis'
 * own code at every cut, all that is mature, with the outcomes that are known by then.
 */
import { QualityJudge } from '../../src/analysis/quality/judge-quality.ts';
import type { OutcomeRow } from '../../src/analysis/quality/outcome-row.ts';
import type { QualityGuardrail, QualityPlan } from '../../src/analysis/quality/quality-plan.ts';
import { QualityTally } from '../../src/analysis/quality/quality-tally.ts';
import { createRandom } from './random.ts';
import { binomialLower, type Size } from './run-scenario.ts';

export interface OutcomeScenario {
  readonly name: string;
  readonly title: string;
  /** At the margin of each guardrail, where PASS and FAIL are both false; or as good as the incumbent: FAIL is. */
  readonly candidate: 'at the margin' | 'identical';
  /** `selective`: what the incumbent flags is stopped, so nobody learns what it was. */
  readonly arrival: 'prompt' | 'late' | 'selective';
}

export interface OutcomesResult {
  readonly name: string;
  readonly title: string;
  readonly streams: number;
  readonly pairs: number;
  /** Shares of streams, of the guardrail where it is largest. */
  readonly falsePass: number;
  readonly falseFail: number;
  readonly lowerBound: number;
  readonly alpha: number;
}

export const OUTCOMES: readonly OutcomeScenario[] = (
  [
    ['prompt', 'in time'],
    ['late', 'after 4 stretches in the mean, judged after 2'],
    ['selective', 'never for what the incumbent flags'],
  ] as const
).flatMap(([arrival, when]) =>
  (['at the margin', 'identical'] as const).map((candidate) => ({
    name: `outcomes-${arrival}-${candidate === 'identical' ? 'identical' : 'margin'}`,
    title: `candidate ${candidate}, outcomes ${when}`,
    ...{ candidate, arrival },
  })),
);

const ALPHA = 0.05;
/** Stretches of event time, a cut at the end of each; a pair is judged two of them later. */
const STRETCHES = 20;
const MATURITY = 2;
const MEAN_DELAY = 4;
const MOST_PAIRS = 4_000;
const MARGIN = 0.05;
const SAVED = 0.1;

const guardrail = (kind: QualityGuardrail['kind'], margin: number): QualityGuardrail => {
  return { kind, margin, plannedPairs: 2_000 };
};
const PLAN: QualityPlan = {
  ...{ positive: 'bad', negative: 'good', maturityMs: MATURITY, minCoverage: 0.95 },
  ...{ fewerFalsePositives: SAVED, calibrationShare: 0, calibrationPositives: 1 },
  guardrails: [
    guardrail('recall', MARGIN),
    guardrail('false_positive_rate', MARGIN),
    guardrail('recall_at_threshold', MARGIN),
    guardrail('false_positives_at_recall', 0),
  ],
};
const THRESHOLD = 0.5;
/** Chance to be flagged by the incumbent. */
const INCUMBENT = { positive: 0.7, negative: 0.1 } as const;
const POSITIVES = 0.3;
/** Both models look at the same noise so often. */
const SHARED = 0.8;

interface Outcome {
  readonly row: OutcomeRow;
  readonly positive: boolean;
  /** Stretch of the pair, and the cut from which on its outcome is known. */
  readonly stretch: number;
  readonly knownAt: number;
}

/** @param minCoverage - lower than the plan's: missing outcomes are passed over, as nobody should */
export function runOutcomes(
  scenario: OutcomeScenario,
  { streams, pairs, seed }: Size,
  minCoverage: number = PLAN.minCoverage,
): OutcomesResult {
  const plan = { ...PLAN, minCoverage };
  const judge = new QualityJudge(plan, { alphaPass: ALPHA, alphaFail: ALPHA, tests: 1 });
  const n = Math.min(pairs, MOST_PAIRS);
  const passes = plan.guardrails.map(() => 0);
  const fails = plan.guardrails.map(() => 0);
  for (let s = 0; s < streams; s++) {
    const outcomes = streamOf(scenario, createRandom(seed * 1_000_003 + s), n);
    const ever = everIn(judge, plan, outcomes);
    for (const [i, { passed, failed }] of ever.entries()) {
      passes[i] = (passes[i] ?? 0) + Number(passed);
      fails[i] = (fails[i] ?? 0) + Number(failed);
    }
  }
  const falsePasses = scenario.candidate === 'at the margin' ? Math.max(...passes) : 0;
  const falseFails = Math.max(...fails);
  return {
    ...{ name: scenario.name, title: scenario.title, streams, pairs: n, alpha: ALPHA },
    falsePass: falsePasses / streams,
    falseFail: falseFails / streams,
    lowerBound: binomialLower(Math.max(falsePasses, falseFails), streams),
  };
}

/** Of each guardrail, whether it ever passed and ever failed. */
function everIn(judge: QualityJudge, plan: QualityPlan, outcomes: readonly Outcome[]) {
  const ever = plan.guardrails.map(() => ({ passed: false, failed: false }));
  const { guardrails, fewerFalsePositives } = plan;
  const of = { threshold: THRESHOLD, fewerFalsePositives, guardrails };
  for (let cut = MATURITY + 1; cut <= STRETCHES + MATURITY; cut++) {
    const tally = new QualityTally(guardrails.length);
    for (const { row, positive, stretch, knownAt } of outcomes) {
      if (stretch + 1 + MATURITY > cut) break;
      tally.add(row, knownAt <= cut ? positive : null, of);
    }
    for (const [i, { state }] of judge.assess(tally, true).entries()) {
      const one = ever[i];
      if (one === undefined) continue;
      one.passed ||= state === 'pass';
      one.failed ||= state === 'fail';
    }
  }
  return ever;
}

function streamOf(
  { candidate, arrival }: OutcomeScenario,
  random: () => number,
  pairs: number,
): Outcome[] {
  const isWorse = candidate === 'at the margin';
  const theirs = {
    positive: INCUMBENT.positive - (isWorse ? MARGIN : 0),
    negative: INCUMBENT.negative + (isWorse ? MARGIN : 0),
  };
  // Of false positives at the threshold the margin is 0: so many fewer, and not one less.
  const at = { positive: theirs.positive, negative: (1 - SAVED) * INCUMBENT.negative };
  return Array.from({ length: pairs }, (_, i) => {
    const positive = random() < POSITIVES;
    const side = positive ? 'positive' : 'negative';
    const u = random();
    const v = random() < SHARED ? u : random();
    const incumbentFlagged = u < INCUMBENT[side];
    const stretch = Math.floor((i * STRETCHES) / pairs);
    const delay = arrival === 'late' ? -MEAN_DELAY * Math.log(1 - random()) : 0;
    const isNever = arrival === 'selective' && incumbentFlagged;
    return {
      row: {
        ...{ id: '', key: '', exchange: '', timeMs: stretch, calibrates: false },
        incumbentScore: Number.NaN,
        candidateScore: v < at[side] ? 1 : 0,
        ...{ incumbentFlagged, candidateFlagged: v < theirs[side], candidateFailed: false },
      },
      ...{ positive, stretch, knownAt: isNever ? Number.POSITIVE_INFINITY : stretch + 1 + delay },
    };
  });
}

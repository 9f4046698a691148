/**
 * The verdict at a cut, from states of event time alone: never of the moment of looking. Pure.
 *
 *   integrity broken → INVALID;  some guardrail FAIL → FAIL;  coverage too low → INVALID;
 *   all guardrails and all gates → PASS;  time is up → INCONCLUSIVE;  otherwise CONTINUE
 *
 * Where coverage is too low, FAIL needs evidence that holds with each missing copy at its best value. What the
 * breaker kept back is not missing where failures are judged: it is the candidate's failure (refused.ts).
 * Source: docs/statistics.md, "Verdict".
 */
import {
  type Assessment,
  assess,
  assessContract,
  createGuardrailTest,
  type Explanation,
  explain,
  type GuardrailTest,
} from './assess.ts';
import type { CutState } from './cut-state.ts';
import { countTests, type ExperimentPlan, type Guardrail, isTested } from './plan.ts';
import { QualityJudge } from './quality/judge-quality.ts';
import type { QualityTally } from './quality/quality-tally.ts';
import { withRefused } from './refused.ts';

export const VERDICTS = ['PASS', 'FAIL', 'CONTINUE', 'INCONCLUSIVE', 'INVALID'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Why a verdict is not better: a bounded set, each told in docs/reading-a-report.md. */
export const GATE_REASONS = [
  'too_few_pairs',
  'too_few_segment_pairs',
  'too_short',
  'coverage',
  'breaker_open',
  'recent_window',
  'model_version_missing',
  'model_version_changed',
  'selection_mismatch',
  'coverage_unknown',
  'outcomes_unknown',
  'outcomes_left_out',
  'threshold_not_chosen',
] as const;
export type GateReason = (typeof GATE_REASONS)[number];

export interface Gate {
  readonly reason: GateReason;
  /** In a sentence. */
  readonly text: string;
}

/** A part of the copies, and how many of them were observed and lost. */
export interface CoveragePart {
  /** `''` all; `segment NAME`, `route NAME`, `hour ISO`, `size 1k-4k`. */
  readonly part: string;
  readonly observed: number;
  readonly lost: number;
}

export interface Coverage {
  /** The first is all of it. Empty: nobody has told. */
  readonly parts: readonly CoveragePart[];
  /** Copies not sent because the breaker was open: in all, and in the last window. */
  readonly breakerOpen: number;
  readonly breakerOpenLately: number;
}

/** What is known at a cut. */
export interface CutInput {
  /** End of the cut, Unix ms, event time. */
  readonly cutMs: number;
  /** State of all pairs up to the cut, and of each named segment in the order of the plan. */
  readonly all: CutState;
  readonly segments: readonly CutState[];
  /** State since the last full window, and the window's number from 1. */
  readonly window: CutState;
  readonly windowNumber: number;
  readonly coverage: Coverage;
  /** Where the plan judges quality. */
  readonly quality?: QualityInput;
}

/** What is known of outcomes at a cut. */
export interface QualityInput {
  /** Pairs that are mature. */
  readonly tally: QualityTally;
  readonly isThresholdKnown: boolean;
  /** Positives that have chosen the threshold so far. */
  readonly calibrationPositives: number;
  /** Pairs that found no room. */
  readonly leftOut: number;
}

export interface CutVerdict {
  readonly cutMs: number;
  readonly pairs: number;
  readonly verdict: Verdict;
  readonly gates: readonly Gate[];
  readonly assessments: readonly Assessment[];
}

/** Judges cuts of one plan; its tests are made once. */
export class Judge {
  readonly #plan: ExperimentPlan;
  readonly #tests: ReadonlyMap<Guardrail, GuardrailTest>;
  /** `null`: the plan judges no quality. */
  readonly quality: QualityJudge | null;

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on margins and levels outside their ranges */
  constructor(plan: ExperimentPlan) {
    this.#plan = plan;
    const { alphaPass, alphaFail } = plan;
    const levels = { alphaPass, alphaFail, tests: countTests(plan) };
    this.#tests = new Map(
      plan.guardrails
        .filter(({ kind }) => isTested(kind))
        .map((guardrail) => [guardrail, createGuardrailTest(guardrail, levels)]),
    );
    this.quality = plan.quality === undefined ? null : new QualityJudge(plan.quality, levels);
  }

  judge(input: CutInput): CutVerdict {
    const assessments = [
      ...this.#assess(input.all, '', input.coverage.breakerOpen),
      ...this.#plan.segments.flatMap(({ name }, i) => {
        const state = input.segments[i];
        return state === undefined ? [] : this.#assess(state, name);
      }),
      ...this.#assessQuality(input.quality),
    ];
    const integrity = this.#integrityGates(input.all);
    const coverage = this.#coverageGates(input.coverage);
    const gates = [...integrity, ...coverage.gates, ...this.#passGates(input)];
    const verdict = this.#verdict({ input, assessments, integrity, coverage, gates });
    return {
      cutMs: input.cutMs,
      pairs: input.all.count('pairs'),
      verdict,
      gates,
      assessments,
    };
  }

  /**
   * What can be said of one guardrail of the plan; `null` for the contract, of which the count says all.
   *
   * @param refused - copies that the breaker kept back: known of all pairs alone
   */
  explain(guardrail: Guardrail, state: CutState, refused = 0): Explanation | null {
    const test = this.#tests.get(guardrail);
    const totals = state.losses[this.#plan.guardrails.indexOf(guardrail)]?.totals();
    if (test === undefined || totals === undefined) return null;
    return explain(test, withRefused(guardrail.kind, totals, refused));
  }

  #verdict(of: {
    readonly input: CutInput;
    readonly assessments: readonly Assessment[];
    readonly integrity: readonly Gate[];
    readonly coverage: { readonly isInvalid: boolean };
    readonly gates: readonly Gate[];
  }): Verdict {
    const { input, assessments, integrity, coverage, gates } = of;
    if (integrity.length > 0) return 'INVALID';
    const isFail = coverage.isInvalid
      ? this.#failsAtBest(input)
      : assessments.some(({ state }) => state === 'fail');
    if (isFail) return 'FAIL';
    if (coverage.isInvalid) return 'INVALID';
    if (gates.length === 0 && assessments.every(({ state }) => state === 'pass')) return 'PASS';
    const elapsedMs = input.cutMs - Date.parse(this.#plan.startedAt);
    // Outcomes of the last pairs are waited for.
    const maturityMs = this.#plan.quality?.maturityMs ?? 0;
    const isOver = elapsedMs >= this.#plan.gates.maxDurationMs + maturityMs;
    return isOver ? 'INCONCLUSIVE' : 'CONTINUE';
  }

  #assess(state: CutState, segment: string, refused = 0): Assessment[] {
    return this.#plan.guardrails.flatMap((guardrail, i) => {
      const paired = state.losses[i]?.totals();
      if (paired === undefined) return [];
      const totals = withRefused(guardrail.kind, paired, refused);
      const test = this.#tests.get(guardrail);
      return test === undefined
        ? assessContract(guardrail, totals, segment)
        : assess(test, totals, segment);
    });
  }

  #assessQuality(input: QualityInput | undefined): Assessment[] {
    if (this.quality === null || input === undefined) return [];
    return this.quality.assess(input.tally, input.isThresholdKnown);
  }

  /** FAIL that stands although copies are missing: they count as pairs with the best loss of each guardrail. */
  #failsAtBest({ all, coverage }: CutInput): boolean {
    const lost = coverage.parts[0]?.lost ?? 0;
    return this.#plan.guardrails.some((guardrail, i) => {
      const paired = all.losses[i]?.totals();
      if (paired === undefined) return false;
      const totals = withRefused(guardrail.kind, paired, coverage.breakerOpen);
      const missing = Math.max(0, lost - (totals.n - paired.n));
      if (totals.n === 0) return false;
      const test = this.#tests.get(guardrail);
      if (test === undefined) return assessContract(guardrail, totals).state === 'fail';
      const best = bestLoss(guardrail);
      const n = totals.n + missing;
      const sum = totals.sum + best * missing;
      const squares = totals.squares + best * best * missing;
      return assess(test, { n, sum, squares }).state === 'fail';
    });
  }

  #integrityGates(all: CutState): Gate[] {
    const gates: Gate[] = [];
    const mismatches = all.count('selectionMismatches');
    if (mismatches > 0) {
      const text = `${mismatches} pairs were not selected as their probability says`;
      gates.push({ reason: 'selection_mismatch', text });
    }
    const missing = all.count('versionsMissing');
    if (missing > 0) {
      const text = `${missing} answers do not say which model version gave them`;
      gates.push({ reason: 'model_version_missing', text });
    }
    for (const side of ['incumbent', 'candidate']) {
      const versions = all.versions.entries().filter(([name]) => name.startsWith(`${side}:`));
      if (versions.length <= 1) continue;
      // Models name themselves: quoted, so that no name reads as a line or a sentence of ours.
      const names = versions
        .map(([name]) => JSON.stringify(name.slice(side.length + 1)))
        .join(', ');
      const text = `the ${side}'s model version changed: ${names}`;
      gates.push({ reason: 'model_version_changed', text });
    }
    return gates;
  }

  #coverageGates({ parts }: Coverage): { gates: Gate[]; isInvalid: boolean } {
    const { passCoverage, validCoverage } = this.#plan.gates;
    if (parts.length === 0) {
      const text = 'nobody has told how many copies were lost';
      return { gates: [{ reason: 'coverage_unknown', text }], isInvalid: false };
    }
    const low = parts.filter((part) => shareOf(part) < passCoverage);
    const gates = low.map((part): Gate => {
      const where = part.part === '' ? '' : ` of ${part.part}`;
      const text = `coverage${where} is ${percent(shareOf(part))}, ${percent(passCoverage)} is needed`;
      return { reason: 'coverage', text };
    });
    // In all or in a named segment: a single bad hour or size class blocks PASS, no more.
    const isInvalid = parts.some((part) => {
      const isDecisive = part.part === '' || part.part.startsWith('segment ');
      return isDecisive && shareOf(part) < validCoverage;
    });
    return { gates, isInvalid };
  }

  #passGates(input: CutInput): Gate[] {
    const { gates: limits, segments } = this.#plan;
    const gates: Gate[] = [];
    const pairs = input.all.count('pairs');
    if (pairs < limits.minPairs) {
      gates.push({ reason: 'too_few_pairs', text: `${pairs} of ${limits.minPairs} pairs` });
    }
    for (const [i, { name }] of segments.entries()) {
      const own = input.segments[i]?.count('pairs') ?? 0;
      if (own >= limits.minSegmentPairs) continue;
      const text = `${own} of ${limits.minSegmentPairs} pairs in segment ${name}`;
      gates.push({ reason: 'too_few_segment_pairs', text });
    }
    const elapsedMs = input.cutMs - Date.parse(this.#plan.startedAt);
    if (elapsedMs < limits.minDurationMs) {
      const text = `${duration(elapsedMs)} of ${duration(limits.minDurationMs)}`;
      gates.push({ reason: 'too_short', text });
    }
    const { breakerOpenLately } = input.coverage;
    if (breakerOpenLately > 0) {
      const text = `the breaker kept ${breakerOpenLately} copies from the candidate lately`;
      gates.push({ reason: 'breaker_open', text });
    }
    return [...gates, ...this.#qualityGates(input.quality), ...this.#windowAlarms(input)];
  }

  #qualityGates(input: QualityInput | undefined): Gate[] {
    const { quality } = this.#plan;
    if (quality === undefined) return [];
    const gates: Gate[] = [];
    if (input === undefined || input.tally.known === 0) {
      gates.push({ reason: 'outcomes_unknown', text: 'no mature pair has an outcome yet' });
    }
    const { leftOut = 0, calibrationPositives = 0, isThresholdKnown = false } = input ?? {};
    if (leftOut > 0) {
      const text = `${leftOut} pairs found no room to wait for their outcomes`;
      gates.push({ reason: 'outcomes_left_out', text });
    }
    if (quality.fewerFalsePositives > 0 && !isThresholdKnown) {
      const text = `${calibrationPositives} of ${quality.calibrationPositives} ${quality.positive} outcomes that choose the threshold`;
      gates.push({ reason: 'threshold_not_chosen', text });
    }
    return gates;
  }

  /**
   * A FAIL test of its own for each window, so that a late regression is not averaged away: level
   * 6 α_F / (π² j² G) in the j-th, together at most α_F.
   */
  #windowAlarms({ window, windowNumber }: CutInput): Gate[] {
    const j = Math.max(1, windowNumber);
    const { alphaFail } = this.#plan;
    const bar = Math.log((Math.PI ** 2 * j ** 2 * countTests(this.#plan)) / (6 * alphaFail));
    return this.#plan.guardrails.flatMap((guardrail, i): Gate[] => {
      const totals = window.losses[i]?.totals();
      const test = this.#tests.get(guardrail);
      if (totals === undefined || test === undefined || test.logFail(totals) < bar) return [];
      const mean = totals.sum / totals.n;
      const text = `${guardrail.kind} was ${percent(mean)} in the last window (${totals.n} pairs)`;
      return [{ reason: 'recent_window', text }];
    });
  }
}

/** The loss that speaks most for the candidate. */
function bestLoss({ kind }: Guardrail): number {
  switch (kind) {
    case 'errors':
    case 'score_bias_up':
    case 'score_bias_down':
    case 'latency_over_objective':
      return -1;
    default:
      return 0;
  }
}

/** Share of the copies of a part that were observed; 1 where there were none. */
export function shareOf({ observed, lost }: CoveragePart): number {
  return observed + lost === 0 ? 1 : observed / (observed + lost);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function duration(ms: number): string {
  const hours = ms / 3_600_000;
  return hours >= 1 ? `${hours.toFixed(1)} h` : `${(ms / 60_000).toFixed(1)} min`;
}

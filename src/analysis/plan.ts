/**
 * What an experiment judges, frozen at its start: any change makes another plan, with another hash, and so
 * another experiment. Pure.
 *
 * Sources of the defaults: docs/statistics.md.
 */
import { hash } from 'node:crypto';
import type { QualityKind, QualityPlan } from './quality/quality-plan.ts';

/** What a guardrail looks at; each has a loss of its own (losses.ts), larger is worse. */
export const GUARDRAIL_KINDS = [
  'contract',
  'errors',
  'label_flips',
  'outside_tolerance',
  'score_bias_up',
  'score_bias_down',
  'score_difference',
  'latency_over_objective',
  'latency_slower',
] as const;
export type GuardrailKind = (typeof GUARDRAIL_KINDS)[number];
/** All that an assessment can be of: with outcomes, quality too. */
export type JudgedKind = GuardrailKind | QualityKind;

export interface Guardrail {
  readonly kind: GuardrailKind;
  /** Largest acceptable mean loss: a share for rates, of the score range for scores; 0 for the contract. */
  readonly margin: number;
  /** Pairs that are expected to decide it; 0: no plan, the test is sharp over three decades. */
  readonly plannedPairs: number;
}

/** A named segment is a guardrail of its own: part of PASS. */
export interface NamedSegment {
  readonly name: string;
  /** JSON Pointer that the route captures. */
  readonly pointer: string;
  /** JSON value, as text. */
  readonly value: string;
}

export interface Gates {
  /** Pairs in all, and in each named segment. */
  readonly minPairs: number;
  readonly minSegmentPairs: number;
  /** From the start to the cut, event time. */
  readonly minDurationMs: number;
  /** After it: INCONCLUSIVE. */
  readonly maxDurationMs: number;
  /** Shares of copies observed: less is no PASS, less is INVALID. */
  readonly passCoverage: number;
  readonly validCoverage: number;
}

export interface ExperimentPlan {
  /** Experiment of the pairs that are judged. */
  readonly experiment: string;
  readonly candidate: string;
  /** Pairs of earlier exchanges are not part of it. ISO 8601 UTC. */
  readonly startedAt: string;
  readonly guardrails: readonly Guardrail[];
  readonly segments: readonly NamedSegment[];
  /** JSON Pointers whose values are looked at for alarms. */
  readonly discover: readonly string[];
  readonly gates: Gates;
  /** Error levels, one-sided: of each PASS, of any FAIL, of alarms in discovered segments. */
  readonly alphaPass: number;
  readonly alphaFail: number;
  readonly alphaAlarm: number;
  /** Scores lie in [low, high]. */
  readonly scoreRange: readonly [number, number];
  /** What a latency is held against, and how much slower than the incumbent is slower, milliseconds. */
  readonly objectiveMs: number;
  readonly slowerByMs: number;
  /** Distance of cut points and length of a window, event time, milliseconds; the second a multiple. */
  readonly cutMs: number;
  readonly windowMs: number;
  /** Name of the preset that margins come from where the owner has set none. */
  readonly preset?: string;
  /** What is judged once outcomes are known; missing: nothing. */
  readonly quality?: QualityPlan;
}

/** Guardrails that are decided by a test; the contract is decided by the first violation. */
export function isTested(kind: GuardrailKind): boolean {
  return kind !== 'contract';
}

/** G: tests that can FAIL, each named segment counted. */
export function countTests({ guardrails, segments, quality }: ExperimentPlan): number {
  const tested = guardrails.filter(({ kind }) => isTested(kind)).length;
  return Math.max(1, tested * (1 + segments.length) + (quality?.guardrails.length ?? 0));
}

/**
 * Names a plan: equal plans have equal hashes, whatever the order of their keys.
 *
 * @returns 16 hexadecimal digits
 */
export function hashPlan(plan: ExperimentPlan): string {
  return hash('sha256', canonicalJson(plan), 'hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

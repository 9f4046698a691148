import type { ExperimentPlan, Guardrail, GuardrailKind } from '../../src/analysis/plan.ts';
import type { Pair, PairFlag, Prediction } from '../../src/pair/pair.ts';

export const START_MS = Date.parse('2026-11-01T00:00:00Z');

export interface PairOptions {
  readonly seq: number;
  /** Milliseconds after the start of the experiment. */
  readonly atMs?: number;
  readonly incumbent?: Prediction | null;
  readonly candidate?: Prediction | null;
  readonly incumbentMs?: number;
  readonly candidateMs?: number;
  readonly captured?: Pair['captured'];
  readonly flags?: readonly PairFlag[];
  readonly change?: Partial<Pair>;
}

const GOOD: Prediction = { score: 0.2, label: 'good' };

/** A pair of an identical candidate, but for what is said; `null`: that side gave a 500. */
export function pairOf(options: PairOptions): Pair {
  const { seq, atMs = seq * 10, captured = {}, flags = [], change } = options;
  const { incumbent = GOOD, candidate = GOOD, incumbentMs = 3, candidateMs = 3 } = options;
  const side = (prediction: Prediction | null, version: string, latency_ms: number) =>
    prediction === null
      ? { status: 500, first_byte_ms: latency_ms, latency_ms, predictions: [] }
      : {
          status: 200,
          first_byte_ms: latency_ms,
          latency_ms,
          model_version: version,
          predictions: [prediction],
        };
  const flips = incumbent?.label === candidate?.label ? 0 : 1;
  const delta = (candidate?.score ?? 0) - (incumbent?.score ?? 0);
  return {
    schema: 'understudy.pair/1',
    id: `e1.${seq}/next`,
    instance: 'host/gw0',
    epoch: 'e1',
    seq,
    time: new Date(START_MS + atMs).toISOString(),
    experiment: 'parity',
    route: 'score',
    key: `k${seq}`,
    captured,
    selection: { u: 0.5, probability: 1, rule: 'default', settings_version: 1 },
    request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 400 },
    flags,
    incumbent: side(incumbent, '1.0', incumbentMs),
    candidate: {
      name: 'next',
      role: 'candidate',
      queue_ms: 0.2,
      ...side(candidate, '2.0', candidateMs),
    },
    divergence: {
      score_delta_max: delta,
      label_flips: flips,
      outside_tolerance: Math.abs(delta) > 1e-6 ? 1 : 0,
      fields: [],
    },
    state: 'paired',
    ...change,
  };
}

const MARGINS: Readonly<Record<GuardrailKind, number>> = {
  contract: 0,
  errors: 0.001,
  label_flips: 0.01,
  outside_tolerance: 0.005,
  score_bias_up: 0.005,
  score_bias_down: 0.005,
  score_difference: 0.01,
  latency_over_objective: 0.005,
  latency_slower: 0.05,
};

export function guardrail(kind: GuardrailKind, change: Partial<Guardrail> = {}): Guardrail {
  return { kind, margin: MARGINS[kind], plannedPairs: 0, ...change };
}

/** An hour's experiment of a candidate that is to be the same. */
export function planOf(change: Partial<ExperimentPlan> = {}): ExperimentPlan {
  return {
    experiment: 'parity',
    candidate: 'next',
    startedAt: new Date(START_MS).toISOString(),
    guardrails: [guardrail('contract'), guardrail('errors'), guardrail('label_flips')],
    segments: [],
    discover: [],
    gates: {
      minPairs: 3_000,
      minSegmentPairs: 300,
      minDurationMs: 60_000,
      maxDurationMs: 28 * 24 * 3_600_000,
      passCoverage: 0.995,
      validCoverage: 0.95,
    },
    alphaPass: 0.05,
    alphaFail: 0.05,
    alphaAlarm: 0.05,
    scoreRange: [0, 1],
    objectiveMs: 50,
    slowerByMs: 5,
    cutMs: 10_000,
    windowMs: 60_000,
    ...change,
  };
}

export const FULL_COVERAGE = {
  parts: [{ part: '', observed: 1_000, lost: 0 }],
  breakerOpen: 0,
  breakerOpenLately: 0,
} as const;

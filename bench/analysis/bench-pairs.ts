/** Made-up pairs for the benches of the analysis, and the plan that judges them. */
import type { ExperimentPlan } from '../../src/analysis/plan.ts';
import { ANALYSIS_PROFILES, GUARDRAIL_PRESETS } from '../../src/config/analysis-defaults.ts';
import type { Pair } from '../../src/pair/pair.ts';

export const DAY_MS = 86_400_000;
export const EPOCH = '0dglo0hfuebnkc51ks97';
export const START_MS = Date.parse('2026-11-01T00:00:00Z');

const margin = GUARDRAIL_PRESETS.identical;
/** Eight guardrails, a named segment, a watched pointer of 50 values. */
export const PLAN: ExperimentPlan = {
  experiment: 'bench',
  candidate: 'next',
  startedAt: new Date(START_MS).toISOString(),
  guardrails: (
    [
      ['contract', 0],
      ['errors', margin.errors],
      ['label_flips', margin.labelFlips],
      ['outside_tolerance', margin.outsideTolerance],
      ['score_bias_up', margin.scoreBias],
      ['score_bias_down', margin.scoreBias],
      ['score_difference', margin.scoreDifference],
      ['latency_over_objective', margin.overObjective],
    ] as const
  ).map(([kind, each]) => ({ kind, margin: each, plannedPairs: 0 })),
  segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }],
  discover: ['/region'],
  ...ANALYSIS_PROFILES.production,
  alphaPass: 0.05,
  alphaFail: 0.05,
  alphaAlarm: 0.05,
  scoreRange: [0, 1],
  objectiveMs: 50,
  slowerByMs: 5,
};

/**
 * Of a day's pairs, with a score that differs a little, a tier and a region; their JSON has about 900 bytes.
 *
 * @param count - pairs of the day
 */
export function benchPair(seq: number, count: number): Pair {
  const score = ((seq * 7919) % 10_007) / 10_007;
  const other = Math.min(1, Math.max(0, score + ((seq % 13) - 6) * 1e-4));
  const side = (value: number, version: string) => ({
    status: 200,
    first_byte_ms: 2 + (seq % 17) / 10,
    latency_ms: 2.1 + (seq % 17) / 10,
    model_version: version,
    predictions: [{ score: value, label: value > 0.5 ? 'bad' : 'good' }],
  });
  return {
    ...{ schema: 'understudy.pair/1', id: `${EPOCH}.${seq}/next`, instance: 'vm/gw0' },
    ...{ epoch: EPOCH, seq, experiment: 'bench', route: 'score' },
    time: new Date(START_MS + (seq * DAY_MS) / count).toISOString().replace('Z', '000Z'),
    key: `${EPOCH}.${seq}`,
    join: `lc-${seq}`,
    captured: { '/tier': seq % 10 === 0 ? 'gold' : 'base', '/region': `r${seq % 50}` },
    selection: { u: 0.25, probability: 1, rule: 'default', settings_version: 0 },
    request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 440 },
    flags: [],
    incumbent: side(score, '1'),
    candidate: { name: 'next', role: 'candidate', queue_ms: 0.4, ...side(other, '2') },
    divergence: {
      ...{
        score_delta_max: other - score,
        label_flips: 0,
        outside_tolerance: seq % 13 === 6 ? 0 : 1,
      },
      fields: [],
    },
    state: 'paired',
  };
}

/** What `report --format json` and `verdict --format json` print, as a schema; later revisions may add fields. */
import { z } from 'zod';
import { GUARDRAIL_KINDS } from '../../src/analysis/plan.ts';
import { QUALITY_KINDS } from '../../src/analysis/quality/quality-plan.ts';
import { GATE_REASONS, VERDICTS } from '../../src/analysis/verdict.ts';

const object = z.looseObject;
const text = z.string();
const real = z.number();
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const time = z.string().describe('ISO 8601 UTC; empty: not yet, or never');
const interval = z.tuple([real, real]).describe('low, high');
const band = z.tuple([real.nullable(), real.nullable()]).describe('low, high; null: unbounded');
const guardrail = z.enum(GUARDRAIL_KINDS);
const judged = z.enum([...GUARDRAIL_KINDS, ...QUALITY_KINDS]);
const state = z.enum(['pass', 'fail', 'open']);
const segment = text.describe('Name of a named segment; empty: all pairs');

const verdict = object({
  experiment: text,
  candidate: text,
  verdict: z.enum(VERDICTS),
  attempt: z.int().min(1),
  attempts: z.int().min(1),
  hash: text.describe('Of plan and configuration'),
  profile: text,
  startedAt: time,
  startedBy: text,
  reason: text,
  closedAt: time,
  cut: time.describe('Last closed cut; empty: none yet'),
  pairs: count,
  standing: z.enum(['held', 'lapsed', 'withdrawn']).nullable().describe('Of the first PASS'),
  firstPassAt: time,
  withdrawnAt: time,
  firstFailAt: time,
  gates: z.array(object({ reason: z.enum(GATE_REASONS), text })),
  evidence: z.array(
    object({
      guardrail: judged,
      segment,
      state,
      margin: real,
      mean: real.nullable(),
      n: count,
      sentence: text,
      missingPairs: count.nullable(),
    }),
  ),
  drivers: z.array(text),
  pairsPerHour: real.min(0),
  decisionInMs: real.min(0).nullable(),
  preset: text,
  outcomes: object({
    ...{ mature: count, known: count, positives: count, leastCoverage: real },
    threshold: real.nullable(),
  })
    .nullable()
    .describe('null: no outcomes are judged'),
  headline: object({
    question: text,
    answer: z.enum(['yes', 'no', 'open']),
    parts: z.array(object({ state, sentence: text })),
  }).nullable(),
});

const plan = object({
  experiment: text,
  candidate: text,
  startedAt: time,
  guardrails: z.array(object({ kind: guardrail, margin: real, plannedPairs: count })),
  segments: z.array(object({ name: text, pointer: text, value: text })),
  discover: z.array(text),
  gates: object({
    ...{ minPairs: count, minSegmentPairs: count, minDurationMs: real, maxDurationMs: real },
    ...{ passCoverage: share, validCoverage: share },
  }),
  ...{ alphaPass: share, alphaFail: share, alphaAlarm: share },
  scoreRange: interval,
  ...{ objectiveMs: real, slowerByMs: real, cutMs: real, windowMs: real },
});

const curve = z.array(z.tuple([share, share])).describe('false-positive rate, recall');
const decisions = z.array(count).describe('neither flags, candidate alone, incumbent alone, both');
const quality = object({
  ...{ mature: count, known: count, positives: count, minCoverage: share, leastCoverage: real },
  isBounded: z.boolean(),
  ages: z.array(object({ age: text, pairs: count, known: count })),
  byDecision: object({ positives: decisions, negatives: decisions, unknown: decisions }),
  measures: z.array(
    object({
      ...{ name: text, incumbent: real.nullable(), candidate: real.nullable() },
      ...{ interval: interval.nullable(), method: text, midP: real.nullable() },
    }),
  ),
  sampled: count,
  roc: object({ incumbent: curve, candidate: curve }),
  atThreshold: object({
    ...{ threshold: real, calibrationPositives: count, positives: decisions, negatives: decisions },
    failedNegatives: count,
    saved: object({ saved: real, low: real, high: real }).nullable(),
  }).nullable(),
  ...{ leftOut: count, foreign: count },
});

const named = z.array(object({ name: text, count }));
const side = object({ ms: real, low: real.nullable(), high: real.nullable() });
const ecdf = z.array(z.tuple([real, share])).describe('ms, share of answers at most so late');

const report = object({
  verdict,
  plan,
  coverage: z.array(object({ part: text, observed: count, lost: count })),
  breakerOpen: count,
  breaker: object({ opens: count, brokenMs: real, uptimeMs: real }).nullable(),
  copies: z.array(object({ state: text, reason: text, count })),
  warmUp: count,
  versions: named,
  violations: named,
  failures: object({
    ...{ both: count, onlyCandidate: count, onlyIncumbent: count, neither: count },
    ...{ candidate: interval, incumbent: interval, difference: interval, midP: share },
  }).nullable(),
  scores: object({
    n: count,
    zeros: count,
    quantiles: z.array(object({ p: share, value: real })),
    bins: z.array(object({ from: real, to: real, count })),
    sampled: count,
    agreement: object({
      ...{ kendall: real.nullable(), spearman: real.nullable(), lin: real.nullable() },
      ...{ psi: real, psiFloored: count, ks: real, jensenShannon: real, hellinger: real },
      wasserstein: real,
    }).nullable(),
    points: z.array(z.tuple([real, real])).describe('incumbent, candidate'),
    histogram: object({ incumbent: z.array(count), candidate: z.array(count) }),
  }),
  latency: object({
    n: count,
    quantiles: z.array(
      object({ p: share, incumbent: side, candidate: side, ratio: real.nullable() }),
    ),
    ecdf: object({ incumbent: ecdf, candidate: ecdf }),
    queueP95Ms: real.nullable(),
    typicalDifferenceMs: real.nullable(),
    sampled: count,
  }),
  quality: quality.nullable().describe('null: no outcomes are judged'),
  labels: z.array(object({ incumbent: text, candidate: text, count })),
  overTime: z.array(
    object({ guardrail, atMs: real, n: count, mean: real, band, lately: real.nullable() }),
  ),
  segments: z.array(
    object({
      ...{ name: text, pointer: text, value: text, pairs: count, share: share.nullable() },
      ...{ flips: share.nullable(), differenceP50: real.nullable() },
      ...{ differenceP95: real.nullable(), incumbentP95Ms: real.nullable() },
      candidateP95Ms: real.nullable(),
    }),
  ),
  examples: z.array(
    object({
      ...{ id: text, time, route: text, difference: real, flips: count },
      ...{ incumbentScore: text, incumbentLabel: text },
      ...{ candidateScore: text, candidateLabel: text },
      captured: z.array(object({ pointer: text, value: text })),
    }),
  ),
  alarms: z.array(
    object({
      ...{ pointer: text, bucket: count, guardrail, margin: real, n: count, mean: real, low: real },
      values: z.array(object({ value: text, pairs: count })),
      otherPairs: count,
    }),
  ),
  settings: z.array(object({ at: time, text })),
});

export const REPORT_SCHEMA = object({
  schema: z.literal('understudy.report/1'),
  reports: z.array(report),
});

export const VERDICT_SCHEMA = object({
  schema: z.literal('understudy.verdict/1'),
  verdicts: z.array(verdict),
});

/** Of a published file. */
export function toPublished(schema: z.ZodType, title: string): string {
  const json = z.toJSONSchema(schema, { target: 'draft-2020-12' });
  return `${JSON.stringify({ $schema: json.$schema, title, ...json }, null, 2)}\n`;
}

/** From a configuration to what an attempt of a candidate judges, and the name of both together. Pure. */
import { hash } from 'node:crypto';
import type { CandidateConfig, Config, MarginsConfig, RouteConfig } from '../config/types.ts';
import { type ExperimentPlan, type GuardrailKind, hashPlan } from './plan.ts';
import { LOG_LOSS_RANGE } from './quality/quality-losses.ts';
import type { QualityGuardrail, QualityKind, QualityPlan } from './quality/quality-plan.ts';

/** What the plan and its name are made of. */
export type PlanConfig = Pick<
  Config,
  'experiment' | 'analysis' | 'candidates' | 'routes' | 'listeners' | 'mirror'
>;

/** Guardrails by the key of their margin. */
const KINDS = {
  contract: ['contract'],
  errors: ['errors'],
  labelFlips: ['label_flips'],
  outsideTolerance: ['outside_tolerance'],
  scoreBias: ['score_bias_up', 'score_bias_down'],
  scoreDifference: ['score_difference'],
  overObjective: ['latency_over_objective'],
  slower: ['latency_slower'],
} as const satisfies Record<keyof MarginsConfig, readonly GuardrailKind[]>;

const OF_LABELS: ReadonlySet<string> = new Set(['labelFlips']);
const OF_SCORES: ReadonlySet<string> = new Set([
  'outsideTolerance',
  'scoreBias',
  'scoreDifference',
]);

/**
 * The plan of a candidate. Guardrails of labels or scores are in it where some route of the candidate reads them:
 * else nothing would ever be said of them, and PASS never come.
 *
 * @param startedAt - ISO 8601 UTC
 */
export function toPlan(
  config: PlanConfig,
  candidate: CandidateConfig,
  startedAt: string,
): ExperimentPlan {
  const { analysis, experiment } = config;
  const routes = routesOf(config, candidate);
  const readsLabels = routes.some(({ prediction }) => prediction.label !== '');
  const readsScores = routes.some(({ prediction }) => prediction.score !== '');
  const isJudged = (key: string): boolean =>
    (readsLabels || !OF_LABELS.has(key)) && (readsScores || !OF_SCORES.has(key));
  const guardrails = Object.entries(KINDS).flatMap(([key, kinds]) => {
    const margin = analysis.margins[key as keyof MarginsConfig];
    if (margin === null || !isJudged(key)) return [];
    return kinds.map((kind) => ({ kind, margin, plannedPairs: analysis.plannedPairs }));
  });
  return {
    experiment,
    candidate: candidate.name,
    startedAt,
    guardrails,
    segments: analysis.segments,
    discover: analysis.discover,
    gates: analysis.gates,
    alphaPass: analysis.alphaPass,
    alphaFail: analysis.alphaFail,
    alphaAlarm: analysis.alphaAlarm,
    scoreRange: analysis.scoreRange,
    objectiveMs: analysis.objectiveMs,
    slowerByMs: analysis.slowerByMs,
    cutMs: analysis.cutMs,
    windowMs: analysis.windowMs,
    preset: analysis.guardrails,
    ...qualityOf(config, { readsLabels, readsScores }),
  };
}

/** Guardrails of quality by the key of their margin, and what they need of a prediction. */
const QUALITY: readonly (readonly [
  keyof NonNullable<Config['analysis']['labels']>['margins'],
  QualityKind,
  'labels' | 'scores' | 'threshold',
])[] = [
  ['recall', 'recall', 'labels'],
  ['falsePositiveRate', 'false_positive_rate', 'labels'],
  ['brier', 'brier', 'scores'],
  ['logLoss', 'log_loss', 'scores'],
  ['recallAtThreshold', 'recall_at_threshold', 'threshold'],
];

/** Without a label or score that is read nothing would be said of a guardrail that needs it, and PASS never come. */
function qualityOf(
  { analysis }: PlanConfig,
  reads: { readonly readsLabels: boolean; readonly readsScores: boolean },
): { quality?: QualityPlan } {
  const { labels, plannedPairs } = analysis;
  if (labels === null) return {};
  const { margins, fewerFalsePositives, ...rest } = labels;
  const isAsked = fewerFalsePositives !== null && reads.readsLabels && reads.readsScores;
  const has = { labels: reads.readsLabels, scores: reads.readsScores, threshold: isAsked };
  const guardrails = QUALITY.flatMap(([key, kind, needs]): QualityGuardrail[] => {
    const margin = margins[key];
    if (margin === null || !has[needs]) return [];
    return [{ kind, margin: kind === 'log_loss' ? margin / LOG_LOSS_RANGE : margin, plannedPairs }];
  });
  if (isAsked) guardrails.push({ kind: 'false_positives_at_recall', margin: 0, plannedPairs });
  return {
    quality: { ...rest, fewerFalsePositives: isAsked ? fewerFalsePositives : 0, guardrails },
  };
}

/**
 * Names what is judged and how it is run: another margin, model path, URL, pointer or comparison gives another
 * name, and so another attempt. Rates, caps and the moment of the start do not.
 *
 * @returns 16 hexadecimal digits
 */
export function attemptHash(config: PlanConfig, candidate: CandidateConfig): string {
  const { rate, maxInFlight, maxRequestsPerSecond, maxRequestsPerDay, adaptive, ...subject } =
    candidate;
  const judged = {
    plan: hashPlan(toPlan(config, candidate, '')),
    profile: config.analysis.profile,
    subject,
    routes: routesOf(config, candidate),
    incumbents: config.listeners.map(({ incumbent }) => incumbent),
    tolerance: config.mirror.tolerance,
  };
  return hash('sha256', JSON.stringify(judged), 'hex').slice(0, 16);
}

function routesOf({ routes }: PlanConfig, candidate: CandidateConfig): RouteConfig[] {
  return routes.filter(({ name }) => candidate.routes.includes(name));
}

/** What is judged once outcomes are known: part of an experiment's plan, frozen with it. Pure. */

/** What a guardrail of quality looks at; each has a loss of its own (quality-losses.ts), larger is worse. */
export const QUALITY_KINDS = [
  'recall',
  'false_positive_rate',
  'brier',
  'log_loss',
  'false_positives_at_recall',
  'recall_at_threshold',
] as const;
export type QualityKind = (typeof QUALITY_KINDS)[number];

export interface QualityGuardrail {
  readonly kind: QualityKind;
  /** Largest acceptable mean loss: a share, squared or in nats; 0 for false positives at the incumbent's recall. */
  readonly margin: number;
  readonly plannedPairs: number;
}

export interface QualityPlan {
  /** The label that is to be found (fraud, bad), and the other one: of models and of outcomes. */
  readonly positive: string;
  readonly negative: string;
  /** A pair is judged when it is so old: W. */
  readonly maturityMs: number;
  /** Share of mature pairs with an outcome, in all and by decision, below which bounds decide. */
  readonly minCoverage: number;
  /** "So many fewer false positives", a share in (0, 1); 0: not asked. */
  readonly fewerFalsePositives: number;
  /** Share of selection keys whose pairs choose the candidate's threshold and judge nothing by it. */
  readonly calibrationShare: number;
  /** The threshold is chosen on the first so many positives of them. */
  readonly calibrationPositives: number;
  readonly guardrails: readonly QualityGuardrail[];
}

/** Those that look at the candidate's threshold, not at its own labels. */
export const AT_THRESHOLD: ReadonlySet<QualityKind> = new Set([
  'false_positives_at_recall',
  'recall_at_threshold',
]);

/** Whether a kind of guardrail is one of quality. */
export function isQualityKind(kind: string): kind is QualityKind {
  return (QUALITY_KINDS as readonly string[]).includes(kind);
}

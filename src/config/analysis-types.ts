/** What is judged of a candidate, as code reads it. Units stand last in each name. */

/** Largest acceptable mean loss of each guardrail; `null`: it is not judged. */
export interface MarginsConfig {
  /** 0: the first answer that breaks the output contract is a FAIL. */
  readonly contract: 0 | null;
  /** More requests that fail than at the incumbent, a share. */
  readonly errors: number | null;
  /** Share of requests with another label. */
  readonly labelFlips: number | null;
  readonly outsideTolerance: number | null;
  /** Mean of candidate − incumbent, of the score range: upwards and downwards, each on its own. */
  readonly scoreBias: number | null;
  /** Mean of |candidate − incumbent|, of the score range. */
  readonly scoreDifference: number | null;
  /** More answers over `objectiveMs` than the incumbent has, a share. */
  readonly overObjective: number | null;
  /** Share of requests at which the candidate is slower by `slowerByMs`. */
  readonly slower: number | null;
}

/**
 * Where margins come from that the owner has not set. `identical`: the same model redeployed, so scores are the same to
 * a tolerance. `replacement`: a model that was trained anew, so digits differ and decisions are judged.
 */
export type GuardrailPreset = 'identical' | 'replacement';

/** Largest acceptable mean loss of each guardrail of quality; `null`: it is not judged. */
export interface QualityMarginsConfig {
  /** Share of positives that the incumbent catches and the candidate does not, net. */
  readonly recall: number | null;
  /** Share of negatives that the candidate flags and the incumbent does not, net. */
  readonly falsePositiveRate: number | null;
  /** Mean of the squared error beyond the incumbent's. */
  readonly brier: number | null;
  /** Mean of the logarithmic loss beyond the incumbent's, nats. */
  readonly logLoss: number | null;
  /** As `recall`, with the candidate at the threshold that was chosen for it. */
  readonly recallAtThreshold: number | null;
}

/** Outcomes that come later, and what is judged by them. */
export interface LabelsConfig {
  /** Of models and of outcomes: the label that is to be found, and the other one. */
  readonly positive: string;
  readonly negative: string;
  /** A pair is judged when it is so old. */
  readonly maturityMs: number;
  /** Share of mature pairs with an outcome, below which bounds decide. */
  readonly minCoverage: number;
  /** So many fewer false positives at the incumbent's recall are asked for, a share; `null`: not asked. */
  readonly fewerFalsePositives: number | null;
  /** Share of selection keys that choose the candidate's threshold, and how many of their positives do. */
  readonly calibrationShare: number;
  readonly calibrationPositives: number;
  readonly margins: QualityMarginsConfig;
}

export interface SegmentConfig {
  readonly name: string;
  /** JSON Pointer that each route captures. */
  readonly pointer: string;
  /** The captured value, as text. */
  readonly value: string;
}

export interface GatesConfig {
  readonly minPairs: number;
  readonly minSegmentPairs: number;
  readonly minDurationMs: number;
  readonly maxDurationMs: number;
  /** Shares of copies observed: less is no PASS; less is INVALID. */
  readonly passCoverage: number;
  readonly validCoverage: number;
}

/** `demo`: minutes instead of a day. It is said on every verdict. */
export type AnalysisProfile = 'production' | 'demo';

export interface AnalysisConfig {
  /** Whether the admin process reads the journal and judges. */
  readonly enabled: boolean;
  readonly profile: AnalysisProfile;
  /** Scores lie within. */
  readonly scoreRange: readonly [number, number];
  readonly objectiveMs: number;
  readonly slowerByMs: number;
  /** Pairs that are expected to decide; 0: no plan, the tests are sharp over three decades. */
  readonly plannedPairs: number;
  readonly guardrails: GuardrailPreset;
  readonly margins: MarginsConfig;
  /** `null`: no quality is judged. */
  readonly labels: LabelsConfig | null;
  readonly segments: readonly SegmentConfig[];
  /** JSON Pointers whose values are watched, for alarms alone. */
  readonly discover: readonly string[];
  readonly gates: GatesConfig;
  /** Error levels, one-sided. */
  readonly alphaPass: number;
  readonly alphaFail: number;
  readonly alphaAlarm: number;
  /** Distance of cut points, and length of a window: a multiple of it. */
  readonly cutMs: number;
  readonly windowMs: number;
  /** A cut that accounting has not passed is closed after so long all the same. */
  readonly settleMs: number;
}

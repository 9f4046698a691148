/** Defaults of the analysis. Sources: docs/statistics.md; margins are starting points, the owner's to set. */
import type {
  AnalysisConfig,
  AnalysisProfile,
  GatesConfig,
  GuardrailPreset,
  LabelsConfig,
  MarginsConfig,
} from './analysis-types.ts';

const HOUR_MS = 3_600_000;

export const ANALYSIS_DEFAULTS = {
  enabled: true,
  profile: 'production',
  scoreRange: [0, 1],
  objectiveMs: 50,
  slowerByMs: 5,
  plannedPairs: 0,
  guardrails: 'replacement',
  alphaPass: 0.05,
  alphaFail: 0.05,
  alphaAlarm: 0.05,
} as const satisfies Partial<AnalysisConfig>;

const MARGINS = {
  contract: 0,
  errors: 0.001,
  labelFlips: 0.01,
  outsideTolerance: null,
  scoreBias: 0.005,
  scoreDifference: 0.01,
  overObjective: 0.005,
  slower: null,
} as const satisfies MarginsConfig;

/** Margins of each preset: where the owner has set none. */
export const GUARDRAIL_PRESETS = {
  identical: { ...MARGINS, outsideTolerance: 0.005 },
  replacement: MARGINS,
} as const satisfies Record<GuardrailPreset, MarginsConfig>;

export const LABELS_DEFAULTS = {
  maturityMs: 30 * 24 * HOUR_MS,
  minCoverage: 0.95,
  fewerFalsePositives: null,
  calibrationShare: 0.3,
  calibrationPositives: 100,
  margins: {
    recall: 0.02,
    falsePositiveRate: 0.01,
    brier: 0.005,
    logLoss: null,
    recallAtThreshold: 0.02,
  },
} as const satisfies Omit<LabelsConfig, 'positive' | 'negative'>;

type Profiled = Pick<AnalysisConfig, 'gates' | 'cutMs' | 'windowMs' | 'settleMs'>;

const GATES = {
  minPairs: 3_000,
  minSegmentPairs: 300,
  minDurationMs: 24 * HOUR_MS,
  maxDurationMs: 28 * 24 * HOUR_MS,
  passCoverage: 0.995,
  validCoverage: 0.95,
} as const satisfies GatesConfig;

/** What a profile sets where the configuration does not. */
export const ANALYSIS_PROFILES = {
  production: { gates: GATES, cutMs: 300_000, windowMs: HOUR_MS, settleMs: 600_000 },
  demo: {
    gates: { ...GATES, minDurationMs: 30_000 },
    cutMs: 5_000,
    windowMs: 60_000,
    settleMs: 15_000,
  },
} as const satisfies Record<AnalysisProfile, Profiled>;

/** Part of `LIMITS`. */
export const ANALYSIS_LIMITS = {
  /** The analysis looks for new pairs so often, reads the books so often, and commits so often. */
  analysisPollMs: 500,
  analysisBooksMs: 2_000,
  analysisCommitMs: 3_000,
  /** `verdict --wait` asks so often. */
  verdictPollMs: 1_000,
  /** The end of the analysis thread is waited for so long: its last commit. */
  analysisStopMs: 5_000,
  /** Attempts that a list shows, the newest. */
  analysisAttempts: 100,
  /** Named segments, each a guardrail of its own, and pointers that are watched for alarms. */
  analysisSegments: 16,
  analysisPointers: 8,
  /** Pairs of a candidate that wait for their outcomes: about 250 MB on disk, and some seconds to judge. */
  outcomePairs: 2_000_000,
  /** Outcomes that are kept, of whatever pairs. */
  labelsKept: 10_000_000,
  /** One request with outcomes: so many, so large; a key and a label. */
  labelBatch: 1_000,
  labelBodyBytes: 1_048_576,
  labelKeyCharacters: 256,
  labelCharacters: 64,
  /** A line of a file of outcomes, and how many wrong ones are shown. */
  labelLineBytes: 65_536,
  labelProblems: 20,
} as const;

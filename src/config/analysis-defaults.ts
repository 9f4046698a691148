/** Defaults of the analysis. Sources: docs/statistics.md; margins are starting points, the owner's to set. */
import type { AnalysisConfig, AnalysisProfile, GatesConfig } from './analysis-types.ts';

const HOUR_MS = 3_600_000;

export const ANALYSIS_DEFAULTS = {
  enabled: true,
  profile: 'production',
  scoreRange: [0, 1],
  objectiveMs: 50,
  slowerByMs: 5,
  plannedPairs: 0,
  margins: {
    contract: 0,
    errors: 0.001,
    labelFlips: 0.01,
    outsideTolerance: 0.005,
    scoreBias: 0.005,
    scoreDifference: 0.01,
    overObjective: 0.005,
    slower: null,
  },
  alphaPass: 0.05,
  alphaFail: 0.05,
  alphaAlarm: 0.05,
} as const satisfies Partial<AnalysisConfig>;

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
} as const;

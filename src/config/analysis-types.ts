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
  readonly margins: MarginsConfig;
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

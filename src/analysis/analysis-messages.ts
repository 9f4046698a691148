/** What the admin process and its analysis thread say to each other. */
import type { Config } from '../config/types.ts';
import type { ErrorCode } from '../errors.ts';
import type { AttemptEvent } from './experiments.ts';
import type { LabelCounts, LabelEntry } from './labels/label-entry.ts';
import type { VerdictSummary } from './summary.ts';

export interface AnalysisThreadData {
  readonly config: Config;
}

/** What an operator asks of an experiment. */
export interface ExperimentRequest {
  readonly action: 'start' | 'close';
  readonly candidate: string;
  readonly reason: string;
  readonly by: string;
}

export type ToAnalysis =
  | { readonly type: 'experiment'; readonly id: number; readonly request: ExperimentRequest }
  | { readonly type: 'labels'; readonly id: number; readonly entries: readonly LabelEntry[] }
  /** Pairs of a key, as the journal has them, leave the samples. */
  | { readonly type: 'erase'; readonly id: number; readonly key: string }
  | { readonly type: 'stop' };

/** What became of outcomes: all were taken, or none. */
export type LabelsAnswer =
  | { readonly counts: LabelCounts }
  | { readonly code: ErrorCode; readonly message: string };

/** What the analysis says of itself. */
export interface AnalysisStatus {
  /** Code of what it waits for; empty when all is well. */
  readonly error: ErrorCode | '';
  readonly message: string;
  /** Pairs in the journal that it has not read. */
  readonly lag: number;
  /** Pairs that left the journal before they were read. */
  readonly missed: number;
  readonly verdicts: readonly VerdictSummary[];
}

/** An attempt of an experiment, as a list shows it. */
export interface AttemptRow {
  readonly experiment: string;
  readonly candidate: string;
  readonly attempt: number;
  readonly hash: string;
  readonly profile: string;
  readonly startedAt: string;
  readonly startedBy: string;
  readonly reason: string;
  readonly closedAt: string;
  readonly closedReason: string;
}

export type FromAnalysis =
  | {
      readonly type: 'status';
      readonly status: AnalysisStatus;
      readonly attempts: readonly AttemptRow[];
    }
  | { readonly type: 'event'; readonly event: AttemptEvent }
  | { readonly type: 'answer'; readonly id: number; readonly done: boolean }
  | { readonly type: 'labels'; readonly id: number; readonly answer: LabelsAnswer }
  | { readonly type: 'stopped' };

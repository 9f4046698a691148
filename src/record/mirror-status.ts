import type { LegCell } from '../pair/leg-states.ts';
import type { HistogramSnapshot } from '../telemetry/histogram.ts';
import type { EpochLedger, RecorderStatus } from './recorder-port.ts';

/** What one candidate of the mirror looks like from outside. */
export interface CandidateStatus {
  readonly name: string;
  readonly kind: 'http' | 'onnx';
  readonly rate: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  readonly queued: number;
  readonly labelFlips: number;
  readonly outsideTolerance: number;
  /** Pairs in which both scores could be compared. */
  readonly compared: number;
  /** Seconds. Service time of each side, and the copies' wait for dispatch. */
  readonly incumbentSeconds: HistogramSnapshot;
  readonly candidateSeconds: HistogramSnapshot;
  readonly queueSeconds: HistogramSnapshot;
  readonly scoreDifference: HistogramSnapshot;
}

/** A gateway epoch: its ledger as last received, and the exchanges that have arrived. */
export interface ReceivedEpoch extends EpochLedger {
  readonly received: number;
}

/** What the mirror says of itself on its status socket. */
export interface MirrorStatus {
  readonly process: 'mirror';
  readonly name: 'mirror';
  readonly pid: number;
  readonly version: string;
  readonly uptimeMs: number;
  readonly settingsVersion: number;
  readonly mirroring: boolean;
  readonly paused: '' | 'operator' | 'mirror_off';
  /** Cumulative over all that the journal remembers, and what is not yet committed. */
  readonly legs: readonly LegCell[];
  readonly legsInFlight: number;
  /** Gateway epochs: ledgers as last received. */
  readonly epochs: readonly ReceivedEpoch[];
  readonly queuedBytes: number;
  readonly maxQueuedBytes: number;
  readonly candidates: readonly CandidateStatus[];
  readonly recorder: RecorderStatus;
  readonly loopDelayMaxMs: number;
  readonly wireErrors: number;
}

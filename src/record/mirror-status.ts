import type { LegCell } from '../pair/leg-states.ts';
import type { HistogramSnapshot } from '../telemetry/histogram.ts';
import type { EpochLedger, RecorderStatus } from './recorder-port.ts';

/** What protects a candidate, and how much of it is used. */
export interface GuardStatus {
  /** Copies in flight at most, now: `maxInFlight`, or the adaptive ceiling. */
  readonly inFlightCeiling: number;
  /** Cap in force; 0: none. */
  readonly requestsPerSecond: number;
  /** Share of the token bucket that is taken, 0 to 1. */
  readonly requestRateUse: number;
  readonly requestsToday: number;
  /** 0: no budget. */
  readonly maxRequestsPerDay: number;
  /** Copies until it counts as warm. */
  readonly warmUpLeft: number;
  /** `null`: it has none. */
  readonly breaker: BreakerStatus | null;
}

export interface BreakerStatus {
  readonly state: 'closed' | 'open' | 'half_open';
  readonly opens: number;
  /** Time in which it was not closed, since the mirror's start. */
  readonly brokenMs: number;
  /** Share of failures in the window, 0 to 1. */
  readonly failureRate: number;
}

/** What one candidate of the mirror looks like from outside. */
export interface CandidateStatus {
  readonly name: string;
  readonly kind: 'http' | 'onnx';
  /** Routes it gets copies of: its legs are held against their offered exchanges. */
  readonly routes: readonly string[];
  readonly rate: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  readonly queued: number;
  /** Bytes of exchanges, waiting and in flight, and this candidate's share of the mirror's memory. */
  readonly queuedBytes: number;
  readonly maxQueuedBytes: number;
  /** Age of the copy that has waited longest, and at most. */
  readonly oldestMs: number;
  readonly maxAgeMs: number;
  /** Of its answers' bodies, as they came. */
  readonly answerBytes: ItemCap;
  readonly guard: GuardStatus;
  /** Pairs flagged `warm_up`. */
  readonly warmUps: number;
  /** Pairs by the way in which the candidate broke the contract: a divergence's field, an answer's error. */
  readonly violations: Readonly<Record<string, number>>;
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

/** A gateway epoch: its ledger as last received, and how far the mirror's own books have followed. */
export interface ReceivedEpoch extends EpochLedger {
  /**
   * Exchanges accounted for, arrived or known to be lost: for each candidate of all routes, legs of the epoch
   * and those in flight add up to it. What a live gateway has offered beyond it is on its way.
   */
  readonly received: number;
}

/** The largest of the last minute or two, and at most. */
export interface ItemCap {
  readonly largest: number;
  readonly max: number;
}

/** Caps that hold for each body. */
export interface BodyCaps {
  /** Heads included. */
  readonly requestBytes: ItemCap;
  readonly answerBytes: ItemCap;
  readonly decodedBytes: ItemCap;
  /** Decoded over encoded bytes. */
  readonly decodedRatio: ItemCap;
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
  /**
   * Cumulative over all that the journal remembers, and what is not yet committed; summed up over hours and
   * size classes (`''`), like the cells of `epochs`: a status has to fit into LIMITS.statusBytes for months.
   */
  readonly legs: readonly LegCell[];
  readonly legsInFlight: number;
  /** Gateway epochs: ledgers as last received, summed up. */
  readonly epochs: readonly ReceivedEpoch[];
  readonly queuedBytes: number;
  readonly maxQueuedBytes: number;
  /** Bytes charged for parsed bodies, and their cap. */
  readonly parseBytes: number;
  readonly maxParseBytes: number;
  readonly bodies: BodyCaps;
  /** Exchanges without the value that their route is drawn by: drawn by their id instead. */
  readonly selectionKeysMissing: number;
  /** Share of the heap's limit in use, and of copies that are made: 1 without pressure. */
  readonly heapUse: number;
  readonly pressureKeep: number;
  readonly candidates: readonly CandidateStatus[];
  readonly recorder: RecorderStatus;
  readonly loopDelayMaxMs: number;
  readonly wireErrors: number;
}

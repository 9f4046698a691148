/**
 * The pair record, version 1: one per (exchange, candidate) whose leg ended `paired`, `candidate_error` or
 * `candidate_timeout`. Published schema: schemas/pair-1.schema.json, held against this type by a test.
 */
import type { ObservedLegState } from './leg-states.ts';

export const PAIR_SCHEMA = 'understudy.pair/1';

/** Flags that take a pair out of latency metrics, or warn its reader. */
export type PairFlag = 'early' | 'downstream_paused' | 'mirror_busy' | 'warm_up';

export interface Prediction {
  /** A finite number, or absent. */
  readonly score?: number;
  readonly label?: string | number | boolean;
  /** By which the two sides of a batch are matched. */
  readonly id?: string;
  /** Finite numbers of a list, or of an object by class. */
  readonly classes?: readonly number[] | Readonly<Record<string, number>>;
}

/** What is wrong with a complete answer: docs/pair-record.md tells each. A bounded set. */
export const PREDICTION_ERRORS = [
  'undecodable',
  'decoded_too_large',
  'decoded_ratio',
  'parse_budget',
  'not_utf8',
  'too_deep',
  'not_json',
  'items_missing',
  'items_too_many',
  'duplicate_key',
  'score_missing',
  'score_not_a_number',
  'score_infinite',
  'label_missing',
  'id_missing',
  'classes_invalid',
] as const;

export type PredictionError = (typeof PREDICTION_ERRORS)[number];

/** One side's outcome. Latencies in ms, ≥ 0. */
export interface Observation {
  /** HTTP status; absent where there was no answer. */
  readonly status?: number;
  readonly first_byte_ms?: number;
  readonly latency_ms?: number;
  readonly model_version?: string;
  readonly predictions: readonly Prediction[];
  readonly error?: PredictionError;
}

export interface CandidateObservation extends Observation {
  readonly name: string;
  readonly role: 'candidate';
  /** Exchange complete at the gateway → dispatch. */
  readonly queue_ms: number;
  /** Why there is no complete answer: a reason of `candidate_error`, or `timeout`. */
  readonly failure?: string;
}

/** How the two answers differ. Absent numbers: nothing could be compared. */
export interface Divergence {
  /** The largest |candidate − incumbent| over the predictions, with its sign: candidate − incumbent. */
  readonly score_delta_max?: number;
  /** The same over the probabilities of classes. */
  readonly class_delta_max?: number;
  readonly label_flips: number;
  readonly outside_tolerance: number;
  /** Contract differences, the words of `DIVERGENCE_FIELDS`. */
  readonly fields: readonly string[];
  /** How the answers differ as documents, where the route compares that. */
  readonly structure?: readonly StructureDifference[];
  /** Some differences stand not in `structure`: it is full, or the answers are too large. */
  readonly structure_cut?: true;
}

export interface StructureDifference {
  /** JSON Pointer, its array indices as `*`; no value. */
  readonly at: string;
  readonly kind: 'missing' | 'extra' | 'type' | 'value';
  /** Elements of arrays in which it was met. */
  readonly count: number;
}

export interface Pair {
  readonly schema: typeof PAIR_SCHEMA;
  /** `epoch.seq/candidate`: identity. A repeated delivery carries the same id and the same bytes. */
  readonly id: string;
  readonly instance: string;
  readonly epoch: string;
  readonly seq: number;
  /** Exchange complete at the gateway, wall clock, ISO 8601 UTC with microseconds. */
  readonly time: string;
  readonly experiment: string;
  readonly route: string;
  /** Selection key, also the Kafka message key. */
  readonly key: string;
  readonly join?: string;
  readonly captured: Readonly<Record<string, string | number | boolean | null>>;
  readonly selection: {
    readonly u: number;
    readonly probability: number;
    readonly rule: string;
    readonly settings_version: number;
  };
  readonly request: {
    readonly method: string;
    /** The route's template, never the raw path. */
    readonly path: string;
    readonly content_type: string;
    readonly bytes: number;
  };
  readonly flags: readonly PairFlag[];
  readonly incumbent: Observation;
  readonly candidate: CandidateObservation;
  readonly divergence: Divergence;
  readonly state: ObservedLegState;
}

/**
 * Builds pair records. The text of a pair is a function of its content alone: keys stand in the order written
 * here, numbers are JavaScript's shortest form, so the same pair has the same bytes wherever it is written.
 */
import type { ObservedLegState } from './leg-states.ts';
import {
  type CandidateObservation,
  type Divergence,
  type Observation,
  PAIR_SCHEMA,
  type Pair,
  type PairFlag,
} from './pair.ts';

/** What a pair says of the exchange, the same for each of its candidates. */
export interface ExchangeFacts {
  /** `scoring-7c9f/gw0` */
  readonly instance: string;
  readonly epoch: string;
  /** Of offered exchanges, ≥ 1. */
  readonly seq: number;
  /** Of all exchanges of the epoch: with the epoch, the exchange id that selection hashes. */
  readonly number: number;
  /** Selection key: the exchange id, or a keyed hash of a value of the request. */
  readonly key: string;
  /** Exchange complete at the gateway, Unix ms with microseconds as fraction. */
  readonly wallMs: number;
  readonly experiment: string;
  readonly route: string;
  readonly method: string;
  /** The route's template, never the raw path. */
  readonly path: string;
  readonly contentType: string;
  /** Request body, decoded from chunked. */
  readonly requestBytes: number;
  readonly captured: Pair['captured'];
  readonly join: string | undefined;
  /** Drawn number in [0, 1). */
  readonly u: number;
  readonly settingsVersion: number;
  readonly incumbent: Observation;
}

/** What a pair says of one leg. */
export interface LegFacts {
  /** Probability the leg was selected with, 0 to 1. */
  readonly probability: number;
  /** Id of the sampling rule that matched. */
  readonly rule: string;
  readonly flags: readonly PairFlag[];
  readonly candidate: CandidateObservation;
  readonly state: ObservedLegState;
}

/** Identity of a pair: `epoch.seq/candidate`. */
function pairId(epoch: string, seq: number, candidate: string): string {
  return `${epoch}.${seq}/${candidate}`;
}

/** Exchange id: the selection key of the default rule, and the Kafka message key. */
export function exchangeId(epoch: string, number: number): string {
  return `${epoch}.${number}`;
}

export function buildPair(exchange: ExchangeFacts, leg: LegFacts, divergence: Divergence): Pair {
  return {
    schema: PAIR_SCHEMA,
    id: pairId(exchange.epoch, exchange.seq, leg.candidate.name),
    instance: exchange.instance,
    epoch: exchange.epoch,
    seq: exchange.seq,
    time: toTimestamp(exchange.wallMs),
    experiment: exchange.experiment,
    route: exchange.route,
    key: exchange.key,
    ...(exchange.join === undefined ? {} : { join: exchange.join }),
    captured: exchange.captured,
    selection: {
      u: exchange.u,
      probability: leg.probability,
      rule: leg.rule,
      settings_version: exchange.settingsVersion,
    },
    request: {
      method: exchange.method,
      path: exchange.path,
      content_type: exchange.contentType,
      bytes: exchange.requestBytes,
    },
    flags: leg.flags,
    incumbent: exchange.incumbent,
    candidate: leg.candidate,
    divergence,
    state: leg.state,
  };
}

/**
 * What JSON may hold as it is and a terminal or a reader of lines may obey: DEL and the C1 controls (one of them
 * begins ANSI sequences), line and paragraph separators, and what turns the direction of text.
 */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * The record's bytes as text: one line of JSON, well-formed UTF-16, so also well-formed UTF-8. Wherever it is
 * printed, nothing in it drives a terminal: labels are texts of callers and models.
 */
export function toPairJson(pair: Pair): string {
  return JSON.stringify(pair).replace(
    UNPRINTABLE,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Milliseconds as a pair carries them: to the microsecond, never below 0. */
export function toPairMs(ms: number): number {
  return ms > 0 ? Math.round(ms * 1000) / 1000 : 0;
}

/** The second that was written last: many pairs are of one second, and a `Date` costs more than the rest. */
let lastSecond = { seconds: Number.NaN, text: '' };

/**
 * ISO 8601 UTC with microseconds.
 *
 * @param unixMs - with microseconds as fraction, in the range of `Date`
 */
export function toTimestamp(unixMs: number): string {
  const micros = Math.round(unixMs * 1000);
  const seconds = Math.floor(micros / 1e6);
  if (seconds !== lastSecond.seconds) {
    lastSecond = { seconds, text: new Date(seconds * 1000).toISOString().slice(0, -4) };
  }
  return `${lastSecond.text}${String(micros - seconds * 1e6).padStart(6, '0')}Z`;
}

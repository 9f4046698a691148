/**
 * Turns answers into observations: what a pair says of each side. No byte of a body goes further than this.
 */
import { isUtf8 } from 'node:buffer';
import { LIMITS } from '../config/defaults.ts';
import { toPairMs } from '../pair/build-pair.ts';
import type { CandidateObservation, Observation, PredictionError } from '../pair/pair.ts';
import { measureJson } from '../prediction/parse-json.ts';
import type { AnswerReader } from '../prediction/read-predictions.ts';
import { type ExchangeFrame, FLAG_EARLY } from '../wire/messages.ts';
import type { CandidateOutcome } from './candidates/candidate.ts';
import type { Observed } from './compare-pair.ts';
import { type DecodeError, type DecodeLimits, decodeContent } from './content-coding.ts';
import type { ParseBudget } from './parse-budget.ts';
import type { BodyRedaction } from './redaction/redaction.ts';

/** A body that is not read: why, as the pair says it. */
const DECODE_ERRORS = {
  encoding: 'undecodable',
  too_large: 'decoded_too_large',
  ratio: 'decoded_ratio',
} as const satisfies Record<DecodeError, PredictionError>;

/** What a body becomes: the pair's part, and what comparing needs besides. */
interface Read {
  readonly part: BodyPart;
  readonly exactScores: ReadonlyMap<number, string> | undefined;
  readonly text: string | null;
}

/** What the members of an observation that come from an answer's body are. */
type BodyPart = Pick<Observation, 'model_version' | 'predictions' | 'error'>;

/**
 * The incumbent's side.
 *
 * @param answer.body - decoded
 * @param reader.keepsText - whether documents will be compared
 */
export function observeIncumbent(
  frame: Pick<ExchangeFrame, 'startMs' | 'firstByteMs' | 'endMs' | 'flags'>,
  answer: { readonly status: number; readonly body: Buffer },
  reader: {
    readonly read: AnswerReader;
    readonly redact: BodyRedaction | null;
    readonly keepsText: boolean;
  },
): Observed {
  // An early answer began before its request was complete: it took no time that could be measured.
  const firstByteMs = frame.flags & FLAG_EARLY ? 0 : frame.firstByteMs - frame.startMs;
  const { part, exactScores, text } = readBody(answer.status, answer.body, reader);
  const observation = {
    status: answer.status,
    first_byte_ms: toPairMs(firstByteMs),
    latency_ms: toPairMs(frame.endMs - frame.startMs),
    ...part,
  };
  return { observation, exactScores, text: reader.keepsText ? text : null };
}

export interface CandidateFacts {
  readonly name: string;
  /** Exchange complete at the gateway, then dispatch; ms of the monotonic clock. */
  readonly endMs: number;
  readonly dispatchMs: number;
  readonly limits: DecodeLimits;
  readonly budget: Pick<ParseBudget, 'allows'>;
  readonly read: AnswerReader;
  readonly redact: BodyRedaction | null;
}

/** The candidate's side. What is wrong with an answer is its `error`; why there is none its `failure`. */
export function observeCandidate(
  outcome: CandidateOutcome,
  facts: CandidateFacts,
): Observed<CandidateObservation> {
  const { name, dispatchMs } = facts;
  const head = { name, role: 'candidate' } as const;
  const queueMs = toPairMs(dispatchMs - facts.endMs);
  const latencyMs = toPairMs(outcome.endMs - dispatchMs);
  if (outcome.kind !== 'answer') {
    const observation = {
      ...head,
      queue_ms: queueMs,
      latency_ms: latencyMs,
      predictions: [],
      failure: outcome.kind === 'timeout' ? 'timeout' : outcome.reason,
    };
    return { observation, exactScores: undefined, text: null };
  }
  const { status, body, contentEncoding } = outcome;
  const decoded = decodeContent(body, contentEncoding, facts.limits);
  let read: Read;
  if ('error' in decoded) read = unread(DECODE_ERRORS[decoded.error]);
  else if (!facts.budget.allows(decoded.body.length)) read = unread('parse_budget');
  else read = readBody(status, decoded.body, facts);
  const observation = {
    ...head,
    status,
    queue_ms: queueMs,
    first_byte_ms: toPairMs(outcome.firstByteMs - dispatchMs),
    latency_ms: latencyMs,
    ...read.part,
  };
  return { observation, exactScores: read.exactScores, text: read.text };
}

/** Predictions are read from 2xx answers alone: an error's body is not an answer of the model. */
function readBody(
  status: number,
  body: Buffer,
  reader: Pick<CandidateFacts, 'read' | 'redact'>,
): Read {
  if (status < 200 || status >= 300)
    return { part: { predictions: [] }, exactScores: undefined, text: null };
  // Decoding would put replacement characters in place of what is wrong (RFC 8259 §8.1: UTF-8 it must be).
  if (!isUtf8(body)) return unread('not_utf8');
  const raw = body.toString('utf8');
  const text = reader.redact === null ? raw : reader.redact(raw);
  if (text === null) return unread(isTooDeep(raw) ? 'too_deep' : 'not_json');
  const { modelVersion, predictions, error, exactScores } = reader.read(text);
  const isReadable = error !== 'not_json' && error !== 'too_deep';
  return {
    part: {
      ...(modelVersion === undefined ? {} : { model_version: modelVersion }),
      predictions,
      ...(error === undefined ? {} : { error }),
    },
    exactScores,
    text: isReadable ? text : null,
  };
}

function isTooDeep(text: string): boolean {
  return measureJson(text).depth > LIMITS.jsonDepth;
}

function unread(error: PredictionError): Read {
  return { part: { predictions: [], error }, exactScores: undefined, text: null };
}

/**
 * Turns answers into observations: what a pair says of each side. No byte of a body goes further than this.
 */
import { isUtf8 } from 'node:buffer';
import { toPairMs } from '../pair/build-pair.ts';
import type { CandidateObservation, Observation, PredictionError } from '../pair/pair.ts';
import type { AnswerReader, AnswerReading } from '../prediction/read-predictions.ts';
import { type ExchangeFrame, FLAG_EARLY } from '../wire/messages.ts';
import type { CandidateOutcome } from './candidates/candidate.ts';
import { type DecodeError, type DecodeLimits, decodeContent } from './content-coding.ts';
import type { ParseBudget } from './parse-budget.ts';

const NOTHING_READ = { predictions: [], modelVersion: undefined, error: undefined } as const;

/** A body that is not read: why, as the pair says it. */
const DECODE_ERRORS = {
  encoding: 'undecodable',
  too_large: 'decoded_too_large',
  ratio: 'decoded_ratio',
} as const satisfies Record<DecodeError, PredictionError>;

/** As an answer reads, or why its bytes cannot be read. */
type BodyReading = Omit<AnswerReading, 'error'> & { readonly error: PredictionError | undefined };

/** What the members of an observation that come from an answer's body are. */
type BodyPart = Pick<Observation, 'model_version' | 'predictions' | 'error'>;

/**
 * The incumbent's side.
 *
 * @param body - decoded
 */
export function observeIncumbent(
  frame: Pick<ExchangeFrame, 'startMs' | 'firstByteMs' | 'endMs' | 'flags'>,
  answer: { readonly status: number; readonly body: Buffer },
  read: AnswerReader,
): Observation {
  // An early answer began before its request was complete: it took no time that could be measured.
  const firstByteMs = frame.flags & FLAG_EARLY ? 0 : frame.firstByteMs - frame.startMs;
  return {
    status: answer.status,
    first_byte_ms: toPairMs(firstByteMs),
    latency_ms: toPairMs(frame.endMs - frame.startMs),
    ...toBodyPart(readBody(answer.status, answer.body, read)),
  };
}

export interface CandidateFacts {
  readonly name: string;
  /** Exchange complete at the gateway, then dispatch; ms of the monotonic clock. */
  readonly endMs: number;
  readonly dispatchMs: number;
  readonly limits: DecodeLimits;
  readonly budget: Pick<ParseBudget, 'allows'>;
  readonly read: AnswerReader;
}

/** The candidate's side. What is wrong with an answer is its `error`; why there is none its `failure`. */
export function observeCandidate(
  outcome: CandidateOutcome,
  facts: CandidateFacts,
): CandidateObservation {
  const { name, dispatchMs } = facts;
  const head = { name, role: 'candidate' } as const;
  const queueMs = toPairMs(dispatchMs - facts.endMs);
  const latencyMs = toPairMs(outcome.endMs - dispatchMs);
  if (outcome.kind !== 'answer') {
    return {
      ...head,
      queue_ms: queueMs,
      latency_ms: latencyMs,
      predictions: [],
      failure: outcome.kind === 'timeout' ? 'timeout' : outcome.reason,
    };
  }
  const { status, body, contentEncoding } = outcome;
  const decoded = decodeContent(body, contentEncoding, facts.limits);
  let part: BodyPart;
  if ('error' in decoded) part = { predictions: [], error: DECODE_ERRORS[decoded.error] };
  else if (!facts.budget.allows(decoded.body.length)) {
    part = { predictions: [], error: 'parse_budget' };
  } else part = toBodyPart(readBody(status, decoded.body, facts.read));
  return {
    ...head,
    status,
    queue_ms: queueMs,
    first_byte_ms: toPairMs(outcome.firstByteMs - dispatchMs),
    latency_ms: latencyMs,
    ...part,
  };
}

/** Predictions are read from 2xx answers alone: an error's body is not an answer of the model. */
function readBody(status: number, body: Buffer, read: AnswerReader): BodyReading {
  if (status < 200 || status >= 300) return NOTHING_READ;
  // Decoding would put replacement characters in place of what is wrong (RFC 8259 §8.1: UTF-8 it must be).
  return isUtf8(body) ? read(body.toString('utf8')) : { ...NOTHING_READ, error: 'not_utf8' };
}

function toBodyPart({ modelVersion, predictions, error }: BodyReading): BodyPart {
  return {
    ...(modelVersion === undefined ? {} : { model_version: modelVersion }),
    predictions,
    ...(error === undefined ? {} : { error }),
  };
}

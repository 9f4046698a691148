/**
 * The one port behind which every kind of candidate stands. A leg is dispatched once; its outcome is a value,
 * never an exception, and is delivered exactly once. Nothing is ever retried.
 */
import type { LEG_REASONS } from '../../pair/leg-states.ts';

/** A copy of a request, decoded and redacted, ready to be sent. */
export interface CandidateRequest {
  readonly method: string;
  /** Request target of the caller: path and query. The candidate maps it. */
  readonly target: string;
  /** Names lower case, values as sent; credentials, hop-by-hop, Expect and Content-Length already left out. */
  readonly headers: readonly (readonly [string, string])[];
  /** Decoded from chunked; content-encoding as the caller sent it. */
  readonly body: Buffer;
}

export type CandidateErrorReason = (typeof LEG_REASONS)['candidate_error'][number];

/** Stamps in ms of the host's monotonic clock. */
export type CandidateOutcome =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly contentType: string;
      readonly contentEncoding: string;
      readonly body: Buffer;
      readonly firstByteMs: number;
      readonly endMs: number;
    }
  | { readonly kind: 'error'; readonly reason: CandidateErrorReason; readonly endMs: number }
  | { readonly kind: 'timeout'; readonly endMs: number };

export interface Candidate {
  readonly name: string;
  /** Sends the copy now; `done` is called once, at the latest after the candidate's timeout. */
  dispatch(request: CandidateRequest, done: (outcome: CandidateOutcome) => void): void;
  close(): Promise<void>;
}

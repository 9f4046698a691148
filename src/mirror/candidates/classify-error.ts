/**
 * Why a candidate gave no complete answer, told by error codes: Node's, OpenSSL's, llhttp's and undici's.
 */
import { errors } from 'undici';
import type { CandidateErrorReason } from './candidate.ts';
import { FORBIDDEN_CODE } from './forbidden-addresses.ts';

export type Failure = CandidateErrorReason | 'timeout';

/** `ENOENT`: a Unix socket that is not there. */
const REFUSED = new Set(['ECONNREFUSED', 'ENOENT', 'EACCES']);
const UNRESOLVED = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
/**
 * Closed before the answer was complete, whichever way. undici gives the mismatch of lengths also for an answer
 * with two different ones: nothing tells these apart.
 */
const RESET = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
const TIMEOUT = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** OpenSSL's verification codes have no common prefix. */
const TLS =
  /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERROR_IN_C|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$)/;

/**
 * Classifies an error of a candidate's connection or answer.
 *
 * @returns `timeout`, or a reason of `candidate_error`; `network` for what has no name of its own
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof errors.HTTPParserError) return isAtEnd(error) ? 'reset' : 'malformed';
  const code = codeOf(error);
  if (RESET.has(code)) return 'reset';
  if (code === FORBIDDEN_CODE) return 'forbidden_address';
  if (REFUSED.has(code)) return 'refused';
  if (TIMEOUT.has(code)) return 'timeout';
  if (UNRESOLVED.has(code)) return 'unresolved';
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return 'too_large';
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'malformed';
  return TLS.test(code) ? 'tls' : 'network';
}

/** undici 8.13 sets no code on these. One at the end of the connection has no bytes that could be wrong. */
function isAtEnd(error: Error): boolean {
  return 'data' in error && error.data === '';
}

/** Several addresses make an AggregateError, whose own code is that of the attempts where they agree. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}

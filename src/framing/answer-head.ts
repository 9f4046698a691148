/** The head of an answer, read strictly: RFC 9112 sections 4, 5 and 6.3. */
import { endsConnection, type HeadFields, readFields } from './head-fields.ts';
import type { OpaqueReason } from './opaque-reasons.ts';
import { minorOf } from './request-head.ts';
import { CR, LF, latin1, SP, VALUE } from './syntax.ts';

export interface AnswerHead {
  /** 100 to 599 */
  readonly status: number;
  readonly minor: number;
  /** Bytes of the head, its empty line included. */
  readonly headBytes: number;
  /** Bytes of the body; `CHUNKED` or `UNTIL_CLOSE` where they are not known beforehand. */
  readonly bodyBytes: number;
  /** The incumbent closes the connection after this answer (9.3). */
  readonly close: boolean;
}

export const CHUNKED = -1;
export const UNTIL_CLOSE = -2;

/** What an answer's framing depends on. */
export interface AnsweredRequest {
  readonly method: string;
  readonly minor: number;
}

/**
 * @param bytes - hold the whole head from `from` to `to`, its empty line included
 * @param request - the request that it answers
 */
export function readAnswerHead(
  bytes: Buffer,
  from: number,
  to: number,
  request: AnsweredRequest,
): AnswerHead | OpaqueReason {
  const minor = minorOf(bytes, from);
  if (minor < 0) {
    return /^HTTP\/\d/.test(latin1(bytes, from, from + 6)) ? 'version' : 'status_line';
  }
  const status = statusOf(bytes, from + 8);
  let at = from + 12;
  if (status < 0) return 'status_line';
  // A missing space before an empty reason phrase leaves no doubt, and servers do it.
  if (bytes[at] === SP) {
    while (VALUE[bytes[at] ?? 0] === 1) at += 1;
  }
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'status_line';
  const fields = readFields(bytes, at + 2, to - 2, '');
  if (typeof fields === 'string') return fields;
  // RFC 9112 6.1: neither an HTTP/1.0 answer nor the answer to an HTTP/1.0 request is ever chunked.
  if (fields.chunked && (minor === 0 || request.minor === 0)) return 'transfer_encoding';
  // RFC 9110 15.2: to a caller of HTTP/1.0 an interim answer looks like a final one.
  if (status < 200 && status !== 101 && request.minor === 0) return 'interim';
  if (status === 205 && fields.contentLength > 0) return 'reset_content';
  return {
    status,
    minor,
    headBytes: to - from,
    bodyBytes: bodyBytesOf(request.method, status, fields),
    close: endsConnection(fields, minor),
  };
}

/** The order of RFC 9112 6.3. */
function bodyBytesOf(
  method: string,
  status: number,
  fields: Pick<HeadFields, 'chunked' | 'contentLength'>,
): number {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  if (method === 'CONNECT' && status < 300) return 0;
  if (fields.chunked) return CHUNKED;
  return fields.contentLength >= 0 ? fields.contentLength : UNTIL_CLOSE;
}

/** ` NNN` at `at`, 100 to 599; −1 otherwise. */
function statusOf(bytes: Buffer, at: number): number {
  if (bytes[at] !== SP) return -1;
  let status = 0;
  for (let i = 1; i <= 3; i++) {
    const digit = (bytes[at + i] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status >= 100 && status <= 599 ? status : -1;
}

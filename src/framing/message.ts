/**
 * A raw message as a whole, for the mirror: as strict as the tap, every field as it was sent, the body
 * decoded from chunked. Nothing here aliases the bytes it was given but the body of a message that was not
 * chunked: that is a view of them.
 */
import { CHUNKED, readAnswerHead, UNTIL_CLOSE } from './answer-head.ts';
import { ChunkedReader } from './chunked.ts';
import { HeadReader } from './head-reader.ts';
import { readRequestHead } from './request-head.ts';
import { latin1 } from './syntax.ts';

/** Name and value as sent (latin1), white space around the value left out. */
export type RawHeader = readonly [name: string, value: string];

export interface ParsedRequest {
  readonly method: string;
  /** As sent; see `RequestHead.target` for its forms. */
  readonly target: string;
  /** `1.0` or `1.1` */
  readonly version: string;
  readonly headers: readonly RawHeader[];
  /** Content-encoding untouched. */
  readonly body: Buffer;
}

export interface ParsedAnswer {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly headers: readonly RawHeader[];
  readonly body: Buffer;
}

/**
 * @param raw - one request: head and body, no byte less or more
 * @returns `null` where it is not exactly one strictly valid request
 */
export function parseRequest(raw: Buffer): ParsedRequest | null {
  const end = headEnd(raw);
  const head = end < 0 ? '' : readRequestHead(raw, 0, end, '');
  if (typeof head === 'string') return null;
  const body = bodyOf(raw, end, head.bodyBytes);
  if (body === null) return null;
  const { method, target, minor } = head;
  return { method, target, version: `1.${minor}`, headers: headersOf(raw, end), body };
}

/**
 * @param raw - one final answer: head and body, no byte less or more
 * @param requestMethod - of the request it answers: HEAD has no body
 * @returns `null` where it is not exactly one strictly valid answer
 */
export function parseAnswer(raw: Buffer, requestMethod: string): ParsedAnswer | null {
  const end = headEnd(raw);
  const request = { method: requestMethod, minor: 1 };
  const head = end < 0 ? '' : readAnswerHead(raw, 0, end, request);
  if (typeof head === 'string') return null;
  const body = bodyOf(raw, end, head.bodyBytes);
  if (body === null) return null;
  const reason = latin1(raw, 13, raw.indexOf('\r\n', 0, 'latin1'));
  const { status, minor } = head;
  return { status, reason, version: `1.${minor}`, headers: headersOf(raw, end), body };
}

function headEnd(raw: Buffer): number {
  return new HeadReader(Number.POSITIVE_INFINITY).feed(raw, 0);
}

function headersOf(raw: Buffer, end: number): RawHeader[] {
  const lines = latin1(raw, 0, end - 4)
    .split('\r\n')
    .slice(1);
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), trimmed(line, colon + 1)];
  });
}

/** Without spaces and tabs at both ends (RFC 9112 §5.1: OWS). */
function trimmed(line: string, start: number): string {
  let from = start;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from += 1;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to -= 1;
  return line.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function bodyOf(raw: Buffer, from: number, bodyBytes: number): Buffer | null {
  if (bodyBytes === CHUNKED) return decodeChunked(raw, from);
  const body = raw.subarray(from);
  return bodyBytes === UNTIL_CLOSE || bodyBytes === body.length ? body : null;
}

function decodeChunked(raw: Buffer, from: number): Buffer | null {
  const pieces: Buffer[] = [];
  const reader = new ChunkedReader(raw.length, (start, end) => {
    pieces.push(raw.subarray(start, end));
  });
  const end = reader.feed(raw, from);
  return end === raw.length && reader.ended ? Buffer.concat(pieces) : null;
}

/** The head of a request, read strictly: RFC 9112 sections 3, 5 and 6. */
import { endsConnection, type HeadFields, readFields } from './head-fields.ts';
import type { OpaqueReason } from './opaque-reasons.ts';
import { RepeatedTexts } from './repeated-texts.ts';
import { CR, LF, latin1, SP, TOKEN, VISIBLE } from './syntax.ts';

export interface RequestHead {
  readonly method: string;
  /** As sent: origin-form, absolute-form, authority-form (CONNECT) or `*` (OPTIONS). */
  readonly target: string;
  /** 0 or 1: HTTP/1.x */
  readonly minor: number;
  /** Asks to change the protocol: has an Upgrade field, or is a CONNECT. */
  readonly upgrade: boolean;
  /** Withholds its body until a 100 or a final answer. */
  readonly expectContinue: boolean;
  /** The caller has nothing more to ask on this connection (9.3). */
  readonly close: boolean;
  /** The field that was asked for is there. */
  readonly watched: boolean;
  /** Bytes of the head, its empty line included. */
  readonly headBytes: number;
  /** Bytes of the body; −1 where it is chunked. */
  readonly bodyBytes: number;
}

/** What may stand in Host: uri-host [ ":" port ], and no list (RFC 9110 7.2, RFC 3986 3.2.2). */
const HOST =
  /^(?:\[(?:[0-9a-f:.]+|v[0-9a-f]+\.[a-z0-9\-._~!$&'()*+;=:]+)\]|[a-z0-9\-._~!$&'()*+;=%]*)(?::\d*)?$/;
const ABSOLUTE = /^https?:\/\/([^/?#]+)(?:[/?]|$)/i;
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%]+):\d{1,5}$/;

const texts = new RepeatedTexts((raw) => raw);

/**
 * @param bytes - hold the whole head from `from` to `to`, its empty line included
 * @param watched - name of a field, lower case, whose presence is asked for; empty: none
 */
export function readRequestHead(
  bytes: Buffer,
  from: number,
  to: number,
  watched: string,
): RequestHead | OpaqueReason {
  let at = from;
  while (TOKEN[bytes[at] ?? 0] === 1) at += 1;
  const methodEnd = at;
  if (methodEnd === from || bytes[at] !== SP) return 'request_line';
  at += 1;
  while (VISIBLE[bytes[at] ?? 0] === 1) at += 1;
  const targetEnd = at;
  if (targetEnd === methodEnd + 1 || bytes[at] !== SP) return 'request_line';
  const minor = minorOf(bytes, targetEnd + 1);
  const fieldsAt = targetEnd + 11;
  if (minor < 0 || bytes[fieldsAt - 2] !== CR || bytes[fieldsAt - 1] !== LF) {
    return versionFault(latin1(bytes, from, Math.min(to, from + 4096)));
  }
  const fields = readFields(bytes, fieldsAt, to - 2, watched);
  if (typeof fields === 'string') return fields;
  const method = texts.read(bytes, from, methodEnd);
  const target = texts.read(bytes, methodEnd + 1, targetEnd);
  const reason = faultOf(method, target, minor, fields);
  if (reason !== '') return reason;
  return {
    method,
    target,
    minor,
    upgrade: fields.upgrade || method === 'CONNECT',
    // RFC 9110 10.1.1: an HTTP/1.0 request's expectation is ignored.
    expectContinue: fields.expectContinue && minor === 1,
    close: endsConnection(fields, minor),
    watched: fields.watched,
    headBytes: to - from,
    bodyBytes: fields.chunked ? -1 : Math.max(0, fields.contentLength),
  };
}

/** @returns 0 or 1 where `HTTP/1.0` or `HTTP/1.1` stands at `at`, −1 otherwise */
export function minorOf(bytes: Buffer, at: number): number {
  // "HTTP" "/1.x" as two words: one comparison each.
  if (at + 8 > bytes.length) return -1;
  if (bytes.readUInt32LE(at) !== 0x50545448) return -1;
  const rest = bytes.readUInt32LE(at + 4);
  if (rest === 0x312e312f) return 1;
  return rest === 0x302e312f ? 0 : -1;
}

function versionFault(line: string): OpaqueReason {
  if (line.startsWith('PRI * HTTP/2.0\r\n')) return 'http2_preface';
  return /^\S+ \S+ HTTP\/\d\.\d\r\n/.test(line) ? 'version' : 'request_line';
}

function faultOf(
  method: string,
  target: string,
  minor: number,
  fields: HeadFields,
): OpaqueReason | '' {
  if (minor === 0 && fields.chunked) return 'transfer_encoding';
  if (fields.host === null ? minor === 1 : !HOST.test(fields.host)) return 'host';
  if (method === 'CONNECT') {
    // RFC 9110 9.3.6: a CONNECT has no content; readers differ on one that claims some.
    if (fields.chunked || fields.contentLength > 0) return 'length_conflict';
    return AUTHORITY.test(target) ? '' : 'target';
  }
  if (target.charCodeAt(0) === 47) return '';
  if (target === '*') return method === 'OPTIONS' ? '' : 'target';
  const authority = ABSOLUTE.exec(target)?.[1]?.toLowerCase();
  if (authority === undefined || !HOST.test(authority)) return 'target';
  return fields.host === null || fields.host === authority ? '' : 'host';
}

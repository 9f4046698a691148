/**
 * Optional fields in the head of a request on its way to the incumbent: who the caller is, by which way it
 * came, and by which names its exchange can be found again. Pure: a strictly valid head in, a head out; no
 * other byte of the message changes. Only with `ambiguous: reject`, where the tap has judged the head first.
 *
 *   leave    as the caller sent it, or not at all
 *   append   the caller's stays. Lists (X-Forwarded-For, Forwarded) get our element at their end; of the
 *            others ours comes only where the caller has none, or none that is valid (traceparent)
 *   replace  the caller's lines go, ours comes at the end of the head
 */
import { randomBytes } from 'node:crypto';
import type { InsertConfig, InsertMode } from '../config/types.ts';
import type { RequestHead } from '../framing/request-head.ts';

/** What a connection knows of its caller. */
export interface CallerFacts {
  /** IP address; empty where there is none (Unix socket). */
  readonly address: string;
  readonly proto: 'http' | 'https';
}

/** Gives the first bytes of a request, its whole head among them, with what is inserted. */
export type InsertFields = (head: RequestHead, bytes: Buffer, requestId: string) => Buffer;

const CRLF = '\r\n';
/** W3C Trace Context, version 00: no id is all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** A later version may have more, after another dash (its section 4.1). */
const LATER_TRACEPARENT =
  /^(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

interface Field {
  /** As written, and lower case. */
  readonly name: string;
  readonly mode: InsertMode;
  readonly isList: boolean;
  readonly value: (host: string, requestId: string) => string;
  /** Of the caller's value; where it is not valid, ours comes instead. */
  readonly isValid?: (value: string) => boolean;
  /** Goes with it, where the caller's is not kept. */
  readonly companion?: string;
}

interface Line {
  readonly from: number;
  /** After its CRLF. */
  readonly to: number;
  readonly name: string;
  readonly value: string;
}

/** @returns `null` where nothing is inserted */
export function createInsertion(config: InsertConfig, caller: CallerFacts): InsertFields | null {
  const fields = fieldsOf(config, caller).filter(({ mode }) => mode !== 'leave');
  if (fields.length === 0) return null;
  return (head, bytes, requestId) => insert(fields, head, bytes, requestId);
}

function fieldsOf(config: InsertConfig, { address, proto }: CallerFacts): Field[] {
  const node = address === '' ? 'unknown' : address;
  // RFC 7239 section 6: an IPv6 address in brackets, and then in quotes.
  const quoted = node.includes(':') ? `"[${node}]"` : node;
  const forwarded = (host: string): string =>
    `for=${quoted}${host === '' ? '' : `;host="${host}"`};proto=${proto}`;
  return [
    { name: 'X-Forwarded-For', mode: config.xForwardedFor, isList: true, value: () => node },
    { name: 'X-Forwarded-Proto', mode: config.xForwardedProto, isList: false, value: () => proto },
    {
      name: 'X-Forwarded-Host',
      mode: config.xForwardedHost,
      isList: false,
      value: (host) => host,
    },
    { name: 'Forwarded', mode: config.forwarded, isList: true, value: forwarded },
    {
      name: 'traceparent',
      mode: config.traceparent,
      isList: false,
      value: makeTraceparent,
      isValid: (value) => TRACEPARENT.test(value) || LATER_TRACEPARENT.test(value),
      companion: 'tracestate',
    },
    { name: 'X-Request-Id', mode: config.requestId, isList: false, value: (_, id) => id },
  ];
}

/** A new trace, sampled: who switches this on wants to see it. */
function makeTraceparent(): string {
  const ids = randomBytes(24).toString('hex');
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`;
}

function insert(
  fields: readonly Field[],
  head: RequestHead,
  bytes: Buffer,
  requestId: string,
): Buffer {
  const text = bytes.toString('latin1', 0, head.headBytes);
  const lines = linesOf(text);
  const host = lines.find(({ name }) => name === 'host')?.value ?? '';
  const edits: { readonly from: number; readonly to: number; readonly by: string }[] = [];
  const added: string[] = [];
  for (const field of fields) {
    const { name, mode, isList, companion } = field;
    const own = lines.filter((line) => line.name === name.toLowerCase());
    const last = own.at(-1);
    const isKept = mode === 'append' && isValid(field, own);
    const value = field.value(host, requestId);
    if (isKept && !isList) continue;
    if (isKept && last !== undefined) {
      // An empty list has no comma. White space after the value stays where it is.
      const at = last.to - CRLF.length;
      edits.push({ from: at, to: at, by: `${last.value === '' ? '' : ', '}${value}` });
      continue;
    }
    const gone = lines.filter((line) => line.name === companion);
    for (const { from, to } of [...own, ...gone]) edits.push({ from, to, by: '' });
    // HTTP/1.0 without Host: nothing is better than an empty value.
    if (value !== '') added.push(`${name}: ${value}${CRLF}`);
  }
  const end = text.length - CRLF.length;
  edits.push({ from: end, to: end, by: added.join('') });
  return Buffer.concat([
    Buffer.from(edited(text, edits), 'latin1'),
    bytes.subarray(head.headBytes),
  ]);
}

/** The caller has it, once where it is no list, and with a valid value. */
function isValid({ isList, isValid: check }: Field, own: readonly Line[]): boolean {
  if (own.length === 0) return false;
  if (isList) return true;
  return check === undefined || (own.length === 1 && check(own[0]?.value ?? ''));
}

/** Field lines of a head whose syntax the tap has checked: each ends in CRLF, none is folded. */
function linesOf(head: string): Line[] {
  const lines: Line[] = [];
  let from = head.indexOf(CRLF) + CRLF.length;
  for (;;) {
    const end = head.indexOf(CRLF, from);
    if (end <= from) return lines;
    const colon = head.indexOf(':', from);
    const name = head.slice(from, colon).toLowerCase();
    const value = head.slice(colon + 1, end).replace(/^[ \t]+|[ \t]+$/g, '');
    lines.push({ from, to: end + CRLF.length, name, value });
    from = end + CRLF.length;
  }
}

function edited(
  text: string,
  edits: readonly { readonly from: number; readonly to: number; readonly by: string }[],
): string {
  let result = '';
  let at = 0;
  for (const { from, to, by } of [...edits].sort((a, b) => a.from - b.from)) {
    result += text.slice(at, from) + by;
    at = to;
  }
  return result + text.slice(at);
}

/**
 * The fields of a head that decide framing and mirroring, read in one strict pass over its bytes. Every
 * byte of every line is checked; what is not asked for is not kept.
 */
import type { OpaqueReason } from './opaque-reasons.ts';
import { RepeatedTexts } from './repeated-texts.ts';
import { COLON, CR, equalsLower, HTAB, LF, SP, TOKEN, VALUE } from './syntax.ts';

const ZERO = 48;

export class HeadFields {
  /** Bytes that Content-Length announces; −1 where it is absent. */
  contentLength = -1;
  chunked = false;
  /** Value of Host; `null` where it is absent. */
  host: string | null = null;
  upgrade = false;
  /** `100-continue` is among the expectations. */
  expectContinue = false;
  /** `close`, `keep-alive` are among the options of Connection. */
  close = false;
  keepAlive = false;
  /** The field the caller asked to be told of is there, with any value. */
  watched = false;
}

/** A length of up to 15 digits is exact in a double, and more than anybody sends. */
const LENGTH_DIGITS = 15;

// Case folding is ASCII's: latin1 letters like U+00C0 fold too, but match no keyword either way.
const lowerTexts = new RepeatedTexts((raw) => raw.toLowerCase());

/**
 * @param bytes - holds whole lines, each with its CRLF, from `from` to `to`
 * @param watched - name of a field, lower case, whose presence is asked for; empty: none
 * @returns a reason where any line is not strictly RFC 9112
 */
export function readFields(
  bytes: Buffer,
  from: number,
  to: number,
  watched: string,
): HeadFields | OpaqueReason {
  const fields = new HeadFields();
  let at = from;
  while (at < to) {
    const nameAt = at;
    while (TOKEN[bytes[at] ?? 0] === 1) at += 1;
    const nameEnd = at;
    if (nameEnd === nameAt || bytes[at] !== COLON) return faultOf(bytes, nameAt, at);
    at += 1;
    while (bytes[at] === SP || bytes[at] === HTAB) at += 1;
    const valueAt = at;
    while (VALUE[bytes[at] ?? 0] === 1) at += 1;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return 'control_character';
    const reason = takeField(fields, { bytes, nameAt, nameEnd, valueAt, valueEnd: at }, watched);
    if (reason !== '') return reason;
    at += 2;
  }
  return fields.chunked && fields.contentLength >= 0 ? 'length_conflict' : fields;
}

interface Line {
  readonly bytes: Buffer;
  readonly nameAt: number;
  readonly nameEnd: number;
  readonly valueAt: number;
  readonly valueEnd: number;
}

/** The length of a name rules out most fields at the cost of a comparison. */
function takeField(fields: HeadFields, line: Line, watched: string): OpaqueReason | '' {
  const length = line.nameEnd - line.nameAt;
  if (length === watched.length && isNamed(line, watched)) fields.watched = true;
  switch (length) {
    case 4:
      return isNamed(line, 'host') ? takeHost(fields, line) : '';
    case 6:
      if (isNamed(line, 'expect') && hasOption(lowerValue(line), '100-continue')) {
        fields.expectContinue = true;
      }
      return '';
    case 7:
      if (isNamed(line, 'upgrade')) fields.upgrade = true;
      return '';
    case 10:
      if (isNamed(line, 'connection')) takeConnection(fields, lowerValue(line));
      return '';
    case 14:
      return isNamed(line, 'content-length') ? takeLength(fields, line) : '';
    case 17:
      return isNamed(line, 'transfer-encoding') ? takeCoding(fields, line) : '';
    default:
      return '';
  }
}

function takeConnection(fields: HeadFields, options: string): void {
  if (options === 'keep-alive') {
    fields.keepAlive = true;
    return;
  }
  if (hasOption(options, 'close')) fields.close = true;
  if (hasOption(options, 'keep-alive')) fields.keepAlive = true;
}

function takeHost(fields: HeadFields, line: Line): OpaqueReason | '' {
  if (fields.host !== null) return 'host';
  fields.host = lowerValue(line);
  return '';
}

function takeLength(fields: HeadFields, line: Line): OpaqueReason | '' {
  const { bytes, valueAt } = line;
  const end = valueEnd(line);
  const digits = end - valueAt;
  if (fields.contentLength >= 0 || digits < 1 || digits > LENGTH_DIGITS) return 'content_length';
  let length = 0;
  for (let at = valueAt; at < end; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return 'content_length';
    length = length * 10 + digit;
  }
  fields.contentLength = length;
  return '';
}

/** A tab after the coding is white space by the grammar, and makes another coding for Node's own parser. */
function takeCoding(fields: HeadFields, line: Line): OpaqueReason | '' {
  if (fields.chunked || lowerValue(line) !== 'chunked') return 'transfer_encoding';
  if (line.bytes.subarray(line.valueAt, line.valueEnd).includes(HTAB)) return 'transfer_encoding';
  fields.chunked = true;
  return '';
}

/**
 * Whether the connection ends with this message (RFC 9112 9.3).
 *
 * @param minor - of its version
 */
export function endsConnection(fields: HeadFields, minor: number): boolean {
  return fields.close || (minor === 0 && !fields.keepAlive);
}

function isNamed(line: Line, lower: string): boolean {
  return equalsLower(line.bytes, line.nameAt, line.nameEnd, lower);
}

/** Lower case, without the white space around it. */
function lowerValue(line: Line): string {
  return lowerTexts.read(line.bytes, line.valueAt, valueEnd(line));
}

/** Where the value ends without the white space behind it. */
function valueEnd(line: Line): number {
  const { bytes, valueAt } = line;
  let end = line.valueEnd;
  while (end > valueAt && (bytes[end - 1] === SP || bytes[end - 1] === HTAB)) end -= 1;
  return end;
}

function hasOption(list: string, option: string): boolean {
  return list === option || list.split(',').some((entry) => entry.trim() === option);
}

function faultOf(bytes: Buffer, nameAt: number, at: number): OpaqueReason {
  const byte = bytes[at] ?? 0;
  if (byte === SP || byte === HTAB) return at === nameAt ? 'obs_fold' : 'space_before_colon';
  if (byte < SP || byte === 127) {
    return byte === CR && bytes[at + 1] === LF ? 'field' : 'control_character';
  }
  return 'field';
}

/**
 * Follows a chunked body (RFC 9112 7.1), strictly and at any segmentation: sizes of 1 to 13 digits,
 * extensions by the grammar without "bad" white space, exact CRLFs, trailer fields by theirs. Lines are
 * gathered, data is only counted.
 */
import type { OpaqueReason } from './opaque-reasons.ts';
import { CR, LF, latin1 } from './syntax.ts';

const TCHAR = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]";
const QUOTED =
  '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const SIZE_LINE = new RegExp(
  `^([0-9A-Fa-f]{1,13})(?:;${TCHAR}+(?:=(?:${TCHAR}+|${QUOTED}))?)*\r\n$`,
);
const TRAILER_LINE = new RegExp(`^(${TCHAR}+):[\\t \\x21-\\x7e\\x80-\\xff]*\r\n$`);
/** RFC 9110 6.5.1: fields that decide framing or routing are never trailers. */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'trailer',
]);

type Part = 'size' | 'data' | 'data_cr' | 'data_lf' | 'trailer' | 'end';

export class ChunkedReader {
  readonly #maxLineBytes: number;
  readonly #onData: ((from: number, to: number) => void) | undefined;
  #part: Part = 'size';
  #line = '';
  #trailerBytes = 0;
  #dataLeft = 0;

  /**
   * @param maxLineBytes - longest size line, and longest trailer section
   * @param onData - told of each stretch of data, as offsets in the bytes being fed
   */
  constructor(maxLineBytes: number, onData?: (from: number, to: number) => void) {
    this.#maxLineBytes = maxLineBytes;
    this.#onData = onData;
  }

  /** The last chunk and the trailer section have been read. */
  get ended(): boolean {
    return this.#part === 'end';
  }

  /** @returns the offset up to which the bytes belong to the body, or the reason why that is in doubt */
  feed(bytes: Buffer, from: number): number | OpaqueReason {
    let at = from;
    while (at < bytes.length && this.#part !== 'end') {
      if (this.#part === 'data') {
        at = this.#skipData(bytes, at);
      } else if (this.#part === 'data_cr' || this.#part === 'data_lf') {
        if (bytes[at] !== (this.#part === 'data_cr' ? CR : LF)) return 'chunk';
        this.#part = this.#part === 'data_cr' ? 'data_lf' : 'size';
        at += 1;
      } else {
        const lineEnd = bytes.indexOf(LF, at);
        const end = lineEnd < 0 ? bytes.length : lineEnd + 1;
        if (this.#line.length + this.#trailerBytes + end - at > this.#maxLineBytes) {
          return 'head_too_long';
        }
        this.#line += latin1(bytes, at, end);
        at = end;
        const reason = lineEnd < 0 ? '' : this.#takeLine();
        if (reason !== '') return reason;
      }
    }
    return at;
  }

  #skipData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#dataLeft);
    this.#dataLeft -= end - at;
    if (this.#dataLeft === 0) this.#part = 'data_cr';
    this.#onData?.(at, end);
    return end;
  }

  #takeLine(): OpaqueReason | '' {
    const line = this.#line;
    this.#line = '';
    if (this.#part === 'trailer') return this.#takeTrailer(line);
    const size = SIZE_LINE.exec(line)?.[1];
    if (size === undefined) return 'chunk';
    this.#dataLeft = Number.parseInt(size, 16);
    this.#part = this.#dataLeft === 0 ? 'trailer' : 'data';
    return '';
  }

  #takeTrailer(line: string): OpaqueReason | '' {
    if (line === '\r\n') {
      this.#part = 'end';
      return '';
    }
    this.#trailerBytes += line.length;
    const name = TRAILER_LINE.exec(line)?.[1];
    if (name === undefined || FORBIDDEN_TRAILERS.has(name.toLowerCase())) return 'trailer';
    return '';
  }
}

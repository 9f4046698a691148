/**
 * Follows a chunked body (RFC 9112 7.1), strictly and at any segmentation: sizes of 1 to 13 digits,
 * extensions by the grammar without "bad" white space, exact CRLFs, trailer fields by theirs.
 *
 * Every byte of a line is judged when it comes, so what was accepted is always the beginning of a valid
 * body: `ambiguous: reject` may pass it on before its line is whole. Data is only counted.
 */
import type { OpaqueReason } from './opaque-reasons.ts';
import { COLON, CR, LF, TOKEN, VALUE } from './syntax.ts';

/** 13 hexadecimal digits are exact in a double, and more than anybody sends. */
const MAX_SIZE_DIGITS = 13;
/** RFC 9110 6.5.1: fields that decide framing, routing or the connection are never trailers. */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'trailer',
  'connection',
]);
/** Of a longer name nothing is kept: it is none of them. */
const MAX_NAME_KEPT = 20;

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

type Part =
  | 'size'
  | 'extension_name'
  | 'extension_value'
  | 'quoted'
  | 'quoted_pair'
  | 'quoted_end'
  | 'size_lf'
  | 'data'
  | 'data_cr'
  | 'data_lf'
  | 'trailer_name'
  | 'trailer_value'
  | 'trailer_lf'
  | 'end_lf'
  | 'end';

export class ChunkedReader {
  readonly #maxLineBytes: number;
  readonly #onData: ((from: number, to: number) => void) | undefined;
  #part: Part = 'size';
  /** Of the size line, or of the whole trailer section. */
  #lineBytes = 0;
  /** Bytes of the part so far: digits of a size, letters of a name or value. */
  #partBytes = 0;
  #size = 0;
  #name = '';
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
        continue;
      }
      const reason = this.#take(bytes[at] ?? 0);
      if (reason !== '') return reason;
      at += 1;
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

  /** Takes one byte that is not data. */
  #take(byte: number): OpaqueReason | '' {
    if (this.#part === 'data_cr') return this.#expect(byte, CR, 'data_lf');
    if (this.#part === 'data_lf') {
      this.#lineBytes = 0;
      return this.#expect(byte, LF, 'size');
    }
    this.#lineBytes += 1;
    if (this.#lineBytes > this.#maxLineBytes) return 'head_too_long';
    switch (this.#part) {
      case 'trailer_name':
      case 'trailer_value':
      case 'trailer_lf':
      case 'end_lf':
        return this.#takeTrailer(byte) ? '' : 'trailer';
      default:
        return this.#takeSizeLine(byte) ? '' : 'chunk';
    }
  }

  #expect(byte: number, expected: number, next: Part): OpaqueReason | '' {
    if (byte !== expected) return 'chunk';
    this.#enter(next);
    return '';
  }

  #enter(part: Part): true {
    this.#part = part;
    this.#partBytes = 0;
    return true;
  }

  /** `size *( ";" name [ "=" ( token / quoted-string ) ] ) CRLF` @returns whether the byte may stand there */
  #takeSizeLine(byte: number): boolean {
    switch (this.#part) {
      case 'size':
        return this.#takeDigit(byte) || (this.#partBytes > 0 && this.#endOfValue(byte));
      case 'extension_name':
        if (TOKEN[byte] === 1) return this.#count();
        if (this.#partBytes === 0) return false;
        return byte === EQUALS ? this.#enter('extension_value') : this.#endOfValue(byte);
      case 'extension_value':
        if (TOKEN[byte] === 1) return this.#count();
        if (this.#partBytes === 0) return byte === QUOTE && this.#enter('quoted');
        return this.#endOfValue(byte);
      case 'quoted':
        if (byte === QUOTE) return this.#enter('quoted_end');
        if (byte === BACKSLASH) return this.#enter('quoted_pair');
        return VALUE[byte] === 1;
      case 'quoted_pair':
        return VALUE[byte] === 1 && this.#enter('quoted');
      case 'quoted_end':
        return this.#endOfValue(byte);
      default:
        return byte === LF && this.#endOfSizeLine();
    }
  }

  #takeDigit(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit < 0 || this.#partBytes === MAX_SIZE_DIGITS) return false;
    this.#size = this.#size * 16 + digit;
    return this.#count();
  }

  #count(): true {
    this.#partBytes += 1;
    return true;
  }

  #endOfValue(byte: number): boolean {
    if (byte === SEMICOLON) return this.#enter('extension_name');
    return byte === CR && this.#enter('size_lf');
  }

  #endOfSizeLine(): true {
    this.#dataLeft = this.#size;
    this.#size = 0;
    this.#lineBytes = 0;
    return this.#enter(this.#dataLeft === 0 ? 'trailer_name' : 'data');
  }

  /** `*( name ":" value CRLF ) CRLF` @returns whether the byte may stand there */
  #takeTrailer(byte: number): boolean {
    switch (this.#part) {
      case 'trailer_name':
        if (TOKEN[byte] === 1) {
          if (this.#partBytes < MAX_NAME_KEPT) this.#name += String.fromCharCode(byte);
          return this.#count();
        }
        if (this.#partBytes === 0) return byte === CR && this.#enter('end_lf');
        return byte === COLON && this.#endOfName();
      case 'trailer_value':
        return VALUE[byte] === 1 || (byte === CR && this.#enter('trailer_lf'));
      case 'trailer_lf':
        return byte === LF && this.#enter('trailer_name');
      default:
        return byte === LF && this.#enter('end');
    }
  }

  #endOfName(): boolean {
    const isForbidden = FORBIDDEN_TRAILERS.has(this.#name.toLowerCase());
    this.#name = '';
    return !isForbidden && this.#enter('trailer_value');
  }
}

/** 0 to 15; −1 where it is no hexadecimal digit. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/**
 * Finds where a head ends, over any number of reads. A head that comes in pieces is gathered in a buffer
 * of its own, which doubles, so that one-byte segments cost linear time; a head in one read is not copied.
 *
 * A head that has begun and holds a byte that no head may hold is given up at once, as `FAULTY`: waiting
 * for an end that a lenient reader has seen already helps nobody.
 */
import { CR, HTAB, LF, latin1, TOKEN } from './syntax.ts';

const END_BYTES = 4;

export class HeadReader {
  readonly #maxBytes: number;
  #gathered: Buffer | null = null;
  #gatheredBytes = 0;
  /** The head that was found: its bytes, and where it stands in them. */
  bytes: Buffer = EMPTY;
  from = 0;
  to = 0;

  /** @param maxBytes - longest head, its empty line included */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A head has begun and is not yet whole. */
  get partial(): boolean {
    return this.#gatheredBytes > 0;
  }

  /** First byte of the head that has begun; −1 where none has. */
  get firstByte(): number {
    return this.#gatheredBytes > 0 ? (this.#gathered?.[0] ?? -1) : -1;
  }

  /**
   * @param at - where the head begins or goes on in `chunk`
   * @returns the offset in `chunk` after the head, which then stands in `bytes`; `INCOMPLETE`; `TOO_LONG`;
   *   `FAULTY`: what stands in `bytes` is no head, up to and with the byte that makes it so
   */
  feed(chunk: Buffer, at: number): number {
    if (this.#gatheredBytes > 0) return this.#gather(chunk, at);
    const limit = Math.min(chunk.length, at + this.#maxBytes);
    const end = endIn(chunk, at, limit);
    if (end >= 0) {
      this.bytes = chunk;
      this.from = at;
      this.to = end;
      return end;
    }
    this.#hold(chunk, at, limit);
    return this.#judge(0);
  }

  /** What stands first in the head that has begun, or was found last: a method, if it is a request's. */
  get firstWord(): string {
    const bytes = this.#gathered ?? this.bytes;
    const from = this.#gathered === null ? this.from : 0;
    const to = this.#gathered === null ? this.to : this.#gatheredBytes;
    let at = from;
    while (at < to && TOKEN[bytes[at] ?? 0] === 1) at += 1;
    return latin1(bytes, from, at);
  }

  /** Lets go of a head that has begun, and of the one that was found last. */
  forget(): void {
    this.#gathered = null;
    this.#gatheredBytes = 0;
    this.bytes = EMPTY;
    this.from = 0;
    this.to = 0;
  }

  #gather(chunk: Buffer, at: number): number {
    const before = this.#gatheredBytes;
    const take = Math.min(chunk.length - at, this.#maxBytes - before);
    this.#hold(chunk, at, at + take);
    const gathered = this.#gathered ?? EMPTY;
    const end = endIn(gathered, Math.max(0, before - END_BYTES + 1), this.#gatheredBytes);
    if (end < 0) return this.#judge(Math.max(0, before - 1));
    this.bytes = gathered;
    this.from = 0;
    this.to = end;
    // The buffer goes with the head: the next one gets its own.
    this.#gathered = null;
    this.#gatheredBytes = 0;
    return at + end - before;
  }

  /** What to say of a head without an end; `from`: the last byte that was judged already, or 0. */
  #judge(from: number): number {
    const gathered = this.#gathered ?? EMPTY;
    const fault = faultIn(gathered, from, this.#gatheredBytes);
    if (fault < 0) return this.#gatheredBytes >= this.#maxBytes ? TOO_LONG : INCOMPLETE;
    this.bytes = gathered;
    this.from = 0;
    this.to = fault + 1;
    return FAULTY;
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const total = this.#gatheredBytes + to - from;
    if (this.#gathered === null || total > this.#gathered.length) {
      // Outside of Node's pool: a head that never ends would pin 64 KiB of it.
      const grown = Buffer.allocUnsafeSlow(Math.max(256, 2 * total));
      this.#gathered?.copy(grown, 0, 0, this.#gatheredBytes);
      this.#gathered = grown;
    }
    chunk.copy(this.#gathered, this.#gatheredBytes, from, to);
    this.#gatheredBytes = total;
  }
}

export const INCOMPLETE = -1;
export const TOO_LONG = -2;
export const FAULTY = -3;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Offset after the first CRLFCRLF in `bytes` from `from` to `to`; −1 where there is none. `at` is where the last
 * byte of it may stand: no CR and no LF there, and none of it stands there or before.
 */
function endIn(bytes: Buffer, from: number, to: number): number {
  for (let at = from + END_BYTES - 1; at < to; ) {
    const byte = bytes[at];
    if (byte === LF) {
      if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at + 1;
      at += 2;
    } else {
      at += byte === CR ? 1 : END_BYTES;
    }
  }
  return -1;
}

/**
 * Offset of the first byte that no head may hold in `bytes` from `from` to `to`; −1 where there is none: a
 * control character, LF without CR, or what follows a CR that stands alone.
 */
function faultIn(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (at > 0 && bytes[at - 1] === CR && byte !== LF) return at;
    if (byte >= 0x20 ? byte === 0x7f : byte !== CR && byte !== LF && byte !== HTAB) return at;
    if (byte === LF && (at === 0 || bytes[at - 1] !== CR)) return at;
  }
  return -1;
}

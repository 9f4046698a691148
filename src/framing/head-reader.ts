/**
 * Finds where a head ends, over any number of reads. A head that comes in pieces is gathered in a buffer
 * of its own, which doubles, so that one-byte segments cost linear time; a head in one read is not copied.
 */
import { CR, LF } from './syntax.ts';

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
   * @returns the offset in `chunk` after the head, which then stands in `bytes`; `INCOMPLETE`; `TOO_LONG`
   */
  feed(chunk: Buffer, at: number): number {
    if (this.#gatheredBytes > 0) return this.#gather(chunk, at);
    const found = chunk.indexOf('\r\n\r\n', at, 'latin1');
    if (found < 0) {
      if (chunk.length - at >= this.#maxBytes) return TOO_LONG;
      this.#hold(chunk, at, chunk.length);
      return INCOMPLETE;
    }
    if (found + END_BYTES - at > this.#maxBytes) return TOO_LONG;
    this.bytes = chunk;
    this.from = at;
    this.to = found + END_BYTES;
    return this.to;
  }

  #gather(chunk: Buffer, at: number): number {
    const before = this.#gatheredBytes;
    const take = Math.min(chunk.length - at, this.#maxBytes - before);
    this.#hold(chunk, at, at + take);
    const gathered = this.#gathered ?? EMPTY;
    const end = endIn(gathered, Math.max(0, before - END_BYTES + 1), this.#gatheredBytes);
    if (end < 0) return this.#gatheredBytes >= this.#maxBytes ? TOO_LONG : INCOMPLETE;
    this.bytes = gathered;
    this.from = 0;
    this.to = end;
    // The buffer goes with the head: the next one gets its own.
    this.#gathered = null;
    this.#gatheredBytes = 0;
    return at + end - before;
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
const EMPTY: Buffer = Buffer.alloc(0);

/** Offset after the first CRLFCRLF in `bytes` from `from` to `to`; −1 where there is none. */
function endIn(bytes: Buffer, from: number, to: number): number {
  for (let at = from; at + END_BYTES <= to; at++) {
    const isEnd =
      bytes[at] === CR && bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF;
    if (isEnd) return at + END_BYTES;
  }
  return -1;
}

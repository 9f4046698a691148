/** Follows one body to its end: counted, chunked, or until the connection closes. */
import { CHUNKED, UNTIL_CLOSE } from './answer-head.ts';
import { ChunkedReader } from './chunked.ts';
import type { OpaqueReason } from './opaque-reasons.ts';

export class BodyReader {
  readonly #maxLineBytes: number;
  #left = 0;
  #chunks: ChunkedReader | null = null;
  /** Bytes of the current body seen so far. */
  seenBytes = 0;

  /** @param maxLineBytes - of chunk size lines and trailer sections */
  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** @param bodyBytes - as a head announces them: a count, `CHUNKED` or `UNTIL_CLOSE` */
  start(bodyBytes: number): void {
    this.#left = bodyBytes === UNTIL_CLOSE ? Number.POSITIVE_INFINITY : Math.max(0, bodyBytes);
    this.#chunks = bodyBytes === CHUNKED ? new ChunkedReader(this.#maxLineBytes) : null;
    this.seenBytes = 0;
  }

  get ended(): boolean {
    return this.#chunks === null ? this.#left === 0 : this.#chunks.ended;
  }

  /** The body has no end but the connection's. */
  get untilClose(): boolean {
    return this.#left === Number.POSITIVE_INFINITY;
  }

  /** @returns the offset up to which the bytes belong to the body, or the reason why that is in doubt */
  feed(bytes: Buffer, at: number): number | OpaqueReason {
    if (this.#chunks !== null) {
      const end = this.#chunks.feed(bytes, at);
      if (typeof end === 'number') this.seenBytes += end - at;
      return end;
    }
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.seenBytes += end - at;
    return end;
  }
}

/**
 * Bytes kept for mirroring, under one budget for the process.
 *
 * Invariant: an exchange costs at most about twice the bytes it holds. Reads are kept by reference where
 * they are large; small pieces, and small views of large reads, are copied together, so that neither a
 * thousand one-byte segments nor a view that pins a 64 KiB read can cost more.
 */

/** All bytes held in this process. */
export class HeldBudget {
  readonly maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns whether there was room */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** From here on a piece is worth an object of its own. */
const PIECE_BYTES = 2_048;
const MAX_TAIL_BYTES = 65_536;
const EMPTY: Buffer = Buffer.alloc(0);

export class HeldBytes {
  readonly #pieces: Buffer[] = [];
  /** Small pieces gather here, after the last of `#pieces`. */
  #tail: Buffer = EMPTY;
  #tailBytes = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param bytes - immutable from now on */
  add(bytes: Buffer): void {
    this.#length += bytes.length;
    const pinned = bytes.buffer.byteLength;
    const isView = pinned > 2 * bytes.length && pinned > Buffer.poolSize;
    if (!isView && (this.#length === bytes.length || bytes.length >= PIECE_BYTES)) {
      this.#closeTail();
      this.#pieces.push(bytes);
    } else {
      this.#gather(bytes);
    }
  }

  /** @returns the offset in `target` after the bytes */
  copyTo(target: Buffer, at: number): number {
    let end = at;
    for (const piece of this.#pieces) end += piece.copy(target, end);
    return end + this.#tail.copy(target, end, 0, this.#tailBytes);
  }

  #gather(bytes: Buffer): void {
    const total = this.#tailBytes + bytes.length;
    if (total > this.#tail.length) {
      if (this.#tailBytes >= MAX_TAIL_BYTES) {
        this.#closeTail();
        this.#gather(bytes);
        return;
      }
      const grown = Buffer.allocUnsafe(Math.max(256, 2 * total));
      this.#tail.copy(grown, 0, 0, this.#tailBytes);
      this.#tail = grown;
    }
    bytes.copy(this.#tail, this.#tailBytes);
    this.#tailBytes = total;
  }

  #closeTail(): void {
    if (this.#tailBytes === 0) return;
    this.#pieces.push(this.#tail.subarray(0, this.#tailBytes));
    this.#tail = EMPTY;
    this.#tailBytes = 0;
  }
}

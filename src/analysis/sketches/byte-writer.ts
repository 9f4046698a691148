/** Compact canonical bytes: counts and integers as variable-length numbers of 7 bits a byte (LEB128), texts in UTF-8. */
import { requireCount } from '../statistics/domain.ts';

export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(256);
  #length = 0;

  /** @param value - integer from 0 to 2^53 - 1. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
  count(value: number): void {
    requireCount('count', value);
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A signed integer of any size: zigzag, then as {@link count}. */
  integer(value: bigint): void {
    let rest = value >= 0n ? value << 1n : (-value << 1n) - 1n;
    while (rest >= 128n) {
      this.#room(1);
      this.#bytes[this.#length++] = Number(rest & 127n) + 128;
      rest >>= 7n;
    }
    this.#room(1);
    this.#bytes[this.#length++] = Number(rest);
  }

  /** A text with its length. */
  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.count(size);
    this.#room(size);
    this.#length += this.#bytes.write(value, this.#length, 'utf8');
  }

  /** A copy of what was written. */
  toBytes(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

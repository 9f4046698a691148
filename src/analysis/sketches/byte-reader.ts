/** Reads what {@link ByteWriter} wrote. Never reads past the end; each fault is `UND_ANALYSIS_DOMAIN`. */
import { requireThat } from '../statistics/domain.ts';

/** Bytes of one integer: sums of 128 bits fit. */
const INTEGER_BYTES_MAX = 19;

export class ByteReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#position === this.#bytes.length;
  }

  count(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#next();
      value += (byte & 127) * scale;
      requireThat(value <= Number.MAX_SAFE_INTEGER, 'count', value, 'at most 2^53 - 1');
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  integer(): bigint {
    let value = 0n;
    for (let i = 0; ; i++) {
      requireThat(i < INTEGER_BYTES_MAX, 'integer', i, `at most ${INTEGER_BYTES_MAX} bytes`);
      const byte = this.#next();
      value |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) break;
    }
    return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n);
  }

  text(): string {
    const size = this.count();
    const end = this.#position + size;
    requireThat(end <= this.#bytes.length, 'text', size, 'no more bytes than there are');
    const text = Buffer.from(this.#bytes.subarray(this.#position, end)).toString('utf8');
    this.#position = end;
    return text;
  }

  #next(): number {
    const byte = this.#bytes[this.#position];
    requireThat(byte !== undefined, 'position', this.#position, 'a byte there');
    this.#position += 1;
    return byte as number;
  }
}

/**
 * Several exact sums of integers side by side: a commutative monoid.
 *
 *     value = high × 2^52 + low,   |low| < 2^52 at rest; both are doubles that hold integers
 *
 * An addition is one floating-point add and one comparison; the carry comes once in thousands of them. The
 * value is exact up to 2^104, which is 10^9 losses of 2^70 units. Only the pair (high, low) depends on the order of
 * additions, never the value; {@link ExactSums.values} and the encoding show the value alone.
 */
import { requireCount, requireThat } from '../statistics/domain.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

const BASE = 2 ** 52;

/** Sums of one state that is read: no damaged byte may ask for gigabytes. */
const LENGTH_MAX = 2 ** 20;

export class ExactSums {
  readonly length: number;
  readonly #low: Float64Array;
  readonly #high: Float64Array;

  /** @param length - number of sums, integer ≥ 0; 16 bytes each */
  constructor(length: number) {
    requireCount('length', length);
    this.length = length;
    this.#low = new Float64Array(length);
    this.#high = new Float64Array(length);
  }

  /**
   * Adds an integer to one sum.
   *
   * @param index - which sum; outside [0, length) nothing is added, as in a typed array
   * @param units - an integer, |units| ≤ 2^52; not checked here, {@link toFixedPoint} gives such
   */
  add(index: number, units: number): void {
    const low = (this.#low[index] as number) + units;
    if (low < BASE && low > -BASE) this.#low[index] = low;
    else this.#carry(index, low);
  }

  #carry(index: number, low: number): void {
    const carry = Math.trunc(low / BASE);
    this.#high[index] = (this.#high[index] as number) + carry;
    this.#low[index] = low - carry * BASE;
  }

  /** Adds the sums of another state. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on another length */
  merge(other: ExactSums): void {
    requireThat(other.length === this.length, 'length', other.length, `${this.length}`);
    for (let i = 0; i < this.length; i++) {
      this.add(i, other.#low[i] as number);
      this.#high[i] = (this.#high[i] as number) + (other.#high[i] as number);
    }
  }

  /** One sum, exact. */
  value(index: number): bigint {
    return BigInt(this.#high[index] ?? 0) * BigInt(BASE) + BigInt(this.#low[index] ?? 0);
  }

  /** One sum, in units, rounded to a double: relative error 2^-53 at most. */
  toNumber(index: number): number {
    return Number(this.value(index));
  }

  values(): bigint[] {
    return Array.from({ length: this.length }, (_, i) => this.value(i));
  }

  /** Canonical: equal sums give equal bytes. Zero sums take one byte. */
  encode(writer: ByteWriter): void {
    writer.count(this.length);
    for (let i = 0; i < this.length; i++) writer.integer(this.value(i));
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): ExactSums {
    const length = reader.count();
    requireThat(length <= LENGTH_MAX, 'length', length, `at most ${LENGTH_MAX}`);
    const sums = new ExactSums(length);
    for (let i = 0; i < sums.length; i++) {
      const value = reader.integer();
      const low = value % BigInt(BASE);
      sums.#low[i] = Number(low);
      sums.#high[i] = Number((value - low) / BigInt(BASE));
    }
    return sums;
  }
}

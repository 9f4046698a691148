/**
 * One exact sum of integers, as one of exact-sums.ts: for states of which there are thousands, since two typed arrays
 * take 350 bytes and more, and this 80.
 */

const BASE = 2 ** 52;

export class ExactSum {
  /** value = high × 2^52 + low, |low| < 2^52; exact up to 2^104. Only these two depend on the order of additions. */
  #low = 0;
  #high = 0;

  /** @param units - an integer, |units| ≤ 2^52; not checked here, `toFixedPoint` gives such */
  add(units: number): void {
    const low = this.#low + units;
    if (low < BASE && low > -BASE) {
      this.#low = low;
      return;
    }
    const carry = Math.trunc(low / BASE);
    this.#high += carry;
    this.#low = low - carry * BASE;
  }

  merge(other: ExactSum): void {
    this.add(other.#low);
    this.#high += other.#high;
  }

  get value(): bigint {
    return BigInt(this.#high) * BigInt(BASE) + BigInt(this.#low);
  }

  static of(value: bigint): ExactSum {
    const sum = new ExactSum();
    const low = value % BigInt(BASE);
    sum.#low = Number(low);
    sum.#high = Number((value - low) / BigInt(BASE));
    return sum;
  }
}

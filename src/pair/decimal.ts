/**
 * The difference of two numbers as they were written: exact where doubles are not, beyond 2^53 and for long
 * decimals. Pure.
 */

/** Digits and exponents beyond these are no real numbers of a model, and would cost memory. */
const MAX_DIGITS = 1_000;
const MAX_EXPONENT = 2_000;

/** RFC 8259 §6: sign, integer, fraction, exponent. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

interface Decimal {
  /** value = digits × 10^exponent */
  readonly digits: bigint;
  readonly exponent: number;
}

/**
 * @param minuend - a number as JSON writes it
 * @param subtrahend - the same
 * @returns the double nearest to minuend − subtrahend; where one is too long, the difference of the doubles
 */
export function differenceOf(minuend: string, subtrahend: string): number {
  const a = parseDecimal(minuend);
  const b = parseDecimal(subtrahend);
  if (a === null || b === null) return Number(minuend) - Number(subtrahend);
  const exponent = Math.min(a.exponent, b.exponent);
  const digits = scale(a, exponent) - scale(b, exponent);
  return Number(`${digits}e${exponent}`);
}

function parseDecimal(text: string): Decimal | null {
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const [, sign = '', integer = '', fraction = '', power = '0'] = match;
  const exponent = Number(power) - fraction.length;
  if (integer.length + fraction.length > MAX_DIGITS || Math.abs(exponent) > MAX_EXPONENT) {
    return null;
  }
  return { digits: BigInt(`${sign}${integer}${fraction}`), exponent };
}

function scale({ digits, exponent }: Decimal, to: number): bigint {
  return digits * 10n ** BigInt(exponent - to);
}

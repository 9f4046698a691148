/**
 * ln Γ and the two pieces of Stirling's formula that keep large arguments exact: the other special
 * functions are built of the pieces, so that terms of size n cancel before they are rounded.
 *
 * Source: Loader 2000, "Fast and accurate computation of binomial probabilities" (`stirlerr`, `bd0`);
 * Abramowitz & Stegun 6.1.33 and 6.1.40. Proven against mpmath tables, `test/oracles/special.py`.
 */
import { requirePositive } from './domain.ts';
import { zetaMinusOne } from './zeta.ts';

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const ONE_MINUS_EULER = 1 - 0.577_215_664_901_532_9;

/** (ζ(k) - 1) / k for k = 2, 3, …: 27 terms leave less than 1e-17 at |z| = 1/2. */
const ZETA_TERMS: readonly number[] = Array.from(
  { length: 27 },
  (_, i) => zetaMinusOne(i + 2) / (i + 2),
);

/** B_2j / (2j (2j - 1)) for j = 1 …: Stirling's series, good to 1e-17 from x = 12 on. */
const STIRLING: readonly number[] = [
  1 / 12,
  -1 / 360,
  1 / 1_260,
  -1 / 1_680,
  1 / 1_188,
  -691 / 360_360,
  1 / 156,
];
const STIRLING_FROM = 12;

/**
 * ln Γ(x).
 *
 * @param x - > 0; relative error below 1e-14 from 1e-300 to 1e15, also beside the zeros at 1 and 2
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on x ≤ 0 or not finite
 */
export function logGamma(x: number): number {
  requirePositive('x', x);
  if (x < 0.5) return logGammaNearTwo(x) - Math.log1p(x) - Math.log(x);
  if (x < 1.5) return logGammaNearTwo(x - 1) - Math.log1p(x - 1);
  if (x <= 2.5) return logGammaNearTwo(x - 2);
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + stirlingError(x);
}

/** ln Γ(2 + z), |z| ≤ 1/2: z (1 - γ) + sum of (ζ(k) - 1)(-z)^k / k. */
function logGammaNearTwo(z: number): number {
  let sum = 0;
  for (let i = ZETA_TERMS.length - 1; i >= 0; i--) sum = (ZETA_TERMS[i] as number) - z * sum;
  return z * (ONE_MINUS_EULER + z * sum);
}

/**
 * What Stirling's formula leaves over: ln Γ(x) - (x - 1/2) ln x + x - ln(2π)/2.
 *
 * @param x - > 0; absolute error below 1e-15, relative to max(1, |result|)
 */
export function stirlingError(x: number): number {
  if (x >= STIRLING_FROM) {
    const inverse = 1 / x;
    const square = inverse * inverse;
    let sum = 0;
    for (let i = STIRLING.length - 1; i >= 0; i--) sum = sum * square + (STIRLING[i] as number);
    return sum * inverse;
  }
  if (x <= 2.5) return logGamma(x) - (x - 0.5) * Math.log(x) + x - HALF_LOG_TWO_PI;
  // From x up to 12: e(x) = e(x + 1) + (x + 1/2) ln(1 + 1/x) - 1, the last two of size 1/(12 x²).
  let sum = 0;
  let y = x;
  while (y < STIRLING_FROM) {
    sum += stirlingStep(y);
    y += 1;
  }
  return sum + stirlingError(y);
}

/** (y + 1/2) ln(1 + 1/y) - 1, by its series in 1/(2y + 1): no cancellation. */
function stirlingStep(y: number): number {
  const u = 1 / (2 * y + 1);
  const square = u * u;
  let power = square;
  let sum = 0;
  for (let k = 3; power > 1e-20; k += 2) {
    sum += power / k;
    power *= square;
  }
  return sum;
}

/**
 * Deviance term x ln(x/m) + m - x ≥ 0, without cancellation where x is close to m.
 *
 * @param x - > 0 (or 0: the limit m)
 * @param m - > 0
 */
export function devianceTerm(x: number, m: number): number {
  if (x === 0) return m;
  const difference = x - m;
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * Math.log(x / m) - difference;
  const v = difference / (x + m);
  const square = v * v;
  let sum = difference * v;
  let term = 2 * x * v;
  for (let k = 3; k < 1_000; k += 2) {
    term *= square;
    const next = sum + term / k;
    if (next === sum) return next;
    sum = next;
  }
  return sum;
}

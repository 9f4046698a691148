/**
 * The incomplete beta function in log space, in a form without large terms.
 *
 * Everything rests on
 *
 *     L(x; a, b) = ln [ B_x(a, b) / (x^a (1 - x)^b) ],   B_x(a, b) = ∫_0^x t^(a-1) (1-t)^(b-1) dt
 *
 * The test supermartingale of a Bernoulli loss is a difference of two such values (beta-binomial.ts), so
 * that k ln δ and (n - k) ln(1 - δ), of size n, never enter: at n = 10^9 they would cost seven digits.
 *
 * Sources: Didonato & Morris 1992, "Algorithm 708", BFRAC (continued fraction) and BPSER (series); Loader 2000
 * (deviance).
 * No step under- or overflows. Proven against mpmath tables, `test/oracles/special.py`.
 */
import { requirePositive, requireThat } from './domain.ts';
import { devianceTerm, stirlingError } from './log-gamma.ts';

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
/** Near the mean the fraction needs some √max(a, b) steps: 4e5 at 10^10. */
const STEPS_MAX = 4_000_000;

/** A point in (0, 1) with its complement, so that neither loses digits at an end. */
export interface UnitPoint {
  readonly x: number;
  /** 1 - x, as exact as the caller has it. */
  readonly y: number;
}

/** @param x - in (0, 1) */
export function unitPoint(x: number): UnitPoint {
  return { x, y: 1 - x };
}

/**
 * L(x; a, b) as defined above.
 *
 * @param point - x in (0, 1) and 1 - x
 * @param a - > 0, up to 1e10
 * @param b - > 0, up to 1e10
 * @returns relative error below 1e-12 over a, b up to 1e9 and x from 1e-9 to 1 - 1e-9
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function logIncompleteBetaScaled(point: UnitPoint, a: number, b: number): number {
  checkArguments(point, a, b);
  const { scaled, complement } = sides(point, a, b);
  if (scaled !== undefined) return Math.log(scaled);
  const whole = logBetaScaled(point, a, b);
  return whole + Math.log1p(-(complement ?? 0) * Math.exp(-whole));
}

/**
 * ln [ B(a, b) / (x^a (1 - x)^b) ]: the complete beta function on the scale of L.
 *
 * @param point - x in (0, 1) and 1 - x
 * @param a - > 0
 * @param b - > 0
 */
export function logBetaScaled({ x, y }: UnitPoint, a: number, b: number): number {
  const s = a + b;
  const deviance = devianceTerm(a, s * x) + devianceTerm(b, s * y);
  const half = HALF_LOG_TWO_PI + 0.5 * (Math.log(s / b) - Math.log(a));
  return deviance + half + stirlingError(a) + stirlingError(b) - stirlingError(s);
}

/**
 * ln I_x(a, b), the regularised incomplete beta function: P(Beta(a, b) ≤ x).
 *
 * @param point - x in (0, 1) and 1 - x
 * @param a - > 0
 * @param b - > 0
 * @returns ≤ 0; also below -745, where I itself underflows
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function logIncompleteBeta(point: UnitPoint, a: number, b: number): number {
  checkArguments(point, a, b);
  const whole = logBetaScaled(point, a, b);
  const { scaled, complement } = sides(point, a, b);
  if (scaled !== undefined) return Math.min(0, Math.log(scaled) - whole);
  return Math.log1p(-(complement ?? 0) * Math.exp(-whole));
}

/** ln B(a, b). @param a - > 0 @param b - > 0 @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function logBeta(a: number, b: number): number {
  requirePositive('a', a);
  requirePositive('b', b);
  const s = a + b;
  const half = HALF_LOG_TWO_PI + 0.5 * (Math.log(s / b) - Math.log(a));
  const entropy = -a * Math.log1p(b / a) - b * Math.log1p(a / b);
  return entropy + half + stirlingError(a) + stirlingError(b) - stirlingError(s);
}

function checkArguments({ x, y }: UnitPoint, a: number, b: number): void {
  requireThat(x > 0 && x < 1 && y > 0 && y < 1, 'x', x, 'a number in (0, 1)');
  requirePositive('a', a);
  requirePositive('b', b);
}

/** B_x(a, b) by x^a y^b, or the same of its complement B_y(b, a): whichever is computed without cancellation. */
function sides(
  { x, y }: UnitPoint,
  a: number,
  b: number,
): { readonly scaled?: number; readonly complement?: number } {
  const s = a + b;
  // How far x is below the mean, in counts; a - s x without the rounding of a large s.
  const lambda = a * y - b * x;
  if (lambda >= 0) {
    if (b < 1 && y <= 0.5 && s * y < 1) return { complement: betaSeries(y, b, a) };
    return { scaled: betaFraction({ x, y }, a, b) };
  }
  if (a < 1 && x <= 0.5 && s * x < 1) return { scaled: betaSeries(x, a, b) };
  return { complement: betaFraction({ x: y, y: x }, b, a) };
}

/** Sum over n of (a+b)_n x^n / (a (a+1)_n): B_x(a, b) / (x^a y^b); all terms positive. */
function betaSeries(x: number, a: number, b: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 0; n <= STEPS_MAX; n++) {
    term *= ((a + b + n) * x) / (a + 1 + n);
    sum += term;
    if (term < sum * 1e-17) return sum;
  }
  return diverges(a, b);
}

/** BFRAC: B_x(a, b) / (x^a y^b) for x at or below the mean. */
function betaFraction({ x, y }: UnitPoint, a: number, b: number): number {
  const c = 1 + a * y - b * x;
  const c0 = b / a;
  const c1 = 1 + 1 / a;
  let p = 1;
  let s = a + 1;
  let [an, bn] = [0, 1];
  let [anNext, bnNext] = [1, c / c1];
  let r = c1 / c;
  for (let n = 1; n <= STEPS_MAX; n++) {
    const t = n / a;
    const w = n * (b - n) * x;
    const e = a / s;
    const alpha = p * (p + c0) * e * e * (w * x);
    const beta = n + w / s + ((1 + t) / (c1 + t + t)) * (c + n * (1 + y));
    p = 1 + t;
    s += 2;
    const numerator = alpha * an + beta * anNext;
    const denominator = alpha * bn + beta * bnNext;
    const next = numerator / denominator;
    if (Math.abs(next - r) <= 1e-16 * next) return next;
    r = next;
    an = anNext / denominator;
    bn = bnNext / denominator;
    anNext = r;
    bnNext = 1;
  }
  return diverges(a, b);
}

function diverges(a: number, b: number): never {
  requireThat(false, 'a + b', a + b, 'parameters for which the expansion converges');
  throw new Error('unreachable');
}

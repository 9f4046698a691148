import { requireOpenUnit, requireThat } from './domain.ts';
import { lastReal } from './solve.ts';

/** Leading constant of the bound: the default of confseq. */
const A = 0.85;

/**
 * Radius of the empirical distribution function, for all values and all times t ≥ tMin at once:
 * A sqrt((ln(1 + ln(t/tMin)) + C)/t), C chosen for the level.
 *
 * @param t - observations
 * @param alpha - level in (0, 1)
 * @param tMin - first time at which it is used, ≥ 1
 * @returns infinite before tMin
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Howard & Ramdas 2022, "Sequential estimation of quantiles", Thm 2; A = 0.85.
 */
export function empiricalProcessRadius(t: number, alpha: number, tMin: number): number {
  requireOpenUnit('alpha', alpha);
  requireThat(tMin >= 1, 'tMin', tMin, 'a number ≥ 1');
  if (t < tMin) return Number.POSITIVE_INFINITY;
  const c = lastReal(0.5, 1e4, (x) => smallestError(x) > alpha);
  return A * Math.sqrt((Math.log1p(Math.log(t / tMin)) + c) / t);
}

/** The error of constant C at its best epoch ratio η, by golden section on a unimodal function. */
function smallestError(c: number): number {
  const reach = (eta: number): number => Math.sqrt(eta / 2) + Math.sqrt((2 * (eta - 1)) / c);
  const largest = lastReal(1, 2 * A * A, (eta) => reach(eta) <= A);
  let low = 1;
  let high = largest;
  const ratio = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < 80; i++) {
    const left = high - ratio * (high - low);
    const right = low + ratio * (high - low);
    if (errorAt(c, left) <= errorAt(c, right)) high = right;
    else low = left;
  }
  return errorAt(c, (low + high) / 2);
}

function errorAt(c: number, eta: number): number {
  const gammaSquare = (2 / eta) * (A - Math.sqrt((2 * (eta - 1)) / c)) ** 2;
  if (gammaSquare <= 1) return Number.POSITIVE_INFINITY;
  return 4 * Math.exp(-gammaSquare * c) * (1 + 1 / ((gammaSquare - 1) * Math.log(eta)));
}

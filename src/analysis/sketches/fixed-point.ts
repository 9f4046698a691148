/**
 * Scores and losses as integers: 2^-40 fixed point.
 *
 * Sums of integers do not depend on their order, so states of any partition, replay and merge tree are equal
 * bit for bit. 2^-40 is 9.1e-13 of the score's unit: a difference of 1e-12 counts as zero or one unit.
 */
import { requireWithin } from '../statistics/domain.ts';

/** Units of 1. */
export const FIXED_ONE = 2 ** 40;

/** Largest magnitude that can be converted: its integer stays below 2^53, so it is exact. */
export const FIXED_RANGE = 2 ** 11;

/**
 * The nearest multiple of 2^-40, as an integer number of units; halves go towards +∞.
 *
 * @param value - in [-2048, 2048]; normalise by the range of the score first
 * @returns an integer in [-2^51, 2^51]; never -0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` outside that, and on NaN
 */
export function toFixedPoint(value: number): number {
  requireWithin('value', value, [-FIXED_RANGE, FIXED_RANGE]);
  return Math.round(value * FIXED_ONE) + 0;
}

/** The double nearest to so many units. @param units - integer */
export function fromFixedPoint(units: number): number {
  return units / FIXED_ONE;
}

/**
 * The square of a loss in units of 2^-40, rounded up: V is never too small, so a test never too sharp.
 *
 * @param units - integer, |units| ≤ 2^46 (a loss of up to 64)
 * @returns an integer ≥ 0: the ceiling of units² / 2^40, computed in doubles and so the same everywhere
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function squareUnits(units: number): number {
  requireWithin('units', units, [-(2 ** 46), 2 ** 46]);
  return Math.ceil((units / FIXED_ONE) * units);
}

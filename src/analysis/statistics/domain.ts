/** Checks of arguments that all statistical functions share. Each fails with `UND_ANALYSIS_DOMAIN`. */
import { UnderstudyError } from '../../errors.ts';

/** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`, naming the argument, its value and its domain */
function refuse(name: string, value: number, expected: string): never {
  throw new UnderstudyError('UND_ANALYSIS_DOMAIN', `${name} is ${value}, expected ${expected}`, {
    details: { argument: name, value, expected },
  });
}

/** A condition between arguments; `expected` says it in words. */
export function requireThat(holds: boolean, name: string, value: number, expected: string): void {
  if (!holds) refuse(name, value, expected);
}

/** An error level, a margin, a probability: in (0, 1), both ends left out. */
export function requireOpenUnit(name: string, value: number): void {
  if (!(value > 0 && value < 1)) refuse(name, value, 'a number in (0, 1)');
}

/** Positive and finite. */
export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) refuse(name, value, 'a number > 0');
}

/** Finite. */
export function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) refuse(name, value, 'a finite number');
}

/** A count: an integer from 0 to 2^53 - 1. */
export function requireCount(name: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0)) refuse(name, value, 'an integer ≥ 0');
}

/** A real number in [lowest, highest]. */
export function requireWithin(name: string, value: number, range: readonly [number, number]): void {
  const [lowest, highest] = range;
  if (!(value >= lowest && value <= highest)) {
    refuse(name, value, `a number in [${lowest}, ${highest}]`);
  }
}

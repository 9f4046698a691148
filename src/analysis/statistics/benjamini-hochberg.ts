/** Corrections of fixed-n p-values over several tests. */
import { requireWithin } from './domain.ts';

/**
 * Benjamini-Hochberg adjusted p-values: reject those ≤ the false discovery rate. For exploratory segments.
 *
 * @param pValues - each in [0, 1]
 * @returns adjusted values in the order given
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Benjamini & Hochberg 1995; valid for independent or positively dependent tests.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const n = pValues.length;
  const order = ascending(pValues);
  const adjusted = new Array<number>(n).fill(1);
  let least = 1;
  for (let i = n - 1; i >= 0; i--) {
    const place = order[i] as number;
    least = Math.min(least, ((pValues[place] as number) * n) / (i + 1));
    adjusted[place] = least;
  }
  return adjusted;
}

/** Holm's adjusted p-values: reject those ≤ the family-wise level, under any dependence. For named segments. */
export function holm(pValues: readonly number[]): number[] {
  const n = pValues.length;
  const adjusted = new Array<number>(n).fill(1);
  let largest = 0;
  for (const [i, place] of ascending(pValues).entries()) {
    largest = Math.min(1, Math.max(largest, (pValues[place] as number) * (n - i)));
    adjusted[place] = largest;
  }
  return adjusted;
}

function ascending(pValues: readonly number[]): number[] {
  for (const p of pValues) requireWithin('p', p, [0, 1]);
  return pValues.map((_, i) => i).sort((i, j) => (pValues[i] as number) - (pValues[j] as number));
}

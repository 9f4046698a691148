import { requireFinite, requireThat } from './domain.ts';

/**
 * Hájek mean over pairs that were selected with different probabilities: Σ w z / Σ w, w = 1/π. Shown, never a gate.
 *
 * @param values - z, finite, at least one
 * @param probabilities - π of each pair, in (0, 1]
 * @returns the mean, and the effective number of pairs (Σ w)² / Σ w²
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Hájek 1971; Kish 1965 (effective size).
 */
export function hajekMean(
  values: readonly number[],
  probabilities: readonly number[],
): { readonly mean: number; readonly effectiveN: number } {
  const n = values.length;
  requireThat(n >= 1 && probabilities.length === n, 'length', probabilities.length, `${n}`);
  let [sum, weights, squares] = [0, 0, 0];
  for (const [i, value] of values.entries()) {
    const probability = probabilities[i] as number;
    requireFinite('value', value);
    requireThat(probability > 0 && probability <= 1, 'probability', probability, 'in (0, 1]');
    const weight = 1 / probability;
    sum += weight * value;
    weights += weight;
    squares += weight * weight;
  }
  return { mean: sum / weights, effectiveN: (weights * weights) / squares };
}

import { requireThat } from './domain.ts';

/** Losses that must be non-zero before the estimate is used instead of the bound. */
const LOSSES_MIN = 50;

/**
 * Design effect D of repeated keys: by how much the variance of the mean is larger than with distinct keys.
 *
 * A test at (n, S, V)/D is an approximate answer for *new* keys; the test itself speaks of the keys seen.
 *
 *     D_max = (Σ n_b² - n²/B) / (n (1 - 1/B))
 *     D_est = Σ (S_b - n_b zbar)² / ((1 - 1/B) Σ (Z_i - zbar)²)
 *     D = max(1, D_est) once 50 losses are non-zero, else max(1, D_max)
 *
 * @param counts - n_b, pairs in each of B ≥ 2 buckets by hash of the key
 * @param sums - S_b, the loss in each bucket
 * @param totals.squares - Σ Z_i², @param totals.nonZero - losses that are not 0
 * @returns ≥ 1; 1 without pairs
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on lists of different length
 * Source: Kish 1965, "Survey Sampling" (design effect); buckets as clusters by hash.
 */
export function designEffect(
  counts: readonly number[],
  sums: readonly number[],
  totals: { readonly squares: number; readonly nonZero: number },
): number {
  requireThat(counts.length === sums.length, 'sums.length', sums.length, `${counts.length}`);
  const buckets = counts.length;
  requireThat(buckets >= 2, 'counts.length', buckets, 'at least 2 buckets');
  const n = counts.reduce((a, b) => a + b, 0);
  if (n === 0) return 1;
  const shrink = 1 - 1 / buckets;
  if (totals.nonZero < LOSSES_MIN) {
    const squares = counts.reduce((total, count) => total + count * count, 0);
    return Math.max(1, (squares - (n * n) / buckets) / (n * shrink));
  }
  const sum = sums.reduce((a, b) => a + b, 0);
  const mean = sum / n;
  const within = totals.squares - n * mean * mean;
  if (!(within > 0)) return 1;
  const between = sums.reduce((total, s, b) => total + (s - (counts[b] as number) * mean) ** 2, 0);
  return Math.max(1, between / (shrink * within));
}

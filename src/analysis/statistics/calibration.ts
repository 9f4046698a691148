/** Calibration of probabilities against labels that came later. */
import { requireThat, requireWithin } from './domain.ts';

/**
 * Brier score: mean (p - y)², in [0, 1]; 0 is best.
 *
 * @param probabilities - in [0, 1], at least one
 * @param positive - as many labels
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Brier 1950.
 */
export function brierScore(probabilities: readonly number[], positive: readonly boolean[]): number {
  check(probabilities, positive);
  const sum = probabilities.reduce((total, p, i) => total + (p - Number(positive[i])) ** 2, 0);
  return sum / probabilities.length;
}

/**
 * The loss of one pair under the Brier guardrail: (c - y)² - (s - y)², in [-1, 1], for a bounded test with c = 1.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function brierLoss(incumbent: number, candidate: number, positive: boolean): number {
  requireWithin('incumbent', incumbent, [0, 1]);
  requireWithin('candidate', candidate, [0, 1]);
  const y = Number(positive);
  return (candidate - y) ** 2 - (incumbent - y) ** 2;
}

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  readonly n: number;
  /** Mean probability, NaN in an empty bin. */
  readonly confidence: number;
  /** Share of positive labels, NaN in an empty bin. */
  readonly accuracy: number;
}

/**
 * Bins of equal width over [0, 1]; a probability on a border belongs to the lower bin, 0 to the first.
 *
 * @param bins - integer ≥ 1; 15 is usual
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function calibrationBins(
  probabilities: readonly number[],
  positive: readonly boolean[],
  bins = 15,
): CalibrationBin[] {
  check(probabilities, positive);
  requireThat(Number.isSafeInteger(bins) && bins >= 1, 'bins', bins, 'an integer ≥ 1');
  const sums = Array.from({ length: bins }, () => ({ n: 0, confidence: 0, accuracy: 0 }));
  for (const [i, p] of probabilities.entries()) {
    const sum = sums[Math.max(0, Math.ceil(p * bins) - 1)] as (typeof sums)[number];
    sum.n += 1;
    sum.confidence += p;
    sum.accuracy += Number(positive[i]);
  }
  return sums.map(({ n, confidence, accuracy }) => ({
    n,
    confidence: confidence / n,
    accuracy: accuracy / n,
  }));
}

/**
 * Expected calibration error: Σ (n_b/n) |accuracy_b - confidence_b|. Biased upward in small bins: gate on Brier.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Naeini, Cooper, Hauskrecht 2015.
 */
export function calibrationError(
  probabilities: readonly number[],
  positive: readonly boolean[],
  bins = 15,
): number {
  let error = 0;
  for (const { n, confidence, accuracy } of calibrationBins(probabilities, positive, bins)) {
    if (n > 0) error += (n / probabilities.length) * Math.abs(accuracy - confidence);
  }
  return error;
}

function check(probabilities: readonly number[], positive: readonly boolean[]): void {
  const n = probabilities.length;
  requireThat(n >= 1 && positive.length === n, 'length', positive.length, `${n}, and at least 1`);
  for (const p of probabilities) requireWithin('probability', p, [0, 1]);
}

/** Agreement of two scores on the same requests. */
import { requireFinite, requireThat } from './domain.ts';
import { midranks } from './midranks.ts';

interface PairMoments {
  readonly meanX: number;
  readonly meanY: number;
  readonly varX: number;
  readonly varY: number;
  readonly covariance: number;
}

/** Means, variances and covariance with divisor n, in two passes. */
function moments(x: readonly number[], y: readonly number[]): PairMoments {
  const n = x.length;
  requireThat(n >= 2 && y.length === n, 'length', y.length, `${n}, and at least 2`);
  for (const value of x) requireFinite('x', value);
  for (const value of y) requireFinite('y', value);
  const meanX = x.reduce((a, b) => a + b, 0) / n;
  const meanY = y.reduce((a, b) => a + b, 0) / n;
  let [varX, varY, covariance] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const dx = (x[i] as number) - meanX;
    const dy = (y[i] as number) - meanY;
    varX += dx * dx;
    varY += dy * dy;
    covariance += dx * dy;
  }
  return { meanX, meanY, varX: varX / n, varY: varY / n, covariance: covariance / n };
}

/**
 * Spearman's rank correlation, ties by midranks, in [-1, 1].
 *
 * @param x - finite, at least 2
 * @param y - as many
 * @returns NaN where one side is constant
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Spearman 1904: Pearson's correlation of midranks.
 */
export function spearman(x: readonly number[], y: readonly number[]): number {
  requireThat(x.length === y.length, 'length', y.length, `${x.length}`);
  for (const value of [...x, ...y]) requireFinite('value', value);
  const { varX, varY, covariance } = moments(midranks(x), midranks(y));
  const scale = Math.sqrt(varX) * Math.sqrt(varY);
  return scale === 0 ? Number.NaN : Math.max(-1, Math.min(1, covariance / scale));
}

/**
 * Lin's concordance: agreement with the line y = x, not just correlation, in [-1, 1].
 *
 * @param x - finite, at least 2
 * @param y - as many
 * @returns 1 where both are the same constant
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Lin 1989: 2 cov / (var_x + var_y + (mean_x - mean_y)²), divisor n.
 */
export function concordance(x: readonly number[], y: readonly number[]): number {
  const { meanX, meanY, varX, varY, covariance } = moments(x, y);
  const whole = varX + varY + (meanX - meanY) ** 2;
  return whole === 0 ? 1 : (2 * covariance) / whole;
}

/**
 * Difference of two ratio metrics on the same requests by influence functions: precision, F1, prediction-weighted rates.
 *
 * A ratio metric is R = Σ a / Σ b. Precision: a = flagged and positive, b = flagged. F1: a = 2 × flagged and positive,
 * b = flagged + positive. Denominators differ between the sides, so this is no paired proportion. With
 *
 *     f_i = (a1_i - R1 b1_i)/mean(b1) - (a2_i - R2 b2_i)/mean(b2),   Σ f_i = 0,   variance of R1 - R2 = mean(f²)/n
 *
 * and f is linear in (a1, b1, a2, b2), so sums of the four and of their ten products are enough: a monoid.
 *
 * Source: Hampel 1974 (influence curve); Deng, Knoblich, Lu 2018 (delta method for ratio metrics). Asymptotic: feed the
 * result to asymptotic-sequence.ts.
 */
import type { Estimate } from './asymptotic-sequence.ts';
import { requireFinite, requirePositive, requireThat } from './domain.ts';

/** a1, b1, a2, b2 of one request. */
export type RatioTerms = readonly [number, number, number, number];

export interface RatioMoments {
  readonly n: number;
  /** Σ a1, Σ b1, Σ a2, Σ b2. */
  readonly sums: RatioTerms;
  /** Σ x_i x_j for i ≤ j over the four terms, row by row: ten numbers. */
  readonly products: readonly number[];
}

/** The moments of a list of requests. For long streams keep the same sums exactly (sketches/exact-sums.ts). */
export function ratioMoments(rows: readonly RatioTerms[]): RatioMoments {
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  const products = new Array<number>(10).fill(0);
  for (const row of rows) {
    let place = 0;
    for (let i = 0; i < 4; i++) {
      sums[i] = (sums[i] as number) + (row[i] as number);
      for (let j = i; j < 4; j++) {
        products[place] = (products[place] as number) + (row[i] as number) * (row[j] as number);
        place += 1;
      }
    }
  }
  return { n: rows.length, sums, products };
}

/**
 * R1 - R2 with its standard error.
 *
 * @param moments - n ≥ 1, Σ b1 > 0, Σ b2 > 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`, also where a side has an empty denominator
 */
export function ratioDifference({ n, sums, products }: RatioMoments): Estimate {
  requirePositive('n', n);
  requireThat(products.length === 10, 'products.length', products.length, '10');
  for (const value of [...sums, ...products]) requireFinite('moment', value);
  const [a1, b1, a2, b2] = sums;
  requirePositive('sum of b1', b1);
  requirePositive('sum of b2', b2);
  const weights = [n / b1, (-a1 / b1) * (n / b1), -n / b2, (a2 / b2) * (n / b2)];
  let square = 0;
  let place = 0;
  for (let i = 0; i < 4; i++) {
    for (let j = i; j < 4; j++) {
      const twice = i === j ? 1 : 2;
      const weight = (weights[i] as number) * (weights[j] as number);
      square += twice * weight * (products[place] as number);
      place += 1;
    }
  }
  const standardError = Math.sqrt(Math.max(0, square)) / n;
  return { n, mean: a1 / b1 - a2 / b2, standardError };
}

import { toShares } from './shares.ts';

/**
 * Jensen-Shannon distance of two histograms: sqrt((KL(p|m) + KL(q|m))/2), m their mean.
 *
 * @param first - counts or weights ≥ 0
 * @param second - of the same bins
 * @param base - of the logarithm; with 2 (the default) the distance lies in [0, 1]
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Lin 1991; Endres & Schindelin 2003 (a metric).
 */
export function jensenShannon(
  first: readonly number[],
  second: readonly number[],
  base = 2,
): number {
  const [p, q] = toShares(first, second);
  let sum = 0;
  for (let j = 0; j < p.length; j++) {
    const middle = ((p[j] as number) + (q[j] as number)) / 2;
    sum += entropyTerm(p[j] as number, middle) + entropyTerm(q[j] as number, middle);
  }
  return Math.sqrt(Math.max(0, sum) / 2 / Math.log(base));
}

function entropyTerm(share: number, middle: number): number {
  return share === 0 ? 0 : share * Math.log(share / middle);
}

/** McNemar's tests of a paired proportion, for one look at a fixed n. Only discordant pairs count. */
import { requireCount } from './domain.ts';
import { logBeta, logIncompleteBeta, unitPoint } from './incomplete-beta.ts';
import { logIncompleteGammaUpper } from './incomplete-gamma.ts';

/** A χ²(1) statistic and its p-value. */
export interface ChiSquare {
  readonly statistic: number;
  readonly p: number;
}

/**
 * Asymptotic test.
 *
 * @param b - pairs that only the first has, integer ≥ 0
 * @param c - pairs that only the second has, integer ≥ 0
 * @param corrected - Edwards' continuity correction
 * @returns statistic 0 and p 1 without discordant pairs
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: McNemar 1947; Edwards 1948.
 */
export function mcNemar(b: number, c: number, corrected: boolean): ChiSquare {
  requireCount('b', b);
  requireCount('c', c);
  if (b + c === 0) return { statistic: 0, p: 1 };
  const gap = corrected ? Math.max(0, Math.abs(b - c) - 1) : Math.abs(b - c);
  const statistic = (gap * gap) / (b + c);
  return { statistic, p: Math.exp(logIncompleteGammaUpper(0.5, statistic / 2)) };
}

/** Exact two-sided p-value: twice the binomial tail of the smaller cell, 1 at most. Arguments as {@link mcNemar}. */
export function mcNemarExact(b: number, c: number): number {
  requireCount('b', b);
  requireCount('c', c);
  return Math.min(1, 2 * atMost(Math.min(b, c), b + c));
}

/**
 * Mid-p value: 2 P(X ≤ min) - P(X = min), and 1 - P(X = b)/2 where b = c. To be preferred: the exact one is conservative.
 *
 * Source: Fagerland, Lydersen, Laake 2013, "The McNemar test for binary matched-pairs data".
 */
export function mcNemarMidP(b: number, c: number): number {
  requireCount('b', b);
  requireCount('c', c);
  const n = b + c;
  const least = Math.min(b, c);
  if (b === c) return n === 0 ? 1 : 1 - 0.5 * probabilityOf(least, n);
  return Math.min(1, 2 * atMost(least, n) - probabilityOf(least, n));
}

/** P(Binomial(n, 1/2) ≤ k). */
function atMost(k: number, n: number): number {
  return k >= n ? 1 : Math.exp(logIncompleteBeta(unitPoint(0.5), n - k, k + 1));
}

/** P(Binomial(n, 1/2) = k). */
function probabilityOf(k: number, n: number): number {
  return Math.exp(-logBeta(n - k + 1, k + 1) - Math.log(n + 1) - n * Math.LN2);
}

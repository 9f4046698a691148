/**
 * Sizes of fixed-n tests: the natural t_opt of a guardrail, and what "time to decide" is measured against.
 *
 * alpha is one-sided unless said, beta = 1 - power. Results are real numbers of pairs where the formula is a normal
 * approximation (round up), integers where it is exact.
 */
import { requireOpenUnit, requirePositive, requireThat, requireWithin } from './domain.ts';
import { logIncompleteBeta } from './incomplete-beta.ts';
import { normalQuantile } from './normal.ts';
import { firstInteger } from './solve.ts';

export interface ErrorLevels {
  /** One-sided error level in (0, 1). */
  readonly alpha: number;
  /** 1 - power, in (0, 1). */
  readonly beta: number;
}

function zSum({ alpha, beta }: ErrorLevels): number {
  requireOpenUnit('alpha', alpha);
  requireOpenUnit('beta', beta);
  return -normalQuantile(alpha) - normalQuantile(beta);
}

/**
 * Pairs of McNemar's test to see a difference of paired proportions.
 *
 * @param p10 - share of pairs that only the first side has, p01 that only the second has; p10 ≠ p01
 * @param levels.alpha - one-sided; pass half the level of a two-sided test
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 * Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample design".
 */
export function mcNemarPairs(p10: number, p01: number, levels: ErrorLevels): number {
  requireWithin('p10', p10, [0, 1]);
  requireWithin('p01', p01, [0, 1 - p10]);
  requireThat(p10 !== p01, 'p10', p10, `another number than p01, ${p01}`);
  zSum(levels);
  const psi = p10 + p01;
  const difference = p10 - p01;
  const za = -normalQuantile(levels.alpha);
  const zb = -normalQuantile(levels.beta);
  const root = za * Math.sqrt(psi) + zb * Math.sqrt(psi - difference * difference);
  return (root / difference) ** 2;
}

/**
 * Pairs to show non-inferiority of a paired proportion within delta, the true difference being 0.
 *
 * @param discordance - ψ, share of discordant pairs, in (0, 1]
 * @param delta - margin in (0, 1)
 * Source: (z_(1-alpha) + z_(1-beta))² ψ / δ².
 */
export function nonInferiorityPairs(
  discordance: number,
  delta: number,
  levels: ErrorLevels,
): number {
  requireWithin('discordance', discordance, [Number.MIN_VALUE, 1]);
  requireOpenUnit('delta', delta);
  return (zSum(levels) / delta) ** 2 * discordance;
}

/** Pairs to show that a mean difference is below delta, the true one being 0. @param sd - of one difference, > 0 */
export function meanDifferencePairs(sd: number, delta: number, levels: ErrorLevels): number {
  requirePositive('sd', sd);
  requirePositive('delta', delta);
  return ((zSum(levels) * sd) / delta) ** 2;
}

/** Pairs without any event that show "rate < delta": ln alpha / ln(1 - delta), rounded up. */
export function zeroEventPairs(delta: number, alpha: number): number {
  requireOpenUnit('delta', delta);
  requireOpenUnit('alpha', alpha);
  return Math.ceil(Math.log(alpha) / Math.log1p(-delta));
}

/**
 * Pairs of an exact binomial test that tells rate p from the margin delta: the smallest n for which some critical
 * count keeps both error levels. p < delta plans a PASS, p > delta a FAIL.
 *
 * @param p - true rate in (0, 1), p ≠ delta
 * @param delta - margin in (0, 1)
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`, also where more than 1e9 pairs or 1e6 events would be needed
 */
export function binomialPairs(p: number, delta: number, levels: ErrorLevels): number {
  requireOpenUnit('p', p);
  requireOpenUnit('delta', delta);
  requireThat(p !== delta, 'p', p, `another number than delta, ${delta}`);
  zSum(levels);
  const found = p < delta ? passPairs(p, delta, levels) : failPairs(p, delta, levels);
  requireThat(found > 0, 'p', p, `a rate farther from ${delta}: more than 1e6 events needed`);
  return found;
}

const EVENTS_MAX = 1e6;
const PAIRS_MAX = 1e9;

/** For each critical k: n from which P(X ≤ k | delta) ≤ alpha, if the power still holds there. */
function passPairs(p: number, delta: number, { alpha, beta }: ErrorLevels): number {
  for (let k = 0; k <= EVENTS_MAX; k++) {
    const small = (n: number): boolean => logAtMost(k, n, delta) <= Math.log(alpha);
    const n = firstInteger(k + 1, PAIRS_MAX, small);
    if (n === undefined) return 0;
    if (Math.exp(logAtMost(k, n, p)) >= 1 - beta) return n;
  }
  return 0;
}

/** For each critical k: n from which P(X ≥ k | p) ≥ 1 - beta, if the error level still holds there. */
function failPairs(p: number, delta: number, { alpha, beta }: ErrorLevels): number {
  for (let k = 1; k <= EVENTS_MAX; k++) {
    const strong = (n: number): boolean => logAtMost(k - 1, n, p) <= Math.log(beta);
    const n = firstInteger(k, PAIRS_MAX, strong);
    if (n === undefined) return 0;
    if (logAtLeast(k, n, delta) <= Math.log(alpha)) return n;
  }
  return 0;
}

/** ln P(Binomial(n, p) ≤ k), 0 ≤ k < n. */
function logAtMost(k: number, n: number, p: number): number {
  return logIncompleteBeta({ x: 1 - p, y: p }, n - k, k + 1);
}

/** ln P(Binomial(n, p) ≥ k), 1 ≤ k ≤ n. */
function logAtLeast(k: number, n: number, p: number): number {
  return logIncompleteBeta({ x: p, y: 1 - p }, k, n - k + 1);
}

/**
 * When a test that goes on as it has gone so far will decide: the smallest n whose ln M reaches the bar.
 *
 * @param logAt - ln M with the state scaled to n pairs: `(n) => test.logPass((k / seen) * n, n)`
 * @param bar - ln(1/alpha)
 * @param seen - pairs so far, ≥ 1
 * @returns an integer ≥ seen, or undefined where 1e10 pairs would not do
 */
export function projectedPairs(
  logAt: (n: number) => number,
  bar: number,
  seen: number,
): number | undefined {
  requireWithin('seen', seen, [1, 1e10]);
  let high = Math.ceil(seen);
  while (!(logAt(high) >= bar)) {
    if (high >= 1e10) return undefined;
    high = Math.min(1e10, high * 2);
  }
  return firstInteger(Math.ceil(seen), high, (n) => logAt(n) >= bar);
}

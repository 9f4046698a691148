/**
 * Integer boundaries of the Bernoulli tests: with them a look after every pair costs one comparison.
 *
 * M_P falls and M_F rises in k, so each n has a largest k that passes and a smallest k that fails.
 */
import type { BernoulliTest } from './beta-binomial.ts';
import { requireCount, requireFinite } from './domain.ts';
import { firstInteger } from './solve.ts';

/**
 * The largest k with ln M_P(k, n) ≥ bar, or -1 where even k = 0 does not pass.
 *
 * @param bar - ln(1/alpha), > 0
 * @param n - integer ≥ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function passBoundary(test: BernoulliTest, bar: number, n: number): number {
  requireFinite('bar', bar);
  requireCount('n', n);
  const fails = firstInteger(0, n, (k) => test.logPass(k, n) < bar);
  return fails === undefined ? n : fails - 1;
}

/**
 * The smallest k with ln M_F(k, n) ≥ bar, or n + 1 where even k = n does not fail.
 *
 * @param bar - ln(G/alpha) for G guardrails, > 0
 * @param n - integer ≥ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function failBoundary(test: BernoulliTest, bar: number, n: number): number {
  requireFinite('bar', bar);
  requireCount('n', n);
  return firstInteger(0, n, (k) => test.logFail(k, n) >= bar) ?? n + 1;
}

/**
 * The smallest n at which k losses pass, or undefined up to nMax.
 *
 * @param k - integer ≥ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function passingCount(
  test: BernoulliTest,
  bar: number,
  { k, nMax = 1e10 }: { k: number; nMax?: number },
): number | undefined {
  requireCount('k', k);
  // While k/n > δ more pairs only help: ln M_P at fixed k rises in n.
  return firstInteger(Math.max(k, 1), nMax, (n) => test.logPass(k, n) >= bar);
}

/** Boundaries for n = 1 … length, as tables: `pass[n]` and `fail[n]`; index 0 is unused (-1 and 1). */
export interface BoundaryTable {
  readonly pass: Int32Array;
  readonly fail: Int32Array;
}

/**
 * Both boundaries for all n up to a length. They move by at most one a step, so each n costs few looks.
 *
 * @param bars.pass - ln(1/alpha)
 * @param bars.fail - ln(G/alpha)
 * @param nMax - integer from 1 to 2^31 - 2
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function boundaryTable(
  test: BernoulliTest,
  bars: { readonly pass: number; readonly fail: number },
  nMax: number,
): BoundaryTable {
  requireCount('nMax', nMax);
  const pass = new Int32Array(nMax + 1);
  const fail = new Int32Array(nMax + 1);
  pass[0] = -1;
  fail[0] = 1;
  let passes = -1;
  let failing = 1;
  for (let n = 1; n <= nMax; n++) {
    while (passes + 1 <= n && test.logPass(passes + 1, n) >= bars.pass) passes += 1;
    pass[n] = passes;
    while (failing <= n && test.logFail(failing, n) < bars.fail) failing += 1;
    fail[n] = failing;
  }
  return { pass, fail };
}

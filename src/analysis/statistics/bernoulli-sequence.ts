/** Confidence sequences for a Bernoulli mean, for display. Decisions use beta-binomial.ts at the margin. */
import { logBernoulliTwoSided } from './bernoulli-two-sided.ts';
import { type BernoulliPlan, createBernoulliTest } from './beta-binomial.ts';
import { requireOpenUnit, requireThat, requireWithin } from './domain.ts';
import { lastReal } from './solve.ts';

interface SequenceOptions {
  /** Error level in (0, 1), for all n at once. */
  readonly alpha: number;
  /** n at which the sequence is tightest, > 0. */
  readonly tOpt: number;
}

/** The smallest and largest rate looked at: below, nothing can be told apart in 1e10 pairs. */
const RATE_MIN = 1e-12;
const RATE_MAX = 1 - RATE_MIN;

/**
 * Two-sided beta-binomial confidence sequence for a Bernoulli mean that does not change.
 *
 * Its prior moves with the tested mean: fine for a constant mean, no guarantee for an average that drifts.
 *
 * @param k - count of losses, 0 ≤ k ≤ n
 * @param n - observations so far, 0 to 1e10
 * @returns `[lower, upper]`, both in [0, 1]; `[0, 1]` while nothing can be excluded
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on k > n or alpha outside (0, 1)
 * Source: Howard, Ramdas, McAuliffe, Sekhon 2021, Prop. 6; `bernoulli_confidence_interval` of confseq.
 */
export function bernoulliSequence(
  k: number,
  n: number,
  options: SequenceOptions,
): readonly [number, number] {
  requireThat(k >= 0 && k <= n, 'k', k, `a number in [0, ${n}]`);
  requireWithin('n', n, [0, 1e10]);
  if (n === 0) return [0, 1];
  const { alpha, tOpt } = options;
  requireOpenUnit('alpha', alpha);
  const bar = -Math.log(alpha);
  const excluded = (p: number): boolean =>
    logBernoulliTwoSided(k, n, { p, tOpt, alphaOpt: alpha }) >= bar;
  const mean = k / n;
  const lower = k === 0 ? 0 : lastReal(RATE_MIN, Math.min(mean, RATE_MAX), excluded);
  const upper = k === n ? 1 : lastReal(mean, RATE_MAX, (p) => !excluded(p));
  return [lower <= RATE_MIN ? 0 : lower, upper >= RATE_MAX ? 1 : upper];
}

/**
 * "The rate is at most u", with error alpha at all n at once: the root u of ln M_P(u) = ln(1/alpha).
 *
 * @param k - count, 0 ≤ k ≤ n
 * @param n - observations, 0 to 1e10
 * @returns u in (k/n, 1]; 1 while nothing can be said
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function bernoulliUpperBound(k: number, n: number, options: SequenceOptions): number {
  requireThat(k >= 0 && k <= n, 'k', k, `a number in [0, ${n}]`);
  if (n === 0 || k === n) return 1;
  const bar = -Math.log(options.alpha);
  const excluded = (delta: number): boolean =>
    createBernoulliTest(atRate(delta, options)).logPass(k, n) >= bar;
  const bound = lastReal(k / n, RATE_MAX, (delta) => !excluded(delta));
  return bound >= RATE_MAX ? 1 : bound;
}

/** "The rate is at least l": the mirror image of {@link bernoulliUpperBound}. */
export function bernoulliLowerBound(k: number, n: number, options: SequenceOptions): number {
  return k === 0 ? 0 : 1 - bernoulliUpperBound(n - k, n, options);
}

function atRate(delta: number, { alpha, tOpt }: SequenceOptions): BernoulliPlan {
  return { delta, tOpt, alphaOpt: alpha };
}

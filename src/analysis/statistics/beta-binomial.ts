/**
 * The Bernoulli decision of a guardrail: test supermartingales *at the margin* for a mean of 0/1 losses.
 *
 * M_P tests "the mean is ≥ δ" (PASS where it is rejected), M_F tests "the mean is ≤ δ" (FAIL). Both mix
 * over alternatives on the far side of δ with a Beta(A, B) prior of mean δ, cut at δ and fixed in advance:
 *
 *     A = r / (1 - δ),  B = r / δ,  r = max(ρ - δ(1-δ), δ(1-δ)/1000),  ρ = bestRho(δ(1-δ) tOpt, 2 alphaOpt)
 *     ln M_P = L(δ; A+k, B+n-k) - L(δ; A, B)            L of incomplete-beta.ts: nothing of size n is left
 *     ln M_F = L(1-δ; B+n-k, A+k) - L(1-δ; B, A)
 *
 * Valid for every n at once, under any dependence and drift, for the average of the conditional expected
 * losses so far. Also valid for real losses in [0, 1], then k is their sum (often looser than
 * empirical-bernstein.ts).
 *
 * Source: Howard, Ramdas, McAuliffe, Sekhon 2021, Prop. 6; `beta_binomial_log_mixture` of confseq, one-sided.
 */
import { bestRhoOneSided } from './best-rho.ts';
import { requireOpenUnit, requirePositive, requireThat, requireWithin } from './domain.ts';
import { logIncompleteBetaScaled, unitPoint } from './incomplete-beta.ts';

/** What is frozen with the experiment: a mixture must not see its data. */
export interface BernoulliPlan {
  /** Margin δ in (0, 1): the largest mean that is acceptable. */
  readonly delta: number;
  /** Number of losses at which the test is sharpest, > 0. */
  readonly tOpt: number;
  /** Error level in (0, 1/2) that the mixture is tuned for: the level of the test. */
  readonly alphaOpt: number;
}

/** The two tests of one margin. Immutable; making one costs two incomplete beta functions. */
export interface BernoulliTest {
  readonly plan: BernoulliPlan;
  /**
   * ln M_P: evidence that the mean is below δ. Falls in k.
   *
   * @param k - losses, real, 0 ≤ k ≤ n
   * @param n - observations, 0 to 1e10
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
   */
  logPass(k: number, n: number): number;
  /** ln M_F: evidence that the mean is above δ. Rises in k. Arguments as {@link logPass}. */
  logFail(k: number, n: number): number;
}

/**
 * @param plan - margin and tuning; δ from 1e-9 to 1 - 1e-9 is proven, alphaOpt from 1e-6
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function createBernoulliTest(plan: BernoulliPlan): BernoulliTest {
  const { delta } = plan;
  requireOpenUnit('delta', delta);
  const [a, b] = betaPrior(plan);
  const atDelta = unitPoint(delta);
  const mirrored = { x: atDelta.y, y: atDelta.x };
  const priorBelow = logIncompleteBetaScaled(atDelta, a, b);
  const priorAbove = logIncompleteBetaScaled(mirrored, b, a);
  return {
    plan,
    logPass(k, n) {
      requireCounts(k, n);
      return logIncompleteBetaScaled(atDelta, a + k, b + (n - k)) - priorBelow;
    },
    logFail(k, n) {
      requireCounts(k, n);
      return logIncompleteBetaScaled(mirrored, b + (n - k), a + k) - priorAbove;
    },
  };
}

/** Parameters A and B of the prior, mean δ. */
function betaPrior({ delta, tOpt, alphaOpt }: BernoulliPlan): readonly [number, number] {
  requirePositive('tOpt', tOpt);
  requireThat(alphaOpt > 0 && alphaOpt < 0.5, 'alphaOpt', alphaOpt, 'a number in (0, 0.5)');
  const unit = delta * (1 - delta);
  const rho = bestRhoOneSided(unit * tOpt, alphaOpt);
  const r = Math.max(rho - unit, 1e-3 * unit);
  return [r / (1 - delta), r / delta];
}

function requireCounts(k: number, n: number): void {
  requireWithin('n', n, [0, 1e10]);
  requireThat(k >= 0 && k <= n, 'k', k, `a number in [0, ${n}]`);
}

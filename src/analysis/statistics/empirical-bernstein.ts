/**
 * The decision of a guardrail with a bounded loss: one-sided empirical Bernstein tests at the margin.
 *
 * With a constant centre γ the state is n, S = sum Z and V = sum (Z - γ)²: sums, so any order and partition
 * gives the same test. With s = δn - S (PASS) or S - δn (FAIL), ρ = bestRho(vOpt, 2 alphaOpt), q = ρ/c²:
 *
 *     ln m(s, V) = G((V+ρ)/c², (cs+V+ρ)/c²) - G(q, q)      G of incomplete-gamma.ts; -Infinity for s ≤ 0
 *
 * c bounds the loss's distance from its centre: |Z - γ| ≤ c, as exp(lx - ψ(l)x²) ≤ 1 + lx needs x ≥ -1 only.
 * For losses in [-1, 1] with γ = 0, c is 1. V = 0 is fine.
 *
 * Sources: Howard, Ramdas, McAuliffe, Sekhon 2021, Thm 4 and Prop. 8 (gamma-exponential mixture); Choe &
 * Ramdas 2023, "Comparing Sequential Forecasters", Thm 2.
 */
import { bestRhoOneSided } from './best-rho.ts';
import { requireFinite, requirePositive, requireThat, requireWithin } from './domain.ts';
import { logIncompleteGammaScaled } from './incomplete-gamma.ts';

/** What is frozen with the experiment. */
export interface BoundedPlan {
  /** Margin δ, in the unit of the loss. For a PASS test with planned `vOpt` it is > 0. */
  readonly delta: number;
  /** Bound c > 0 of |Z - γ|, in the unit of the loss. */
  readonly c: number;
  /** Intrinsic time at which the test is sharpest, > 0, squared unit; {@link plannedIntrinsicTime}. */
  readonly vOpt: number;
  /** Error level in (0, 1/2) that the mixture is tuned for. */
  readonly alphaOpt: number;
}

/** Sums over n losses Z: S = sum Z and V = sum (Z - γ)². */
export interface LossTotals {
  readonly n: number;
  readonly sum: number;
  readonly squares: number;
}

export interface BoundedTest {
  readonly plan: BoundedPlan;
  /** ln M_P: evidence that the mean is below δ. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
  logPass(totals: LossTotals): number;
  /** ln M_F: evidence that the mean is above δ. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
  logFail(totals: LossTotals): number;
}

/** V at n = tOpt for a loss in [0, c] of mean δ at most: tOpt δ c. */
export function plannedIntrinsicTime(tOpt: number, delta: number, c: number): number {
  requirePositive('tOpt', tOpt);
  requirePositive('delta', delta);
  requirePositive('c', c);
  return tOpt * delta * c;
}

/** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
export function createBoundedTest(plan: BoundedPlan): BoundedTest {
  requireFinite('delta', plan.delta);
  const logMixture = createGammaExponentialMixture(plan);
  return {
    plan,
    logPass({ n, sum, squares }) {
      requireTotals({ n, sum, squares }, plan.c);
      return logMixture(plan.delta * n - sum, squares);
    },
    logFail({ n, sum, squares }) {
      requireTotals({ n, sum, squares }, plan.c);
      return logMixture(sum - plan.delta * n, squares);
    },
  };
}

/**
 * ln m(s, v), the gamma-exponential mixture as such.
 *
 * @returns a function of s (excess over what is tested, in units of the loss) and v ≥ 0; -Infinity for s ≤ 0
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function createGammaExponentialMixture({
  c,
  vOpt,
  alphaOpt,
}: Omit<BoundedPlan, 'delta'>): (s: number, v: number) => number {
  requirePositive('c', c);
  requirePositive('vOpt', vOpt);
  requireThat(alphaOpt > 0 && alphaOpt < 0.5, 'alphaOpt', alphaOpt, 'a number in (0, 0.5)');
  const rho = bestRhoOneSided(vOpt, alphaOpt);
  const q = rho / (c * c);
  const prior = logIncompleteGammaScaled(q, q);
  return (s, v) => {
    requireWithin('v', v, [0, Number.MAX_VALUE]);
    if (!(s > 0)) return Number.NEGATIVE_INFINITY;
    const p = (v + rho) / (c * c);
    return logIncompleteGammaScaled(p, p + s / c) - prior;
  };
}

function requireTotals({ n, sum, squares }: LossTotals, c: number): void {
  requireWithin('n', n, [0, 1e10]);
  requireFinite('sum', sum);
  // Rounding up of each square, by 2^-40 of its unit at most, is within the allowance.
  const most = n * c * c * (1 + 1e-9);
  requireThat(squares >= 0 && squares <= most, 'squares', squares, `a number in [0, n c²]`);
}

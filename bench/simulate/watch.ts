/** Watches a stream with a look after every pair, and says whether a decision was ever false. */
import { boundaryTable } from '../../src/analysis/statistics/bernoulli-boundary.ts';
import { createBernoulliTest } from '../../src/analysis/statistics/beta-binomial.ts';
import {
  type BoundedSequenceOptions,
  bernsteinRadius,
} from '../../src/analysis/statistics/empirical-bernstein-sequence.ts';
import type { Step, Stream } from './streams.ts';

/** What one stream ended in; `n` is 0 where it never happened. */
export interface Outcome {
  readonly passAt: number;
  readonly failAt: number;
  /** A PASS while the average of the conditional expected losses was ≥ δ; a FAIL while it was ≤ δ. */
  readonly falsePass: boolean;
  readonly falseFail: boolean;
}

/** Whether the state passes or fails: +1, -1, or 0. */
export type Decide = (n: number, sum: number, squares: number) => number;

/** Runs one stream of n pairs through a decision. The margin is what conditional means are compared with. */
export function watch(stream: Stream, n: number, { delta, decide }: Watched): Outcome {
  const step: Step = { loss: 0, mean: 0 };
  let [sum, squares, means] = [0, 0, 0];
  let [passAt, failAt] = [0, 0];
  let [falsePass, falseFail] = [false, false];
  // Rounding of the running sum must not make a mean that equals the margin fall below it.
  const slack = 1e-9;
  for (let i = 0; i < n; i++) {
    stream(step, i);
    sum += step.loss;
    squares += step.loss * step.loss;
    means += step.mean;
    const verdict = decide(i + 1, sum, squares);
    if (verdict === 0) continue;
    if (verdict > 0) {
      if (passAt === 0) passAt = i + 1;
      if (means >= delta * (i + 1) - slack) falsePass = true;
    } else {
      if (failAt === 0) failAt = i + 1;
      if (means <= delta * (i + 1) + slack) falseFail = true;
    }
  }
  return { passAt, failAt, falsePass, falseFail };
}

export interface Watched {
  readonly delta: number;
  readonly decide: Decide;
}

export interface Levels {
  readonly delta: number;
  /** Level of PASS, and of FAIL (already divided by the number of guardrails). */
  readonly alpha: number;
  readonly alphaFail?: number;
  readonly tOpt: number;
}

/** The Bernoulli decision by its integer boundaries up to n pairs. */
export function bernoulliDecision(
  { delta, alpha, alphaFail = alpha, tOpt }: Levels,
  n: number,
): Watched {
  const passing = createBernoulliTest({ delta, tOpt, alphaOpt: alpha });
  const failing = createBernoulliTest({ delta, tOpt, alphaOpt: alphaFail });
  const bars = { pass: -Math.log(alpha), fail: -Math.log(alphaFail) };
  const { pass } = boundaryTable(passing, bars, n);
  const { fail } =
    alpha === alphaFail ? boundaryTable(passing, bars, n) : boundaryTable(failing, bars, n);
  const decide: Decide = (i, sum) => {
    if (sum <= (pass[i] as number)) return 1;
    return sum >= (fail[i] as number) ? -1 : 0;
  };
  return { delta, decide };
}

/**
 * The bounded decision: |δn - S| against the radius u(V). The radius is read from a table of knots that are dense where
 * it bends; between them it is concave, so a straight line lies below it and an exact look settles the rest.
 */
export function boundedDecision(
  { delta, alpha, alphaFail = alpha, tOpt }: Levels,
  n: number,
  c = 1,
): Watched {
  const vOpt = tOpt * delta * c;
  const pass = radiusTable({ alpha, c, vOpt }, n);
  const fail = alphaFail === alpha ? pass : radiusTable({ alpha: alphaFail, c, vOpt }, n);
  const decide: Decide = (i, sum, squares) => {
    const s = delta * i - sum;
    if (s > 0) return pass(s, squares) ? 1 : 0;
    return fail(-s, squares) ? -1 : 0;
  };
  return { delta, decide };
}

/** Whether s reaches u(v), exactly: a table decides what is clearly below, the radius itself what is not. */
function radiusTable(
  options: BoundedSequenceOptions,
  vMax: number,
): (s: number, v: number) => boolean {
  const knots = 400;
  const table = Float64Array.from({ length: knots + 1 }, (_, j) =>
    bernsteinRadius(vMax * (j / knots) ** 2, options),
  );
  let [lastV, lastRadius] = [Number.NaN, 0];
  return (s, v) => {
    const place = Math.min(knots - 1e-9, knots * Math.sqrt(v / vMax));
    const j = Math.floor(place);
    const from = vMax * (j / knots) ** 2;
    const to = vMax * ((j + 1) / knots) ** 2;
    const [low, high] = [table[j] as number, table[j + 1] as number];
    if (s < low + ((high - low) * (v - from)) / (to - from)) return false;
    if (s >= high) return true;
    if (v !== lastV) {
      lastV = v;
      lastRadius = bernsteinRadius(v, options);
    }
    return s >= lastRadius;
  };
}

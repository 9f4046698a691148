/** Differences inside rounds, and how large they can be: the machine's mood is the same on both sides. Pure. */
import type { Measurement } from './measure.ts';
import { MAX_NOISE, noiseOf, type Round, spreadOf } from './summary.ts';

export interface PairedDifference {
  /** Rounds in which nobody disturbed either side. */
  readonly rounds: number;
  /** Medians of both sides, milliseconds. */
  readonly baseMs: number;
  readonly ownMs: number;
  /** Mean of own − base, and the upper end of its one-sided 95 % interval (Student t), milliseconds. */
  readonly meanMs: number;
  readonly upperMs: number;
}

/** @returns `null` with fewer than two undisturbed rounds */
export function pairedP99(
  rounds: readonly Round[],
  own: string,
  base: string,
): PairedDifference | null {
  const couples = rounds.flatMap(({ measurements }) => {
    const mine = measurements[own];
    const theirs = measurements[base];
    const both = mine === undefined || theirs === undefined ? [] : [{ mine, theirs }];
    return both.filter(({ mine, theirs }) => isQuiet(mine) && isQuiet(theirs));
  });
  const n = couples.length;
  if (n < 2) return null;
  const differences = couples.map(({ mine, theirs }) => mine.p99Ms - theirs.p99Ms);
  const meanMs = differences.reduce((sum, one) => sum + one, 0) / n;
  const squares = differences.reduce((sum, one) => sum + (one - meanMs) ** 2, 0);
  const standardError = Math.sqrt(squares / (n - 1) / n);
  return {
    rounds: n,
    baseMs: spreadOf(couples.map(({ theirs }) => theirs.p99Ms))?.median ?? Number.NaN,
    ownMs: spreadOf(couples.map(({ mine }) => mine.p99Ms))?.median ?? Number.NaN,
    meanMs,
    upperMs: meanMs + studentQuantile95(n - 1) * standardError,
  };
}

function isQuiet(measurement: Measurement): boolean {
  return noiseOf(measurement) <= MAX_NOISE;
}

/**
 * 95 % quantile of Student's t, to 0.2 % from three degrees of freedom on.
 *
 * Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5.
 *
 * @param degrees - degrees of freedom, ≥ 1
 */
export function studentQuantile95(degrees: number): number {
  const z = 1.6448536269514722;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160,
  ];
  return terms.reduce((sum, term, i) => sum + term / degrees ** (i + 1), z);
}

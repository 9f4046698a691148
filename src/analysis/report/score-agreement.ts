/** Scores of both sides: how far apart, and in which order. Of all pairs where it adds up, else of the sample. Pure. */
import type { Analysis } from '../analysis.ts';
import { concordance, spearman } from '../statistics/correlation.ts';
import { kolmogorovSmirnov, wasserstein } from '../statistics/distribution-distance.ts';
import { hellinger } from '../statistics/hellinger.ts';
import { jensenShannon } from '../statistics/jensen-shannon.ts';
import { kendallTauB } from '../statistics/kendall.ts';
import { populationStability } from '../statistics/population-stability.ts';

/** Bins of equal width over the score range. */
const BINS = 20;
/** Points of the plot of score against score: the first of the sample, which is in random order. */
const POINTS = 1_500;
const QUANTILES = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1] as const;

export interface ScoreComparison {
  /** Differences in all pairs. */
  readonly n: number;
  /** Of them zero: less than half of 2⁻⁴⁰. */
  readonly zeros: number;
  /** Candidate − incumbent, as a share of the score range, at p. Empty: no scores. */
  readonly quantiles: readonly { readonly p: number; readonly value: number }[];
  /** Bins of that difference, ascending, empty ones left out. */
  readonly bins: readonly { readonly from: number; readonly to: number; readonly count: number }[];
  /** Pairs of the sample with two finite scores. */
  readonly sampled: number;
  /** `null`: fewer than 2 such pairs. */
  readonly agreement: Agreement | null;
  /** In the unit of the score: incumbent's, candidate's. */
  readonly points: readonly (readonly [incumbent: number, candidate: number])[];
  /** Of the sample, over BINS bins of equal width. */
  readonly histogram: {
    readonly incumbent: readonly number[];
    readonly candidate: readonly number[];
  };
}

/** `null`: not defined, as all scores of a side are equal. */
export interface Agreement {
  readonly kendall: number | null;
  readonly spearman: number | null;
  readonly lin: number | null;
  /** Population stability index, natural logarithm; and how many shares were raised to its floor. */
  readonly psi: number;
  readonly psiFloored: number;
  readonly ks: number;
  /** Jensen–Shannon distance, base 2, in [0, 1]. */
  readonly jensenShannon: number;
  readonly hellinger: number;
  /** In the unit of the score. */
  readonly wasserstein: number;
}

export function compareScores({ plan, segments, sample }: Analysis): ScoreComparison {
  const differences = segments.get('')?.differences;
  const pairs = sample
    .items()
    .map(({ value }) => [value.incumbent, value.candidate] as const)
    .filter(([ours, theirs]) => Number.isFinite(ours) && Number.isFinite(theirs));
  const first = pairs.map(([ours]) => ours);
  const second = pairs.map(([, theirs]) => theirs);
  const histogram = {
    incumbent: toBins(first, plan.scoreRange),
    candidate: toBins(second, plan.scoreRange),
  };
  return {
    n: differences?.n ?? 0,
    zeros: differences?.zeros ?? 0,
    quantiles:
      differences === undefined || differences.n === 0
        ? []
        : QUANTILES.map((p) => ({ p, value: differences.quantile(p) })),
    bins: differences?.bins() ?? [],
    sampled: pairs.length,
    agreement: pairs.length < 2 ? null : agreementOf(first, second, histogram),
    points: pairs.slice(0, POINTS),
    histogram,
  };
}

function agreementOf(
  first: readonly number[],
  second: readonly number[],
  { incumbent, candidate }: ScoreComparison['histogram'],
): Agreement {
  const { index, floored } = populationStability(incumbent, candidate);
  const one = { values: first };
  const two = { values: second };
  return {
    kendall: finite(kendallTauB(first, second)),
    spearman: finite(spearman(first, second)),
    lin: finite(concordance(first, second)),
    psi: index,
    psiFloored: floored,
    ks: kolmogorovSmirnov(one, two),
    jensenShannon: jensenShannon(incumbent, candidate),
    hellinger: hellinger(incumbent, candidate),
    wasserstein: wasserstein(one, two),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Scores outside the range are counted in the bin at its end. */
function toBins(scores: readonly number[], [low, high]: readonly [number, number]): number[] {
  const counts = new Array<number>(BINS).fill(0);
  for (const score of scores) {
    const at = Math.floor(((score - low) / (high - low)) * BINS);
    const bin = Math.min(BINS - 1, Math.max(0, at));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

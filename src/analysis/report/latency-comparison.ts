/** Latencies of both sides: quantiles with bands, their ratios, the typical difference of a pair. Pure. */
import type { Analysis } from '../analysis.ts';
import type { LatencyHistogram } from '../sketches/latency-histogram.ts';
import { hodgesLehmann } from '../statistics/hodges-lehmann.ts';
import { quantileRanks } from '../statistics/quantile-sequence.ts';

const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999] as const;
/** Steps of a plotted distribution. */
const STEPS = 200;
const DISPLAY_PAIRS = 10_000;

export interface SideQuantile {
  /** Milliseconds, at most 1 % too high. */
  readonly ms: number;
  /** Band that holds at every n; `null`: open on that side. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface LatencyQuantile {
  readonly p: number;
  readonly incumbent: SideQuantile;
  readonly candidate: SideQuantile;
  /** Candidate's over incumbent's; `null`: the incumbent's is 0. */
  readonly ratio: number | null;
}

export interface LatencyComparison {
  /** Pairs in which both sides have a latency and nothing was flagged. */
  readonly n: number;
  readonly quantiles: readonly LatencyQuantile[];
  /** [ms, share of answers at most so late], ascending. */
  readonly ecdf: {
    readonly incumbent: readonly (readonly [number, number])[];
    readonly candidate: readonly (readonly [number, number])[];
  };
  /** p95 of the time a copy waited before it was sent, ms; `null`: no pairs. Not part of the latencies. */
  readonly queueP95Ms: number | null;
  /** Hodges–Lehmann estimate of candidate − incumbent in the sample, ms; `null`: no pairs there. */
  readonly typicalDifferenceMs: number | null;
  readonly sampled: number;
}

export function compareLatencies({ plan, segments, sample }: Analysis): LatencyComparison {
  const state = segments.get('');
  const differences = sample
    .items()
    .map(({ value }) => value.candidateMs - value.incumbentMs)
    .filter(Number.isFinite);
  const typicalDifferenceMs = differences.length === 0 ? null : hodgesLehmann(differences);
  const of = { typicalDifferenceMs, sampled: differences.length };
  if (state === undefined || state.incumbentMs.n === 0) {
    return { n: 0, quantiles: [], ecdf: { incumbent: [], candidate: [] }, queueP95Ms: null, ...of };
  }
  const { incumbentMs, candidateMs, queueMs } = state;
  return {
    n: incumbentMs.n,
    quantiles: QUANTILES.map((p) => {
      const incumbent = quantileOf(incumbentMs, p, plan.alphaPass);
      const candidate = quantileOf(candidateMs, p, plan.alphaPass);
      return {
        p,
        incumbent,
        candidate,
        ratio: incumbent.ms > 0 ? candidate.ms / incumbent.ms : null,
      };
    }),
    ecdf: { incumbent: toEcdf(incumbentMs), candidate: toEcdf(candidateMs) },
    queueP95Ms: queueMs.quantile(0.95),
    ...of,
  };
}

function quantileOf(histogram: LatencyHistogram, p: number, alpha: number): SideQuantile {
  const { n } = histogram;
  const { lower, upper } = quantileRanks(n, { p, alpha, tOpt: DISPLAY_PAIRS });
  return {
    ms: histogram.quantile(p),
    low: lower < 1 ? null : histogram.atRank(lower),
    high: upper > n ? null : histogram.atRank(upper),
  };
}

/** All bins, or so many of them that STEPS are left; the last is always there. */
function toEcdf(histogram: LatencyHistogram): (readonly [number, number])[] {
  const bins = histogram.bins();
  const step = Math.ceil(bins.length / STEPS);
  const points: (readonly [number, number])[] = [];
  let seen = 0;
  for (const [i, { to, count }] of bins.entries()) {
    seen += count;
    if (i % step === 0 || i === bins.length - 1) points.push([to, seen / histogram.n]);
  }
  return points;
}

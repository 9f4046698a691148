/**
 * Two candidates of one experiment, held against each other on identical exchanges: for each guardrail the mean of
 * loss(first) − loss(second), with a band that holds at every n. Pure.
 *
 * The loss of an exchange is that of its pair with the incumbent; an exchange that only one of them has observed says
 * nothing. Source of the band: docs/statistics.md, "Showing" (empirical Bernstein, constant centre 0).
 */
import type { Pair } from '../pair/pair.ts';
import { lossesOf } from './losses.ts';
import type { ExperimentPlan, GuardrailKind } from './plan.ts';
import { SeenSet } from './seen-set.ts';
import { LossSums } from './sketches/loss-sums.ts';
import { plannedIntrinsicTime } from './statistics/empirical-bernstein.ts';
import { bernsteinSequence } from './statistics/empirical-bernstein-sequence.ts';

/** Exchanges that wait for their other pair; the oldest of more are given up, and counted. */
const WAITING = 200_000;
/** The band is tightest at so many exchanges. */
const T_OPT = 10_000;
/** Losses lie in [-1, 1], so a difference within 2. */
const BOUND = 2;
const LEAST_MARGIN = 0.001;

export interface ComparedLoss {
  readonly guardrail: GuardrailKind;
  /** Exchanges that say something of it for both. */
  readonly n: number;
  /** Mean of loss(first) − loss(second): below 0 the first is better; NaN at n = 0. */
  readonly mean: number;
  /** Two-sided, at the level of PASS. */
  readonly band: readonly [number, number];
  readonly better: 'first' | 'second' | 'neither';
}

export interface ComparisonResult {
  readonly first: string;
  readonly second: string;
  /** Exchanges that both have observed. */
  readonly exchanges: number;
  /** Pairs of an exchange that only one has observed. */
  readonly unmatched: number;
  readonly losses: readonly ComparedLoss[];
}

interface Waiting {
  readonly candidate: string;
  readonly losses: readonly number[];
}

export class Comparison {
  readonly #plan: ExperimentPlan;
  readonly #first: string;
  readonly #second: string;
  readonly #sinceMs: number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #matched = new SeenSet();
  readonly #sums: readonly LossSums[];
  #givenUp = 0;

  /** @param plan - of either, guardrails as both have them; pairs from its start on count */
  constructor(plan: ExperimentPlan, [first, second]: readonly [string, string]) {
    this.#plan = plan;
    this.#first = first;
    this.#second = second;
    this.#sinceMs = Date.parse(plan.startedAt);
    this.#sums = plan.guardrails.map(() => new LossSums());
  }

  /** Counts an exchange once it has both pairs. Repeated ones change nothing. */
  add(pair: Pair): void {
    const { experiment, epoch, seq, flags, candidate } = pair;
    if (experiment !== this.#plan.experiment || flags.includes('warm_up')) return;
    if (candidate.name !== this.#first && candidate.name !== this.#second) return;
    if (!(Date.parse(pair.time) >= this.#sinceMs)) return;
    const key = `${epoch}.${seq}`;
    const { losses } = lossesOf(pair, this.#plan);
    const other = this.#waiting.get(key);
    if (other === undefined || other.candidate === candidate.name) {
      this.#waiting.set(key, { candidate: candidate.name, losses });
      this.#forgetOldest();
      return;
    }
    this.#waiting.delete(key);
    if (!this.#matched.add(epoch, seq)) return;
    const [ours, theirs] =
      candidate.name === this.#first ? [losses, other.losses] : [other.losses, losses];
    for (const [i, sums] of this.#sums.entries()) {
      const difference = (ours[i] ?? Number.NaN) - (theirs[i] ?? Number.NaN);
      if (!Number.isNaN(difference)) sums.add(difference);
    }
  }

  result(): ComparisonResult {
    return {
      first: this.#first,
      second: this.#second,
      exchanges: this.#matched.size,
      unmatched: this.#waiting.size + this.#givenUp,
      losses: this.#plan.guardrails.map(({ kind, margin }, i) => {
        const totals = this.#sums[i]?.totals() ?? { n: 0, sum: 0, squares: 0 };
        const vOpt = plannedIntrinsicTime(T_OPT, Math.max(margin, LEAST_MARGIN), BOUND);
        const band = bernsteinSequence(totals, { alpha: this.#plan.alphaPass, c: BOUND, vOpt });
        const better = band[1] < 0 ? 'first' : band[0] > 0 ? 'second' : 'neither';
        const mean = totals.n === 0 ? Number.NaN : totals.sum / totals.n;
        return { guardrail: kind, n: totals.n, mean, band, better };
      }),
    };
  }

  #forgetOldest(): void {
    if (this.#waiting.size <= WAITING) return;
    for (const key of this.#waiting.keys()) {
      this.#waiting.delete(key);
      this.#givenUp += 1;
      return;
    }
  }
}

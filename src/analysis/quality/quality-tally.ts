/** Sums of quality over pairs of one stretch of event time: exact integers, so any order gives the same. */
import { LossSums } from '../sketches/loss-sums.ts';
import type { LossTotals } from '../statistics/empirical-bernstein.ts';
import type { OutcomeRow } from './outcome-row.ts';
import { boundLosses, type LossContext, logLoss, qualityLoss } from './quality-losses.ts';
import type { QualityGuardrail } from './quality-plan.ts';

/** Of one guardrail: pairs with an outcome, and those without, at their worst and their best. */
export interface GuardrailSums {
  readonly known: LossSums;
  readonly worst: LossSums;
  readonly best: LossSums;
}

/** Pairs by (incumbent flagged, candidate flagged): index 2 · incumbent + candidate. */
export type Decisions = [number, number, number, number];

export class QualityTally {
  readonly sums: readonly GuardrailSums[];
  /** By decision: with outcome positive, negative, and not known. */
  readonly positives: Decisions = [0, 0, 0, 0];
  readonly negatives: Decisions = [0, 0, 0, 0];
  readonly unknown: Decisions = [0, 0, 0, 0];
  /** The same at the candidate's threshold, of pairs that judge by it and have an answer of the candidate. */
  readonly positivesAt: Decisions = [0, 0, 0, 0];
  readonly negativesAt: Decisions = [0, 0, 0, 0];
  /** Σ of squared and of logarithmic losses, incumbent and candidate: exact in 2^-40. */
  /** Σ of their differences, candidate − incumbent; the second in units of its range. */
  readonly differences: readonly [LossSums, LossSums] = [new LossSums(), new LossSums()];
  readonly brier: readonly [LossSums, LossSums] = [new LossSums(), new LossSums()];
  readonly logLoss: readonly [LossSums, LossSums] = [new LossSums(), new LossSums()];
  /** Of the pairs with an outcome: the candidate gave none. */
  failed = 0;
  /** Of those that judge by the threshold: negatives to which the candidate gave no answer. */
  failedNegativesAt = 0;

  constructor(guardrails: number) {
    this.sums = Array.from({ length: guardrails }, () => ({
      known: new LossSums(),
      worst: new LossSums(),
      best: new LossSums(),
    }));
  }

  /** @param positive - the outcome; `null`: not known */
  add(
    row: OutcomeRow,
    positive: boolean | null,
    of: LossContext & { readonly guardrails: readonly QualityGuardrail[] },
  ): void {
    this.#count(row, positive, of);
    for (const [i, guardrail] of of.guardrails.entries()) {
      const sums = this.sums[i];
      if (sums === undefined) continue;
      if (positive === null) {
        const { worst, best } = boundLosses(guardrail, row, of);
        if (!Number.isNaN(worst)) sums.worst.add(worst);
        if (!Number.isNaN(best)) sums.best.add(best);
        continue;
      }
      const loss = qualityLoss(guardrail.kind, row, { ...of, positive });
      if (!Number.isNaN(loss)) sums.known.add(loss);
    }
  }

  #count(row: OutcomeRow, positive: boolean | null, { threshold }: LossContext): void {
    const ours = row.incumbentFlagged ? 2 : 0;
    const cell = ours + Number(row.candidateFlagged);
    const counts = positive === null ? this.unknown : positive ? this.positives : this.negatives;
    counts[cell] = (counts[cell] ?? 0) + 1;
    if (positive === null) return;
    if (row.candidateFailed) this.failed += 1;
    if (threshold !== null && !row.calibrates) {
      const at = positive ? this.positivesAt : this.negativesAt;
      const cellAt = ours + Number(row.candidateScore >= threshold);
      if (!row.candidateFailed) at[cellAt] = (at[cellAt] ?? 0) + 1;
      else if (!positive) this.failedNegativesAt += 1;
    }
    const { incumbentScore, candidateScore } = row;
    if (Number.isNaN(incumbentScore) || Number.isNaN(candidateScore)) return;
    const y = Number(positive);
    for (const [i, score] of [incumbentScore, candidateScore].entries()) {
      this.brier[i]?.add((score - y) ** 2);
      this.logLoss[i]?.add(logLoss(score, positive));
    }
    for (const [i, kind] of (['brier', 'log_loss'] as const).entries()) {
      const loss = qualityLoss(kind, row, { threshold, fewerFalsePositives: 0, positive });
      this.differences[i]?.add(loss);
    }
  }

  merge(other: QualityTally): void {
    for (const [i, sums] of this.sums.entries()) {
      const more = other.sums[i];
      if (more === undefined) continue;
      sums.known.merge(more.known);
      sums.worst.merge(more.worst);
      sums.best.merge(more.best);
    }
    for (const name of COUNTS) {
      for (let i = 0; i < 4; i++) this[name][i] = (this[name][i] ?? 0) + (other[name][i] ?? 0);
    }
    for (const name of ['brier', 'logLoss', 'differences'] as const) {
      this[name][0].merge(other[name][0]);
      this[name][1].merge(other[name][1]);
    }
    this.failed += other.failed;
    this.failedNegativesAt += other.failedNegativesAt;
  }

  /** Pairs with an outcome, and without. */
  get known(): number {
    return sumOf(this.positives) + sumOf(this.negatives);
  }

  get missing(): number {
    return sumOf(this.unknown);
  }

  /** Least share of pairs with an outcome: in all, and by decision, where there are at least 20 of them. */
  get leastCoverage(): number {
    const shares = this.unknown.map((unknown, i) => {
      const known = (this.positives[i] ?? 0) + (this.negatives[i] ?? 0);
      return known + unknown < LEAST_PAIRS ? 1 : known / (known + unknown);
    });
    const all = this.known + this.missing;
    return Math.min(...shares, all === 0 ? 1 : this.known / all);
  }
}

/** Fewer pairs of a decision say nothing of its coverage. */
const LEAST_PAIRS = 20;

const COUNTS = ['positives', 'negatives', 'unknown', 'positivesAt', 'negativesAt'] as const;

export function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Two sums as one. */
export function joined(a: LossSums, b: LossSums): LossTotals {
  const [one, two] = [a.totals(), b.totals()];
  return { n: one.n + two.n, sum: one.sum + two.sum, squares: one.squares + two.squares };
}

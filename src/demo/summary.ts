/**
 * The demo's figures from the recorded pairs: agreement, score difference, latencies, and what both sides
 * did on loans whose outcome is known. Pure. Counts and quantiles of one sample, without intervals: a
 * description, never a verdict.
 */
import type { Pair, Prediction } from '../pair/pair.ts';
import { type Spread, toSpread } from './quantile.ts';

/** Labels of both sides on the same requests: `counts[incumbent][candidate]`, 0 = first label. */
export type Confusion = readonly [readonly [number, number], readonly [number, number]];

/** One side against the known outcomes; the second label is positive. */
export interface Quality {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

export interface Summary {
  readonly pairs: number;
  /** Pairs by state; only `paired` ones are compared. */
  readonly candidateErrors: number;
  readonly candidateTimeouts: number;
  /** `paired`, but a side's prediction could not be read. */
  readonly unreadable: number;
  readonly labels: readonly [string, string];
  readonly confusion: Confusion;
  readonly score: {
    /** Candidate − incumbent. */
    readonly mean: number;
    readonly meanAbsolute: number;
    /** Of the absolute difference. */
    readonly absolute: Spread;
  };
  /** Milliseconds. */
  readonly latency: {
    readonly incumbent: Spread;
    readonly candidate: Spread;
    readonly queue: Spread;
    /** Pairs with a flag: their times are left out. */
    readonly leftOut: number;
  };
  readonly quality: { readonly incumbent: Quality; readonly candidate: Quality };
  /** Pairs whose outcome is not known, or whose labels are others. */
  readonly withoutOutcome: number;
}

export interface SummaryInput {
  /** Below the threshold, at or above it (positive). */
  readonly labels: readonly [string, string];
  /** `join` of a pair → its outcome, one of the labels. */
  readonly outcomes: ReadonlyMap<string, string>;
}

/** @param pairs - read once, so that they can come page by page */
export function summarize(pairs: Iterable<Pair>, input: SummaryInput): Summary {
  const tally = new Tally(input);
  for (const pair of pairs) tally.add(pair);
  return tally.finish();
}

class Tally {
  readonly #input: SummaryInput;
  readonly #states = { paired: 0, candidate_error: 0, candidate_timeout: 0 };
  readonly #confusion: [[number, number], [number, number]] = [
    [0, 0],
    [0, 0],
  ];
  readonly #quality = { incumbent: noQuality(), candidate: noQuality() };
  readonly #differences: number[] = [];
  readonly #incumbentMs: number[] = [];
  readonly #candidateMs: number[] = [];
  readonly #queueMs: number[] = [];
  #leftOut = 0;
  #unreadable = 0;
  #withoutOutcome = 0;

  constructor(input: SummaryInput) {
    this.#input = input;
  }

  add(pair: Pair): void {
    this.#states[pair.state] += 1;
    if (pair.state !== 'paired') return;
    this.#addLatency(pair);
    const incumbent = pair.incumbent.predictions[0];
    const candidate = pair.candidate.predictions[0];
    const sides = this.#bothLabels(incumbent, candidate);
    if (sides === null || incumbent?.score === undefined || candidate?.score === undefined) {
      this.#unreadable += 1;
      return;
    }
    this.#differences.push(candidate.score - incumbent.score);
    this.#confusion[sides[0]][sides[1]] += 1;
    this.#addOutcome(pair, sides);
  }

  finish(): Summary {
    const d = this.#differences;
    const absolute = d.map(Math.abs);
    return {
      pairs: this.#states.paired + this.#states.candidate_error + this.#states.candidate_timeout,
      candidateErrors: this.#states.candidate_error,
      candidateTimeouts: this.#states.candidate_timeout,
      unreadable: this.#unreadable,
      labels: this.#input.labels,
      confusion: this.#confusion,
      score: { mean: mean(d), meanAbsolute: mean(absolute), absolute: toSpread(absolute) },
      latency: {
        incumbent: toSpread(this.#incumbentMs),
        candidate: toSpread(this.#candidateMs),
        queue: toSpread(this.#queueMs),
        leftOut: this.#leftOut,
      },
      quality: this.#quality,
      withoutOutcome: this.#withoutOutcome,
    };
  }

  #addLatency({ flags, incumbent, candidate }: Pair): void {
    if (flags.length > 0) {
      this.#leftOut += 1;
      return;
    }
    if (incumbent.latency_ms !== undefined) this.#incumbentMs.push(incumbent.latency_ms);
    if (candidate.latency_ms !== undefined) this.#candidateMs.push(candidate.latency_ms);
    this.#queueMs.push(candidate.queue_ms);
  }

  #bothLabels(a: Prediction | undefined, b: Prediction | undefined): [0 | 1, 0 | 1] | null {
    const incumbent = this.#indexOf(a?.label);
    const candidate = this.#indexOf(b?.label);
    return incumbent === null || candidate === null ? null : [incumbent, candidate];
  }

  #indexOf(label: unknown): 0 | 1 | null {
    if (label === this.#input.labels[0]) return 0;
    return label === this.#input.labels[1] ? 1 : null;
  }

  #addOutcome(pair: Pair, [incumbent, candidate]: [0 | 1, 0 | 1]): void {
    const outcome = this.#indexOf(this.#input.outcomes.get(pair.join ?? ''));
    if (outcome === null) {
      this.#withoutOutcome += 1;
      return;
    }
    this.#quality.incumbent[QUALITY_CELL[incumbent][outcome]] += 1;
    this.#quality.candidate[QUALITY_CELL[candidate][outcome]] += 1;
  }
}

/** `[predicted][outcome]` */
const QUALITY_CELL = [
  ['trueNegatives', 'falseNegatives'],
  ['falsePositives', 'truePositives'],
] as const;

function noQuality(): Record<(typeof QUALITY_CELL)[number][number], number> {
  return { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Requests on which both sides gave the same label, and those on which they did not. */
export function agreementOf([good, bad]: Confusion): { agreed: number; flips: number } {
  return { agreed: good[0] + bad[1], flips: good[1] + bad[0] };
}

/** Shares in [0, 1]; NaN where the denominator is 0. */
export function ratesOf(quality: Quality): { alert: number; precision: number; recall: number } {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = quality;
  const flagged = truePositives + falsePositives;
  const all = flagged + falseNegatives + trueNegatives;
  return {
    alert: flagged / all,
    precision: truePositives / flagged,
    recall: truePositives / (truePositives + falseNegatives),
  };
}

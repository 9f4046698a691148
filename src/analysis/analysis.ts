/**
 * The analysis of one plan: pairs in, states by segment and by stretch of event time, verdicts at cuts. A
 * commutative monoid but for the verdicts, which are a function of it: any order and partition of pairs, and any
 * repetition of them, gives the same bits.
 */
import { hash } from 'node:crypto';
import type { Pair } from '../pair/pair.ts';
import { toCutFacts } from './cut-facts.ts';
import { CutState } from './cut-state.ts';
import { lossesOf } from './losses.ts';
import { PairSample } from './pair-sample.ts';
import type { ExperimentPlan } from './plan.ts';
import { SeenSet } from './seen-set.ts';
import { SegmentState } from './segment-state.ts';
import { type Coverage, type CutVerdict, Judge } from './verdict.ts';

/** Values of a declared pointer are looked at in so many buckets by their hash: bounded, and none is dropped. */
export const DISCOVERY_BUCKETS = 256;

/** Start of the stretch that stands for all times: where discovered segments are counted. */
export const WHOLE = 0;

/** What became of a pair. */
export type Taken = 'counted' | 'repeated' | 'foreign' | 'too_early';

/** `''` all pairs; `named:NAME`; `found:POINTER:BUCKET`. */
export type SegmentKey = string;

export class Analysis {
  readonly plan: ExperimentPlan;
  readonly seen: SeenSet = new SeenSet();
  readonly sample: PairSample = new PairSample();
  readonly segments = new Map<SegmentKey, SegmentState>();
  /** Start of a stretch (Unix ms, a multiple of the plan's cut, or {@link WHOLE}) → segment → its state there. */
  readonly stretches = new Map<number, Map<SegmentKey, CutState>>();
  /** What has changed since a store has taken it: stretches, segments, the sample. */
  readonly touched = {
    stretches: new Set<number>(),
    segments: new Set<SegmentKey>(),
    sample: false,
  };
  readonly #startMs: number;

  constructor(plan: ExperimentPlan) {
    this.plan = plan;
    this.#startMs = Date.parse(plan.startedAt);
  }

  /** Counts a pair once. */
  add(pair: Pair): Taken {
    const { plan } = this;
    if (pair.experiment !== plan.experiment || pair.candidate.name !== plan.candidate) {
      return 'foreign';
    }
    const timeMs = Date.parse(pair.time);
    if (!(timeMs >= this.#startMs)) return 'too_early';
    if (!this.seen.add(pair.epoch, pair.seq)) return 'repeated';
    const facts = toCutFacts(pair, lossesOf(pair, plan));
    const isWarmUp = pair.flags.includes('warm_up');
    const stretch = this.#stretch(floorTo(timeMs, plan.cutMs));
    for (const key of segmentsOf(pair, plan)) {
      if (key.startsWith('found:')) {
        // Discovered segments only alarm: one state for all times, or there would be thousands.
        stateIn(this.#stretch(WHOLE), key, plan).add(facts);
        continue;
      }
      stateIn(stretch, key, plan).add(facts);
      if (isWarmUp) continue;
      this.touched.segments.add(key);
      let segment = this.segments.get(key);
      if (segment === undefined) {
        segment = new SegmentState();
        this.segments.set(key, segment);
      }
      segment.add(pair, plan);
    }
    if (!isWarmUp && this.sample.add(pair)) this.touched.sample = true;
    return 'counted';
  }

  /** Another part of the same pairs' stream: states add up. Both must have seen different pairs. */
  merge(other: Analysis): void {
    for (const { epoch, index, bits } of other.seen.chunks()) {
      this.seen.restore(epoch, index, bits);
    }
    this.sample.merge(other.sample);
    this.touched.sample = true;
    for (const [key, state] of other.segments) {
      const own = this.segments.get(key) ?? new SegmentState();
      own.merge(state);
      this.segments.set(key, own);
      this.touched.segments.add(key);
    }
    for (const [startMs, states] of other.stretches) {
      const own = this.#stretch(startMs);
      for (const [key, state] of states) stateIn(own, key, this.plan).merge(state);
    }
  }

  /** Pairs of a segment from the beginning up to a time, Unix ms, or of all stretches. */
  upTo(key: SegmentKey, endMs = Number.POSITIVE_INFINITY, fromMs = 0): CutState {
    const sum = new CutState(this.plan.guardrails.length);
    for (const [startMs, states] of this.stretches) {
      const state = states.get(key);
      if (state !== undefined && startMs >= fromMs && startMs < endMs) sum.merge(state);
    }
    return sum;
  }

  /**
   * Verdicts at each cut up to a time, from the first: what a late pair changes is judged anew.
   *
   * @param untilMs - Unix ms, event time: cuts after it are not closed yet
   * @param coverageAt - what the accounts say at a cut
   */
  verdicts(untilMs: number, coverageAt: (cutMs: number) => Coverage): CutVerdict[] {
    const { plan } = this;
    const judge = new Judge(plan);
    const verdicts: CutVerdict[] = [];
    const keys = ['', ...plan.segments.map(({ name }) => `named:${name}`)];
    const sums = keys.map(() => new CutState(plan.guardrails.length));
    let window = new CutState(plan.guardrails.length);
    let windowNumber = 1;
    const firstMs = floorTo(this.#startMs, plan.cutMs);
    const starts = [...this.stretches.keys()].sort((a, b) => a - b);
    const lastMs = Math.min(untilMs, (starts.at(-1) ?? firstMs) + plan.cutMs);
    for (let cutMs = firstMs + plan.cutMs; cutMs <= lastMs; cutMs += plan.cutMs) {
      const startMs = cutMs - plan.cutMs;
      const number = Math.floor((startMs - firstMs) / plan.windowMs) + 1;
      if (number !== windowNumber) window = new CutState(plan.guardrails.length);
      windowNumber = number;
      const states = this.stretches.get(startMs);
      for (const [i, key] of keys.entries()) {
        const state = states?.get(key);
        if (state === undefined) continue;
        sums[i]?.merge(state);
        if (key === '') window.merge(state);
      }
      const [all, ...segments] = sums;
      if (all === undefined) break;
      const coverage = coverageAt(cutMs);
      verdicts.push(judge.judge({ cutMs, all, segments, window, windowNumber, coverage }));
    }
    return verdicts;
  }

  #stretch(startMs: number): Map<SegmentKey, CutState> {
    this.touched.stretches.add(startMs);
    let stretch = this.stretches.get(startMs);
    if (stretch === undefined) {
      stretch = new Map();
      this.stretches.set(startMs, stretch);
    }
    return stretch;
  }
}

function floorTo(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}

function stateIn(
  stretch: Map<SegmentKey, CutState>,
  key: SegmentKey,
  plan: ExperimentPlan,
): CutState {
  let state = stretch.get(key);
  if (state === undefined) {
    state = new CutState(plan.guardrails.length);
    stretch.set(key, state);
  }
  return state;
}

function segmentsOf(pair: Pair, plan: ExperimentPlan): SegmentKey[] {
  const keys = [''];
  for (const { name, pointer, value } of plan.segments) {
    if (valueAt(pair, pointer) === value) keys.push(`named:${name}`);
  }
  for (const pointer of plan.discover) {
    keys.push(`found:${pointer}:${discoveryBucket(valueAt(pair, pointer))}`);
  }
  return keys;
}

/** The captured value as text; `''` where the pair has none. */
function valueAt({ captured }: Pair, pointer: string): string {
  const value = captured[pointer];
  return value === undefined ? '' : String(value);
}

/** Buckets of values seen lately: a hash costs more than all else that is done for a segment. */
const buckets = new Map<string, number>();
const BUCKETS_KEPT = 4_096;

/** Bucket of a discovered value: the first byte of its SHA-256. */
export function discoveryBucket(value: string): number {
  let bucket = buckets.get(value);
  if (bucket === undefined) {
    bucket = hashBucket(value);
    if (buckets.size >= BUCKETS_KEPT) buckets.clear();
    buckets.set(value, bucket);
  }
  return bucket;
}

function hashBucket(value: string): number {
  return Number.parseInt(hash('sha256', value, 'hex').slice(0, 2), 16) % DISCOVERY_BUCKETS;
}

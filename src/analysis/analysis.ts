/**
 * The analysis of one plan: pairs in, states by segment and by stretch of event time, verdicts at cuts. A
 * commutative monoid but for the verdicts, which are a function of it: any order and partition of pairs, and any
 * repetition of them, gives the same bits.
 */
import { hash } from 'node:crypto';
import type { Pair } from '../pair/pair.ts';
import { toCutFacts } from './cut-facts.ts';
import { CutState, Names } from './cut-state.ts';
import { JudgedCuts } from './judged-cuts.ts';
import { lossesOf } from './losses.ts';
import { PairExamples } from './pair-examples.ts';
import { PairSample } from './pair-sample.ts';
import type { ExperimentPlan } from './plan.ts';
import type { QualityBook } from './quality/quality-book.ts';
import { SeenSet } from './seen-set.ts';
import { SegmentState } from './segment-state.ts';
import { shortText } from './short-text.ts';
import type { Coverage, CutVerdict } from './verdict.ts';

/** Values of a declared pointer are looked at in so many buckets by their hash: bounded, and none is dropped. */
export const DISCOVERY_BUCKETS = 256;

/** Start of the stretch that stands for all times: where discovered segments are counted. */
export const WHOLE = 0;

/** Of a discovered value that is kept. */
const VALUE_CHARACTERS = 64;

/** What became of a pair. */
export type Taken = 'counted' | 'repeated' | 'foreign' | 'too_early';

/** `''` all pairs; `named:NAME`; `found:POINTER:BUCKET`. */
export type SegmentKey = string;

export class Analysis {
  readonly plan: ExperimentPlan;
  readonly seen: SeenSet = new SeenSet();
  readonly sample: PairSample = new PairSample();
  readonly examples: PairExamples = new PairExamples();
  readonly segments = new Map<SegmentKey, SegmentState>();
  /** Discovered segment → the values that were seen in it. */
  readonly values = new Map<SegmentKey, Names>();
  /** Start of a stretch (Unix ms, a multiple of the plan's cut, or {@link WHOLE}) → segment → its state there. */
  readonly stretches = new Map<number, Map<SegmentKey, CutState>>();
  /** What has changed since a store has taken it: stretches, segments, the sample. */
  readonly touched = {
    stretches: new Set<number>(),
    segments: new Set<SegmentKey>(),
    values: new Set<SegmentKey>(),
    sample: false,
    examples: false,
  };
  readonly #startMs: number;
  /** Cuts as they were last judged, and the first stretch that has changed since. */
  #judged: { cuts: JudgedCuts; coverageAt: (cutMs: number) => Coverage } | null = null;
  #changedFromMs = Number.NEGATIVE_INFINITY;
  #quality: QualityBook | null = null;

  constructor(plan: ExperimentPlan) {
    this.plan = plan;
    this.#startMs = Date.parse(plan.startedAt);
  }

  /** What outcomes say, as of when it was last set; `null`: nothing. */
  get quality(): QualityBook | null {
    return this.#quality;
  }

  /** Outcomes may be of any pair: all cuts are judged anew. */
  set quality(book: QualityBook | null) {
    if (book === this.#quality) return;
    this.#quality = book;
    this.#judged = null;
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
    for (const [key, value] of segmentsOf(pair, plan)) {
      if (key.startsWith('found:')) {
        // Discovered segments only alarm: one state for all times, or there would be thousands.
        stateIn(this.#stretch(WHOLE), key, plan).add(facts);
        this.#valuesOf(key).add(value);
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
    if (!isWarmUp && this.examples.add(pair)) this.touched.examples = true;
    return 'counted';
  }

  /** Another part of the same pairs' stream: states add up. Both must have seen different pairs. */
  merge(other: Analysis): void {
    for (const { epoch, index, bits } of other.seen.chunks()) {
      this.seen.restore(epoch, index, bits);
    }
    this.sample.merge(other.sample);
    this.examples.merge(other.examples);
    this.touched.sample ||= other.sample.size > 0;
    this.touched.examples ||= other.examples.size > 0;
    for (const [key, names] of other.values) this.#valuesOf(key).merge(names);
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
   * Verdicts at each cut up to a time, from the first. Those of an earlier call stand, unless a pair has come
   * to a stretch of theirs: then all are judged anew.
   *
   * @param untilMs - last closed cut, Unix ms, event time; infinite: the end of the last stretch with pairs
   * @param coverageAt - what the accounts say at a cut; another function is asked anew for each
   */
  verdicts(untilMs: number, coverageAt: (cutMs: number) => Coverage): readonly CutVerdict[] {
    const { plan, stretches } = this;
    const lastMs = Number.isFinite(untilMs) ? untilMs : lastStretch(stretches) + plan.cutMs;
    const last = this.#judged;
    const isSame = last?.coverageAt === coverageAt && last.cuts.endMs <= this.#changedFromMs;
    const cuts =
      isSame && last.cuts.endMs <= lastMs ? last.cuts : new JudgedCuts(plan, this.#quality);
    this.#judged = { cuts, coverageAt };
    this.#changedFromMs = Number.POSITIVE_INFINITY;
    return cuts.upTo(lastMs, { stretches, coverageAt });
  }

  #valuesOf(key: SegmentKey): Names {
    this.touched.values.add(key);
    let names = this.values.get(key);
    if (names === undefined) {
      names = new Names();
      this.values.set(key, names);
    }
    return names;
  }

  #stretch(startMs: number): Map<SegmentKey, CutState> {
    this.touched.stretches.add(startMs);
    if (startMs !== WHOLE && startMs < this.#changedFromMs) this.#changedFromMs = startMs;
    let stretch = this.stretches.get(startMs);
    if (stretch === undefined) {
      stretch = new Map();
      this.stretches.set(startMs, stretch);
    }
    return stretch;
  }
}

/** Start of the last stretch with pairs; minus infinity: there is none. */
export function lastStretch(stretches: ReadonlyMap<number, unknown>): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const startMs of stretches.keys()) if (startMs !== WHOLE && startMs > last) last = startMs;
  return last;
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

/** Each with its value, cut short, where it is a discovered one. */
function segmentsOf(pair: Pair, plan: ExperimentPlan): [key: SegmentKey, value: string][] {
  const keys: [SegmentKey, string][] = [['', '']];
  for (const { name, pointer, value } of plan.segments) {
    if (valueAt(pair, pointer) === value) keys.push([`named:${name}`, '']);
  }
  for (const pointer of plan.discover) {
    const value = valueAt(pair, pointer);
    keys.push([`found:${pointer}:${discoveryBucket(value)}`, shortText(value, VALUE_CHARACTERS)]);
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

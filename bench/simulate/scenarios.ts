/** What is simulated: streams at the margin (errors), and streams on one side of it (time to decide). */
import {
  batches,
  bursts,
  cycles,
  drift,
  excess,
  heavyTails,
  independent,
  normal,
  rareGain,
  rateToggles,
  regimes,
  repeats,
  type StreamMaker,
} from './streams.ts';
import type { Levels } from './watch.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly stream: StreamMaker;
  readonly levels: Levels;
  /** Bound of the loss: an empirical-Bernstein test; left out for a Bernoulli one. */
  readonly c?: number;
}

const flips: Levels = { delta: 0.01, alpha: 0.05, tOpt: 10_000 };
const scores: Levels = { ...flips, delta: 0.005 };

/** Streams whose mean is at the margin: false PASS and false FAIL stay within alpha. */
export const ERRORS: readonly Scenario[] = [
  { name: 'iid', title: 'independent, 1 %', stream: independent(0.01), levels: flips },
  {
    name: 'regimes-200',
    title: 'two states 0.2 / 1.8 %, stay 200',
    stream: regimes(0.002, 0.018, 200),
    levels: flips,
  },
  {
    name: 'regimes-2000',
    title: 'two states, stay 2,000',
    stream: regimes(0.002, 0.018, 2_000),
    levels: flips,
  },
  {
    name: 'regimes-10000',
    title: 'two states, stay 10,000',
    stream: regimes(0.002, 0.018, 10_000),
    levels: flips,
  },
  { name: 'drift-up', title: 'drift 0.5 → 1.5 %', stream: drift(0.005, 0.015), levels: flips },
  { name: 'drift-down', title: 'drift 1.5 → 0.5 %', stream: drift(0.015, 0.005), levels: flips },
  { name: 'cycles', title: 'seven daily cycles, ±90 %', stream: cycles(0.01, 0.9), levels: flips },
  {
    name: 'bursts',
    title: 'bursts: each flip raises the rate',
    stream: bursts(0.01, 0.06, 0.9),
    levels: flips,
  },
  {
    name: 'rate-toggles',
    title: 'mirror rate toggles, other traffic',
    stream: rateToggles(0.002, 0.018, 1_000),
    levels: flips,
  },
  {
    name: 'repeats-2',
    title: 'keys repeat twice, equal outcomes',
    stream: repeats(0.01, 2),
    levels: flips,
  },
  {
    name: 'repeats-10',
    title: 'keys repeat ten times, equal outcomes',
    stream: repeats(0.01, 10),
    levels: flips,
  },
  {
    name: 'excess',
    title: 'excess flips over 2 % noise, c 1',
    stream: excess(0.03, 0.02),
    levels: flips,
    c: 1,
  },
  { name: 'excess-c2', title: 'the same, c 2', stream: excess(0.03, 0.02), levels: flips, c: 2 },
  {
    name: 'rare-loss',
    title: 'score: rarely +1',
    stream: independent(0.005),
    levels: scores,
    c: 1,
  },
  {
    name: 'rare-gain',
    title: 'score: rarely −1',
    stream: rareGain(0.005, 0.005),
    levels: scores,
    c: 1,
  },
  {
    name: 'normal',
    title: 'score: normal, sd 0.05',
    stream: normal(0.005, 0.05),
    levels: scores,
    c: 1,
  },
  {
    name: 'heavy-tails',
    title: 'score: t with 2 degrees, clipped',
    stream: heavyTails(0.005, 0.03),
    levels: scores,
    c: 1,
  },
  {
    name: 'batch-0',
    title: 'batches 1–64, correlation 0, share',
    stream: batches(0.01, 0),
    levels: flips,
    c: 1,
  },
  {
    name: 'batch-5',
    title: 'batches, correlation 0.5, share',
    stream: batches(0.01, 0.5),
    levels: flips,
    c: 1,
  },
];

export interface Race {
  readonly name: string;
  readonly title: string;
  readonly stream: StreamMaker;
  readonly levels: Levels;
  readonly c?: number;
  /** Pairs of the fixed-n test with 90 % power. */
  readonly fixedN: number;
  readonly verdict: 'PASS' | 'FAIL';
  /** Bars at a planned t_opt: median and 90 % point as multiples of fixedN; left out where stated without. */
  readonly bars?: { readonly median: number; readonly ninety: number };
}

const bars = { median: 1.2, ninety: 2 };

/** Time to decide beside the fixed-n test. */
export const RACES: readonly Race[] = [
  {
    name: 'pass-0.3',
    title: 'flips 0.3 % against 1 %, planned',
    stream: independent(0.003),
    levels: { ...flips, tOpt: 1_049 },
    fixedN: 1_049,
    verdict: 'PASS',
    bars,
  },
  {
    name: 'pass-0.3-unplanned',
    title: 'the same, t_opt 10,000',
    stream: independent(0.003),
    levels: flips,
    fixedN: 1_049,
    verdict: 'PASS',
  },
  {
    name: 'pass-0.5',
    title: 'flips 0.5 % against 1 %, planned',
    stream: independent(0.005),
    levels: { ...flips, tOpt: 2_546 },
    fixedN: 2_546,
    verdict: 'PASS',
    bars,
  },
  {
    name: 'fail-2',
    title: 'flips 2 % against 1 %, planned',
    stream: independent(0.02),
    levels: { ...flips, tOpt: 1_235 },
    fixedN: 1_235,
    verdict: 'FAIL',
    bars,
  },
  {
    name: 'fail-2-of-10',
    title: 'the same, one of ten guardrails',
    stream: independent(0.02),
    levels: { ...flips, alphaFail: 0.005, tOpt: 2_079 },
    fixedN: 2_079,
    verdict: 'FAIL',
    bars,
  },
  {
    name: 'excess-aa',
    title: 'A/A, noise 2 %, excess margin 1 pp',
    stream: excess(0.02, 0.02),
    levels: { ...flips, tOpt: 3_426 },
    c: 1,
    fixedN: 3_426,
    verdict: 'PASS',
    bars,
  },
  {
    name: 'score-sd',
    title: 'score sd 0.05, margin 0.005',
    stream: normal(0, 0.05),
    levels: { ...scores, tOpt: 10_000 },
    c: 1,
    fixedN: 857,
    verdict: 'PASS',
  },
  {
    name: 'identical',
    title: 'identical candidate, planned',
    stream: independent(0),
    levels: { ...flips, tOpt: 299 },
    fixedN: 299,
    verdict: 'PASS',
  },
];

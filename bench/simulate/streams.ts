/**
 * Streams of losses whose conditional expected loss is known at each step: what a PASS or FAIL is judged against.
 *
 * Each stream is a function of a seeded generator; a step gives the loss Z_i and E[Z_i | all before].
 */

/** One step, written into the object that is handed over: no allocation in the inner loop. */
export interface Step {
  loss: number;
  /** Conditional expected loss. */
  mean: number;
  /** Whether the pair's key is seen for the first time; where keys repeat. */
  fresh?: boolean;
}

export type Stream = (step: Step, i: number) => void;

/** Makes a stream of `n` steps. */
export type StreamMaker = (random: () => number, n: number) => Stream;

function flip(step: Step, random: () => number, p: number): void {
  step.mean = p;
  step.loss = random() < p ? 1 : 0;
}

/** Independent losses of one rate. */
export const independent =
  (p: number): StreamMaker =>
  (random) =>
  (step) =>
    flip(step, random, p);

/** Two regimes with equal stay, geometric of mean `dwell`; the stream begins in either. */
export const regimes =
  (low: number, high: number, dwell: number): StreamMaker =>
  (random) => {
    let p = random() < 0.5 ? low : high;
    return (step) => {
      if (random() < 1 / dwell) p = p === low ? high : low;
      flip(step, random, p);
    };
  };

/** A rate that moves evenly from one value to another over the stream. */
export const drift =
  (from: number, to: number): StreamMaker =>
  (random, n) =>
  (step, i) =>
    flip(step, random, from + ((to - from) * i) / (n - 1));

/** Seven daily cycles of a rate, by ± `swing` of it. */
export const cycles =
  (p: number, swing: number): StreamMaker =>
  (random, n) =>
  (step, i) =>
    flip(step, random, p * (1 + swing * Math.sin((14 * Math.PI * i) / n)));

/** Bursts: each loss raises the rate of the next ones, which fades; on average the rate is p. */
export const bursts =
  (p: number, jump: number, fade: number): StreamMaker =>
  (random) => {
    // Long-run mean of base + excitation: base / (1 - jump / (1 - fade)).
    const base = p * (1 - jump / (1 - fade));
    let excitation = p - base;
    return (step) => {
      flip(step, random, Math.min(1, base + excitation));
      excitation = excitation * fade + jump * step.loss;
    };
  };

/** The mirror's rate toggles: at a high rate traffic of one kind is seen, at a low rate mostly the other. */
export const rateToggles =
  (low: number, high: number, period: number): StreamMaker =>
  (random) =>
  (step, i) => {
    const share = Math.floor(i / period) % 2 === 0 ? 0.9 : 0.1;
    flip(step, random, random() < share ? low : high);
  };

/** Keys that come back: a key's first outcome is drawn, each repeat is equal to it, so known beforehand. */
export const repeats =
  (p: number, meanRepeats: number): StreamMaker =>
  (random) => {
    let left = 0;
    let outcome = 0;
    return (step) => {
      step.fresh = left === 0;
      if (left === 0) {
        // Geometric from 1 up, of the given mean.
        left = Math.ceil(Math.log(1 - random()) / Math.log(1 - 1 / meanRepeats)) || 1;
        flip(step, random, p);
        outcome = step.loss;
      } else {
        step.loss = outcome;
        step.mean = outcome;
      }
      left -= 1;
    };
  };

/** Z in {-1, 0, 1}: the candidate differs with `candidate`, the control leg with `noise`. */
export const excess =
  (candidate: number, noise: number): StreamMaker =>
  (random) =>
  (step) => {
    step.mean = candidate - noise;
    step.loss = Number(random() < candidate) - Number(random() < noise);
  };

/** Mostly a small loss, rarely -1. */
export const rareGain =
  (mean: number, p: number): StreamMaker =>
  (random) => {
    const usual = (mean + p) / (1 - p);
    return (step) => {
      step.mean = mean;
      step.loss = random() < p ? -1 : usual;
    };
  };

/** Normal losses, by Box and Muller; sd far below 1, so that the clip at ±1 does not count. */
export const normal =
  (mean: number, sd: number): StreamMaker =>
  (random) =>
  (step) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const z = radius * Math.cos(2 * Math.PI * random());
    step.mean = mean;
    step.loss = Math.max(-1, Math.min(1, mean + sd * z));
  };

/** Heavy tails: Student's t with 2 degrees of freedom, clipped symmetrically, so that the mean stays. */
export const heavyTails =
  (mean: number, scale: number): StreamMaker =>
  (random) =>
  (step) => {
    const u = 2 * random() - 1;
    const t = (u * Math.SQRT2) / Math.sqrt(Math.max(1e-12, 1 - u * u));
    const room = 1 - Math.abs(mean);
    step.mean = mean;
    step.loss = mean + Math.max(-room, Math.min(room, scale * t));
  };

/** Batches of 1 to 64 predictions, intra-request correlation `rho`: the loss is the share that flips. */
export const batches =
  (p: number, rho: number): StreamMaker =>
  (random) =>
  (step) => {
    const size = 1 + Math.floor(random() * 64);
    // With probability rho the whole batch moves together: correlation rho, mean p.
    const together = random() < rho;
    let flips = together ? Number(random() < p) * size : 0;
    if (!together) for (let i = 0; i < size; i++) flips += Number(random() < p);
    step.mean = p;
    step.loss = flips / size;
  };

/** Rounds of a suite: each measures all targets once, in turn; noisy measurements are repeated in their time. */
import type { Measurement } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type Stage, say } from './stage.ts';
import { createSuite, type Suite } from './suites.ts';
import { MAX_NOISE, noiseOf, type Round } from './summary.ts';
import { target } from './targets.ts';

/** Measurements of one target in one round. */
const MAX_ATTEMPTS = 3;
const MAX_STOLEN_ROUNDS = 10;

export interface Comparison {
  readonly suite: Suite;
  readonly rounds: readonly Round[];
  /** How many were kept and discarded, in words. */
  readonly note: string;
}

/** @param isStopping - asked between measurements */
export async function compare(
  stage: Stage,
  options: BenchOptions,
  isStopping: () => boolean,
): Promise<Comparison> {
  const { rounds, budget, connections } = options;
  const suite = createSuite(options.suite, await paceOf(stage, options));
  const startMs = performance.now();
  const endMs = startMs + budget * 1_000;
  const shareMs = (budget * 1_000) / (rounds * connections.length);
  const wanted = Array.from({ length: rounds }, () => connections).flat();
  const kept: Round[] = [];
  const stolen: Round[] = [];
  let longestMs = 0;
  while (wanted.length > 0 && stolen.length < MAX_STOLEN_ROUNDS) {
    if (isStopping() || performance.now() + longestMs > endMs) break;
    const [count = 0] = wanted;
    // Repetitions may use what time the rounds still to come leave: each has its share.
    const patientUntilMs = startMs + shareMs * (kept.length + 1);
    const { round, neededMs } = await measureRound(stage, suite, {
      connections: count,
      patientUntilMs,
      isStopping,
    });
    longestMs = Math.max(longestMs, neededMs);
    const isStolen = stealOf(round) > MAX_NOISE;
    (isStolen ? stolen : kept).push(round);
    if (!isStolen) wanted.shift();
    say(`round of ${count} connections ${isStolen ? 'discarded: steal' : 'kept'}`);
  }
  const note = `${kept.length} of ${rounds * connections.length} kept, ${stolen.length} discarded (steal)`;
  return { suite, rounds: kept, note };
}

/** For tails: half of what the slowest can, so that none is saturated. */
async function paceOf(stage: Stage, options: BenchOptions): Promise<number> {
  const { suite, pacedRate, connections } = options;
  if (suite !== 'tails' || pacedRate > 0) return pacedRate;
  let slowest = Number.POSITIVE_INFINITY;
  for (const name of ['off', 'full', 'hung'] as const) {
    const { requestsPerSecond } = await stage.measure(target(name), Math.max(...connections));
    slowest = Math.min(slowest, requestsPerSecond);
  }
  return Math.floor(slowest / 2);
}

interface RoundOptions {
  readonly connections: number;
  /** Until then measurements that others disturbed are repeated. */
  readonly patientUntilMs: number;
  readonly isStopping: () => boolean;
}

async function measureRound(stage: Stage, suite: Suite, options: RoundOptions) {
  const { connections, patientUntilMs, isStopping } = options;
  const measurements: Record<string, Measurement> = {};
  let neededMs = 0;
  for (const one of suite.targets) {
    let best: Measurement | null = null;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS && !isStopping(); attempt += 1) {
      const calmWaitMs = patientUntilMs - performance.now();
      const startMs = performance.now();
      const found = await stage.measure(one, connections, calmWaitMs);
      const tookMs = performance.now() - startMs;
      if (best === null) neededMs += tookMs;
      best = best === null || noiseOf(found) < noiseOf(best) ? found : best;
      if (noiseOf(best) <= MAX_NOISE || performance.now() + tookMs > patientUntilMs) break;
    }
    if (best !== null) measurements[one.key] = best;
  }
  const round: Round = { connections, measurements };
  return { round, neededMs };
}

function stealOf({ measurements }: Round): number {
  return Math.max(...Object.values(measurements).map(({ steal }) => steal));
}

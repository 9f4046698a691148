/** Rounds of a suite: each measures all targets once, in turn; noisy measurements are repeated in their time. */
import type { Measurement } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type Stage, say } from './stage.ts';
import type { Suite } from './suites.ts';
import { MAX_NOISE, noiseOf, type Round } from './summary.ts';

/** Measurements of one target in one round. */
const MAX_ATTEMPTS = 3;
const MAX_STOLEN_ROUNDS = 10;
/** Rounds that the targets of `tails` are left standing: 20 of them would take long to start anew. */
const STANDING_ROUNDS = 5;

export interface Comparison {
  readonly suite: Suite;
  readonly rounds: readonly Round[];
  /** How many were kept and discarded, in words. */
  readonly note: string;
}

/** @param isStopping - asked between measurements */
export async function compare(
  stage: Stage,
  suite: Suite,
  options: BenchOptions,
  isStopping: () => boolean,
): Promise<Comparison> {
  const { rounds, budget, connections } = options;
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
    if ((kept.length + stolen.length) % STANDING_ROUNDS === 0) await stage.endTargets();
    say(`round of ${count} connections ${isStolen ? 'discarded: steal' : 'kept'}`);
  }
  const note = `${kept.length} of ${rounds * connections.length} kept, ${stolen.length} discarded (steal)`;
  return { suite, rounds: kept, note };
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
      const keep = suite.name === 'tails';
      const found = await stage.measure(one, { connections, calmWaitMs, keep });
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

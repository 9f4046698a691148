/**
 * Keys that come back, judged by the marginal rate of *new* keys: what the claim does not cover, and what D brings.
 *
 * A look every 250 pairs; PASS at (k, n), and PASS also at (k, n)/D.
 */
import { KEY_BUCKETS } from '../../src/analysis/sketches/key-buckets.ts';
import { createBernoulliTest } from '../../src/analysis/statistics/beta-binomial.ts';
import { designEffect } from '../../src/analysis/statistics/design-effect.ts';
import { createRandom } from './random.ts';
import type { Size } from './run-scenario.ts';
import { repeats } from './streams.ts';

export interface RepeatsResult {
  readonly meanRepeats: number;
  /** Share of streams that ever pass although a new key's rate is at the margin. */
  readonly plain: number;
  readonly withDesignEffect: number;
}

const LOOK = 250;
const DELTA = 0.01;

export function runRepeatedKeys(
  meanRepeats: number,
  { streams, pairs, seed }: Size,
): RepeatsResult {
  const test = createBernoulliTest({ delta: DELTA, tOpt: 10_000, alphaOpt: 0.05 });
  const bar = Math.log(20);
  let [plain, withDesignEffect] = [0, 0];
  for (let s = 0; s < streams; s++) {
    const random = createRandom(seed * 1_000_003 + s);
    const stream = repeats(DELTA, meanRepeats)(random, pairs);
    const counts = new Array<number>(KEY_BUCKETS).fill(0);
    const sums = new Array<number>(KEY_BUCKETS).fill(0);
    const step = { loss: 0, mean: 0, fresh: true };
    let [k, bucket, passed, guarded] = [0, 0, false, false];
    for (let n = 1; n <= pairs; n++) {
      stream(step, n - 1);
      if (step.fresh) bucket = Math.floor(random() * KEY_BUCKETS);
      k += step.loss;
      counts[bucket] = (counts[bucket] as number) + 1;
      sums[bucket] = (sums[bucket] as number) + step.loss;
      if (n % LOOK !== 0 || test.logPass(k, n) < bar) continue;
      passed = true;
      const d = designEffect(counts, sums, { squares: k, nonZero: k });
      if (test.logPass(k / d, n / d) >= bar) guarded = true;
      if (guarded) break;
    }
    plain += Number(passed);
    withDesignEffect += Number(guarded);
  }
  return { meanRepeats, plain: plain / streams, withDesignEffect: withDesignEffect / streams };
}

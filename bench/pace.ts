/** At which rate latency is measured. */
import type { BenchOptions } from './options.ts';
import { type Stage, say } from './stage.ts';
import { type TargetName, target } from './targets.ts';

/** A generator that needs more of its core than this measures itself. */
const GENERATOR_SHARE = 0.4;
/** At so many requests a second its cost a request is measured. */
const TRIAL_RATE = 4_000;

/**
 * Half of what the slowest can, so that none is saturated, but no more than the generator gives at
 * `GENERATOR_SHARE` of its core.
 *
 * @returns requests a second
 */
export async function paceOf(
  stage: Stage,
  names: readonly TargetName[],
  { pacedRate, connections }: BenchOptions,
): Promise<number> {
  if (pacedRate > 0) return pacedRate;
  const costUs = await stage.generatorCostUs(TRIAL_RATE);
  const generated = (GENERATOR_SHARE * 1e6) / costUs;
  let slowest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const measured = await stage.measure(target(name), { connections: Math.max(...connections) });
    slowest = Math.min(slowest, measured.requestsPerSecond);
  }
  const rate = Math.floor(Math.min(slowest / 2, generated));
  say(
    `${rate} requests a second: half of the slowest is ${Math.round(slowest / 2)}, ` +
      `the generator takes ${costUs.toFixed(1)} µs a request`,
  );
  return rate;
}

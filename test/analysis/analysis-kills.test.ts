/** K-07 in the journal's form: an analysis that is killed at any point leaves the bits of one that never was. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { contentOf, JournalRig, traffic } from './journal-rig.ts';
import { START_MS } from './pairs.ts';

const CHILD = join(import.meta.dirname, 'analysis-child.ts');
const KILLS = 8;

/** Runs the child; kills it so long after it has begun. @returns whether it had come to its end */
async function run(rig: JournalRig, killAfterMs: number | null): Promise<boolean> {
  const { config } = rig;
  const args = [CHILD, config.dataDir, JSON.stringify(config)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  if (killAfterMs !== null) {
    await Promise.race([once(child.stdout, 'data'), ended]);
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill('SIGKILL');
  }
  await ended;
  return said.includes('done');
}

function rigWithPairs(): JournalRig {
  const rig = new JournalRig();
  const flip = { candidate: { score: 0.7, label: 'bad' } } as const;
  const all = traffic(0, 20_000, (seq) => (seq % 90 === 0 ? flip : {}));
  // The attempt begins before the pairs, as it does in life.
  rig.start(START_MS);
  rig.stop();
  for (let from = 0; from < all.length; from += 1_000) rig.write(all.slice(from, from + 1_000));
  return rig;
}

it('has the same state as one that was never killed, after kills at random points', async () => {
  const whole = rigWithPairs();
  expect(await run(whole, null)).toBe(true);
  const killed = rigWithPairs();
  let cut = 0;
  for (let i = 0; i < KILLS; i++) {
    // Low-discrepancy points of the first quarter of a second.
    const killAfterMs = ((i * 0.618) % 1) * 250;
    if (!(await run(killed, killAfterMs))) cut += 1;
  }
  expect(await run(killed, null)).toBe(true);
  expect(cut).toBeGreaterThan(0);
  expect(contentOf(killed)).toBe(contentOf(whole));
}, 120_000);

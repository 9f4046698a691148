/** `npm run kills:journal` kills 200 times; KILLS and SEED say otherwise. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { CommittedBooks } from '../../src/record/recorder-port.ts';
import { until } from '../support/until.ts';
import { EPOCH, entryOf } from './entries.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

const KILLS = Number(process.env.KILLS ?? 12);
const SEED = Number(process.env.SEED ?? 20_261_124);

/** Runs a mirror until it has acknowledged some pairs, and so many ms more; kills it; what it said. */
async function runAndKill(dataDir: string, first: number, bytes: number, ms: number) {
  const program = join(import.meta.dirname, 'crash-child.ts');
  const said = join(dataDir, 'said');
  const child = spawn(process.execPath, [program, dataDir, String(first), said], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const size = () => statSync(said, { throwIfNoEntry: false })?.size ?? 0;
  const isDue = () => size() >= bytes || child.exitCode !== null;
  await until('some acknowledged', isDue, 120_000);
  await sleep(ms);
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  const lines = readFileSync(said, 'utf8').split('\n').slice(0, -1);
  rmSync(said);
  return lines;
}

test('SIGKILL at any moment: what was acknowledged is there, and the counts agree', {
  timeout: 60_000 + KILLS * 15_000,
}, async () => {
  const dataDir = temporaryFolder();
  const acknowledged = new Set<string>();
  const moments = fc.sample(
    fc.record({ bytes: fc.integer({ min: 1, max: 20_000 }), ms: fc.nat(30) }),
    { numRuns: KILLS, seed: SEED },
  );
  for (const [round, { bytes, ms }] of moments.entries()) {
    const said = await runAndKill(dataDir, round * 1_000_000 + 1, bytes, ms);
    for (const line of said) {
      const [state, id = ''] = line.split(' ');
      expect(state).toBe('paired');
      acknowledged.add(id);
    }
    const { recorder } = await recorderIn(dataDir);
    const { legs, epochs } = await new Promise<CommittedBooks>((resolve) => {
      recorder.whenOpened(resolve);
    });
    await recorder.close();
    const reader = JournalReader.open(dataDir);
    const stored = new Map<string, string>();
    for (let seq = 0, page = reader.pairsAfter(0, 500); page.length > 0; ) {
      for (const pair of page) stored.set(JSON.parse(pair.json).id, pair.json);
      seq = page.at(-1)?.seq ?? seq;
      page = reader.pairsAfter(seq, 500);
    }
    reader.close();
    for (const id of acknowledged) {
      const seq = Number(id.slice(EPOCH.length + 1, id.indexOf('/')));
      expect(stored.get(id)).toBe(entryOf(seq).json);
    }
    expect(legs.find(({ state }) => state === 'paired')?.count).toBe(stored.size);
    // Each round of the child hands 40 pairs and 3 counts over: they are committed together or not at all.
    const counts = legs.find(({ state }) => state === 'not_selected')?.count ?? 0;
    expect(counts % 3).toBe(0);
    expect(epochs).toMatchObject([{ epoch: EPOCH, state: 'live' }]);
  }
  console.log(`${KILLS} kills, seed ${SEED}: ${acknowledged.size} pairs acknowledged, none lost`);
});

/** `npm run power:journal` cuts the power 2,000 times; CUTS and SEED say otherwise. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import { Disk, POWER_ROOM, powerEntry, recordCalls, straceMissing } from './power-loss.ts';
import { temporaryFolder } from './temporary.ts';

const CUTS = Number(process.env.CUTS ?? 60);
const SEED = Number(process.env.SEED ?? 20_261_126);
const BATCHES = 120;

/** Shares of what was not synced that the disk has kept, nothing and all among them. */
const cuts = fc.sample(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    share: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
  }),
  { numRuns: CUTS, seed: SEED },
);

/** What a journal on such a disk gives: pairs that were acknowledged and are missing, and what else is wrong. */
function lookAt(files: Map<string, Buffer>, said: number): { lost: number; faults: string[] } {
  const folder = join(temporaryFolder(), 'after');
  mkdirSync(folder);
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
  const journal = new Journal(journalPath(folder), POWER_ROOM);
  const reader = JournalReader.open(folder);
  try {
    const pairs = [...selectPairs(reader, {})].flat();
    const faults = pairs
      .filter(({ seq, json }, i) => seq !== i + 1 || json !== powerEntry(seq).json)
      .map(({ seq }) => `pair ${seq} is another than was committed`);
    const counted = journal.books().legs.find(({ state }) => state === 'paired')?.count ?? 0;
    if (counted !== pairs.length) faults.push(`${counted} counted, ${pairs.length} there`);
    return { lost: Math.max(0, said - pairs.length), faults };
  } finally {
    reader.close();
    journal.close();
    rmSync(folder, { recursive: true });
  }
}

function cutAll(synchronous: 'full' | 'normal') {
  const calls = recordCalls(temporaryFolder(), BATCHES, synchronous);
  const syncs = calls.filter(({ kind }) => kind === 'sync').length;
  // Before the first pair was acknowledged the file is still being made.
  const first = calls.findIndex(({ kind }) => kind === 'said') + 1;
  const moments = cuts
    .map((cut) => ({ ...cut, at: first + Math.floor(cut.at * (calls.length - first)) }))
    .sort((a, b) => a.at - b.at);
  const disk = new Disk();
  let taken = 0;
  let lost = 0;
  const faults: string[] = [];
  for (const { at, share, seed } of moments) {
    for (; taken < at; taken += 1) {
      const call = calls[taken];
      if (call !== undefined) disk.take(call);
    }
    let state = seed;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const seen = lookAt(
      disk.cut(() => random() < share),
      disk.said,
    );
    lost += seen.lost;
    faults.push(...seen.faults);
  }
  return { lost, faults, syncs, calls: calls.length, said: disk.said };
}

const missing = straceMissing();

test.skipIf(missing !== undefined)(
  `what was acknowledged is there after a loss of power, whatever of the rest is (${missing ?? 'by strace'})`,
  { timeout: 120_000 + CUTS * 1_000 },
  () => {
    const { lost, faults, syncs, calls, said } = cutAll('full');
    console.log(
      `${CUTS} cuts, seed ${SEED}: ${calls} calls, ${syncs} syncs, ${said} pairs, ${lost} lost`,
    );
    expect({ lost, faults }).toEqual({ lost: 0, faults: [] });
    expect(syncs).toBeGreaterThanOrEqual(BATCHES);
  },
);

test.skipIf(missing !== undefined)(
  `a commit that does not wait for the disk is found out by it (${missing ?? 'by strace'})`,
  { timeout: 120_000 + CUTS * 1_000 },
  () => {
    expect(cutAll('normal').lost).toBeGreaterThan(0);
  },
);

import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { until } from '../support/until.ts';
import { entryOf, legOf } from './entries.ts';
import { type OpenedRecorder, recorderIn, temporaryFolder } from './temporary.ts';

const mounted: string[] = [];
const opened: OpenedRecorder[] = [];

/** A small disk of its own; undefined where we may not mount one. */
function smallDisk(size = '1m'): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  mounted.push(folder);
  return folder;
}

function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder]);
}

/** Somebody else's file takes all there is. */
function fill(path: string): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4_096), { flag: 'a' });
  } catch {
    // full
  }
}

/** Legs by state, as a journal had them when it was opened. */
function countsOf({ recorder }: OpenedRecorder): Record<string, number> {
  return Object.fromEntries(recorder.committed.legs.map(({ state, count }) => [state, count]));
}

/** The same, of what a recorder was told about its entries. */
function countsIn({ outcomes }: OpenedRecorder): Record<string, number> {
  const all = [...outcomes.byId.values()];
  const paired = all.filter((outcome) => outcome === 'paired').length;
  return { paired, journal_dropped: all.length - paired };
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ recorder }) => recorder.close()));
  for (const folder of mounted.splice(0)) execFileSync('umount', [folder]);
});

let seq = 0;
async function recordSome({ recorder, outcomes }: OpenedRecorder, count = 20): Promise<string[]> {
  const entries = Array.from({ length: count }, () => {
    seq += 1;
    return entryOf(seq, { json: JSON.stringify({ seq, pad: 'x'.repeat(500) }) });
  });
  for (const entry of entries) recorder.record(entry);
  await until('settled', () => entries.every(({ id }) => outcomes.byId.has(id)));
  return entries.map(({ id }) => outcomes.byId.get(id) ?? '');
}

const canMount = smallDisk() !== undefined;
const skipped = 'mounting a small disk needs root';

test.skipIf(!canMount)(
  `a disk that others fill: drops are counted, recording resumes with space, the counts too (${skipped})`,
  async () => {
    const disk = smallDisk() ?? '';
    const dataDir = join(disk, 'data');
    const own = await recorderIn(dataDir);
    opened.push(own);
    expect((await recordSome(own))[0]).toBe('paired');
    fill(join(disk, 'ballast'));
    for (let round = 0; round < 5; round++) {
      const outcomes = await recordSome(own);
      expect(outcomes.filter((outcome) => outcome === 'paired')).toEqual([]);
    }
    own.recorder.count(legOf(), 'shed', 'queue_age', 5);
    rmSync(join(disk, 'ballast'));
    await until('resumed', async () => (await recordSome(own)).includes('paired'));
    await own.recorder.close();
    const next = await recorderIn(dataDir);
    opened.push(next);
    expect(countsOf(next)).toEqual({ ...countsIn(own), shed: 5 });
    expect(own.outcomes.repeated).toEqual([]);
  },
);

test.skipIf(!canMount)(`a disk that is full at start, then not (${skipped})`, async () => {
  const disk = smallDisk() ?? '';
  fill(join(disk, 'ballast'));
  const own = await recorderIn(join(disk, 'data'));
  opened.push(own);
  expect(own.recorder.status()).toMatchObject({ state: 'failing', error: 'UND_JOURNAL_DISK' });
  expect(await recordSome(own)).toEqual(Array(20).fill('journal_dropped(disk)'));
  expect(own.log.lines.join('\n')).toMatch(/Not recording/);
  rmSync(join(disk, 'ballast'));
  await until('resumed', async () => (await recordSome(own)).includes('paired'));
  expect(own.recorder.status()).toMatchObject({ state: 'recording', error: '' });
});

test.skipIf(!canMount)(`a disk that is read-only at start, then not (${skipped})`, async () => {
  const disk = smallDisk() ?? '';
  remount(disk, 'ro');
  const own = await recorderIn(join(disk, 'data'));
  opened.push(own);
  expect(own.recorder.status()).toMatchObject({ state: 'failing', error: 'UND_JOURNAL_DISK' });
  expect(await recordSome(own)).toEqual(Array(20).fill('journal_dropped(disk)'));
  remount(disk, 'rw');
  await until('resumed', async () => (await recordSome(own)).includes('paired'));
  expect(own.recorder.status()).toMatchObject({ state: 'recording', error: '' });
});

test.skipIf(!canMount)(
  `a disk that the journal itself fills: pairs are refused in time, and taken again by themselves (${skipped})`,
  async () => {
    for (const count of [100, 500]) {
      const dataDir = join(smallDisk('2m') ?? '', 'data');
      // The journal's own cap is far away.
      const own = await recorderIn(dataDir);
      opened.push(own);
      let refused = 0;
      await until('refusals', async () => {
        refused += (await recordSome(own, count)).filter((o) => o !== 'paired').length;
        return refused > 0;
      });
      // A while longer: counts go on, and the disk is not filled by them.
      for (let round = 0; round < 20; round++) await recordSome(own);
      expect(own.recorder.status()).toMatchObject({ state: 'recording', error: '' });
      expect(own.outcomes.count('journal_dropped(disk)')).toBe(0);
      await own.recorder.close();
      // Pairs that are past retention leave, and their pages are used again, without a hand.
      const journal = { ...DEFAULTS.journal, retentionMs: 1 };
      const next = await recorderIn(dataDir, { journal });
      opened.push(next);
      expect(countsOf(next)).toEqual(countsIn(own));
      const before = own.outcomes.count('paired');
      await until('it takes in as much again', async () => {
        await recordSome(next, count);
        return next.outcomes.count('paired') > before;
      });
      expect(next.outcomes.count('journal_dropped(disk)')).toBe(0);
    }
  },
);

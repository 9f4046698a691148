import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { entryOf, legOf } from './entries.ts';
import { type OpenedRecorder, recorderIn, temporaryFolder } from './temporary.ts';

const mounted: string[] = [];
const opened: OpenedRecorder[] = [];

/** A small disk of its own; undefined where we may not mount one. */
function smallDisk(): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  mounted.push(folder);
  return folder;
}

function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder]);
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ recorder }) => recorder.close()));
  for (const folder of mounted.splice(0)) execFileSync('umount', [folder]);
});

let seq = 0;
async function recordSome({ recorder, outcomes }: OpenedRecorder): Promise<string[]> {
  const entries = Array.from({ length: 20 }, () => {
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
  `a full disk: drops are counted, recording resumes with space, the counts too (${skipped})`,
  async () => {
    const disk = smallDisk() ?? '';
    const dataDir = join(disk, 'data');
    const own = await recorderIn(dataDir);
    opened.push(own);
    expect((await recordSome(own))[0]).toBe('paired');
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(600_000));
    let outcomes: string[] = [];
    await until('full', async () => {
      outcomes = await recordSome(own);
      return outcomes.includes('journal_dropped(disk)');
    });
    expect(own.recorder.status()).toMatchObject({ state: 'failing', error: 'UND_JOURNAL_DISK' });
    own.recorder.count(legOf(), 'shed', 'queue_age', 5);
    rmSync(join(disk, 'ballast'));
    await until('resumed', async () => (await recordSome(own)).includes('paired'));
    expect(own.log.lines.join('\n')).toMatch(/Not recording/);
    await own.recorder.close();
    const next = await recorderIn(dataDir);
    opened.push(next);
    const found = new Map(next.recorder.committed.legs.map((leg) => [leg.state, leg.count]));
    expect(found.get('paired')).toBe(own.outcomes.count('paired'));
    expect(found.get('journal_dropped')).toBe(own.outcomes.count('journal_dropped(disk)'));
    expect(found.get('shed')).toBe(5);
    expect(own.outcomes.repeated).toEqual([]);
  },
);

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

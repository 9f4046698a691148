import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { Recorder } from '../../src/record/recorder-port.ts';
import { until } from '../support/until.ts';
import { EPOCH, entryOf, ledgerOf, legOf } from './entries.ts';
import { type OpenedRecorder, recorderIn, temporaryFolder } from './temporary.ts';

let seq = 0;
/** Hands over so many pairs and waits for their outcomes; what they were. */
async function recordSome({ recorder, outcomes }: OpenedRecorder, count = 20): Promise<string[]> {
  const entries = Array.from({ length: count }, () => {
    seq += 1;
    return entryOf(seq);
  });
  for (const entry of entries) recorder.record(entry);
  await until('settled', () => entries.every(({ id }) => outcomes.byId.has(id)));
  return entries.map(({ id }) => outcomes.byId.get(id) ?? '');
}

function committedOf(recorder: Recorder): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state, reason, count } of recorder.committed.legs) {
    const name = reason === '' ? state : `${state}(${reason})`;
    counts[name] = (counts[name] ?? 0) + count;
  }
  return counts;
}

/** What a journal holds, as the next mirror will find it. */
async function reopened(
  dataDir: string,
): Promise<{ counts: Record<string, number>; pairs: number }> {
  const { recorder } = await recorderIn(dataDir);
  const reader = JournalReader.open(dataDir);
  let pairs = 0;
  for (let last = 0; ; ) {
    const page = reader.pairsAfter(last, 500);
    pairs += page.length;
    const end = page.at(-1);
    if (end === undefined) break;
    last = end.seq;
  }
  reader.close();
  const counts = committedOf(recorder);
  await recorder.close();
  return { counts, pairs };
}

describe('a recorder', () => {
  test('answers each entry once, when it is on disk, and keeps counts and ledgers', async () => {
    const dataDir = temporaryFolder();
    const opened = await recorderIn(dataDir);
    const { recorder, outcomes } = opened;
    expect(recorder.committed).toEqual({ legs: [], epochs: [] });
    for (let i = 0; i < 5; i += 1) await recordSome(opened, 700);
    recorder.count(legOf(), 'shed', 'in_flight', 4);
    recorder.ledger(ledgerOf(9));
    await recorder.close();
    expect(outcomes.repeated).toEqual([]);
    expect(outcomes.count('paired')).toBe(3_500);
    expect(recorder.status()).toMatchObject({ committedPairs: 3_500, pendingBytes: 0 });
    const next = await recorderIn(dataDir);
    expect(committedOf(next.recorder)).toEqual({ paired: 3_500, 'shed(in_flight)': 4 });
    expect(next.recorder.committed.epochs).toMatchObject([{ epoch: EPOCH, offered: 9 }]);
    expect(statSync(dataDir).isDirectory()).toBe(true);
  });

  test('out of credit drops at once, counted, and takes again what fits', async () => {
    const dataDir = temporaryFolder();
    const journal = { ...DEFAULTS.journal, maxPendingBytes: 10_000 };
    const opened = await recorderIn(dataDir, { journal });
    const outcomes = await recordSome(opened, 200);
    const stalled = outcomes.filter((outcome) => outcome === 'journal_dropped(recorder_stalled)');
    expect(stalled.length).toBeGreaterThan(100);
    expect(opened.outcomes.count('paired')).toBe(200 - stalled.length);
    expect(await recordSome(opened, 5)).toEqual(Array(5).fill('paired'));
    await opened.recorder.close();
    const { counts, pairs } = await reopened(dataDir);
    expect(counts).toEqual({
      paired: pairs,
      'journal_dropped(recorder_stalled)': stalled.length,
    });
    expect(opened.outcomes.repeated).toEqual([]);
  });

  test('after its end drops as recorder_down', async () => {
    const opened = await recorderIn(temporaryFolder());
    await opened.recorder.close();
    expect(await recordSome(opened, 1)).toEqual(['journal_dropped(recorder_down)']);
  });
});

describe('a folder that another instance owns', () => {
  test('is left alone: the second says so, drops, and records once the first ends', async () => {
    const dataDir = temporaryFolder();
    const first = await recorderIn(dataDir);
    expect(await recordSome(first, 3)).toEqual(Array(3).fill('paired'));
    const second = await recorderIn(dataDir);
    expect(second.recorder.status()).toMatchObject({
      state: 'locked',
      error: 'UND_JOURNAL_LOCKED',
    });
    expect(second.log.lines.join('\n')).toContain(dataDir);
    expect(await recordSome(second, 2)).toEqual(Array(2).fill('journal_dropped(recorder_down)'));
    expect(await recordSome(first, 3)).toEqual(Array(3).fill('paired'));
    await first.recorder.close();
    await until('healed', () => second.recorder.status().state === 'recording');
    expect(await recordSome(second, 2)).toEqual(Array(2).fill('paired'));
    await second.recorder.close();
    const { counts, pairs } = await reopened(dataDir);
    expect(pairs).toBe(8);
    expect(counts).toEqual({ paired: 8, 'journal_dropped(recorder_down)': 2 });
  });
});

describe('a journal that is', () => {
  const broken: [what: string, how: (path: string) => void, quarantined: number][] = [
    ['removed', (path) => rmSync(path), 0],
    [
      'removed with its WAL',
      (path) => [path, `${path}-wal`].forEach((file) => void rmSync(file)),
      0,
    ],
    ['renamed', (path) => renameSync(path, `${path}.elsewhere`), 0],
    [
      'replaced by a folder',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      1,
    ],
  ];
  for (const [what, how, quarantined] of broken) {
    test(`${what} while it is open is begun anew, and nothing acknowledged later is lost`, async () => {
      const dataDir = temporaryFolder();
      const opened = await recorderIn(dataDir);
      await recordSome(opened);
      how(journalPath(dataDir));
      expect(await recordSome(opened)).toEqual(Array(20).fill('paired'));
      expect(opened.recorder.status()).toMatchObject({ state: 'recording', quarantined });
      await opened.recorder.close();
      expect(await reopened(dataDir)).toEqual({ counts: { paired: 20 }, pairs: 20 });
    });
  }

  test('overwritten while it is open is set aside, and recording goes on', async () => {
    const dataDir = temporaryFolder();
    const opened = await recorderIn(dataDir);
    for (let i = 0; i < 10; i += 1) await recordSome(opened, 500);
    damage(journalPath(dataDir), 2);
    truncateSync(`${journalPath(dataDir)}-wal`, 0);
    await until('noticed', async () => {
      await recordSome(opened);
      return opened.recorder.status().quarantined === 1;
    });
    expect(await recordSome(opened)).toEqual(Array(20).fill('paired'));
    expect(opened.log.lines.join('\n')).toContain('UND_JOURNAL_CORRUPT');
    const aside = readdirSync(dataDir).filter((name) => name.includes('.quarantined-'));
    expect(aside.length).toBeGreaterThan(0);
    const acknowledged = opened.outcomes.count('paired');
    await opened.recorder.close();
    const { counts, pairs } = await reopened(dataDir);
    expect(counts.paired).toBe(pairs);
    expect(pairs).toBeLessThan(acknowledged);
  });

  const foundBroken: [what: string, how: (path: string) => void][] = [
    [
      'garbage',
      (path) => writeFileSync(path, 'not a database, but long enough to be one'.repeat(99)),
    ],
    ['damaged', (path) => damage(path, 1)],
    ['cut', (path) => truncateSync(path, 6_000)],
    ['of something else', (path) => makeOther(path)],
  ];
  for (const [what, how] of foundBroken) {
    test(`${what} at start is set aside, and a new one begun`, async () => {
      const dataDir = temporaryFolder();
      const before = await recorderIn(dataDir);
      await recordSome(before, 2_000);
      await before.recorder.close();
      how(journalPath(dataDir));
      const opened = await recorderIn(dataDir);
      expect(await recordSome(opened)).toEqual(Array(20).fill('paired'));
      await until('said', () => opened.recorder.status().quarantined === 1);
      await opened.recorder.close();
      expect(await reopened(dataDir)).toEqual({ counts: { paired: 20 }, pairs: 20 });
    });
  }
});

test('an orderly end is no fault, also where word of it and the end itself arrive together', async () => {
  for (let i = 0; i < 5; i++) {
    const { recorder, log } = await recorderIn(temporaryFolder());
    const closed = recorder.close();
    // The thread is told to close within these turns, and has ended long before this one looks again.
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    await closed;
    expect(log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(recorder.status().restarts).toBe(0);
  }
});

describe('a recorder thread that dies', () => {
  const recorderEntry = new URL('dying-recorder.ts', import.meta.url);

  test('before it wrote: its entries are recorder_down, their counts kept, and a new one goes on', async () => {
    const dataDir = temporaryFolder();
    const opened = await recorderIn(dataDir, { recorderEntry });
    const { recorder, outcomes, log } = opened;
    await recordSome(opened);
    recorder.count(legOf(), 'shed', 'in_flight', 4);
    recorder.record(entryOf(1_000_001, { json: '"die-before"' }));
    await until('noticed', () => outcomes.byId.size === 21);
    expect(outcomes.count('journal_dropped(recorder_down)')).toBe(1);
    await until('back', () => recorder.status().state === 'recording');
    expect(await recordSome(opened)).toEqual(Array(20).fill('paired'));
    expect(recorder.status().restarts).toBe(1);
    expect(log.lines.join('\n')).toContain('UND_RECORDER_DOWN');
    await recorder.close();
    expect(await reopened(dataDir)).toEqual({
      counts: { paired: 40, 'journal_dropped(recorder_down)': 1, 'shed(in_flight)': 4 },
      pairs: 40,
    });
    expect(outcomes.repeated).toEqual([]);
  });

  test('after its commit: what it had written counts as recorded, once', async () => {
    const dataDir = temporaryFolder();
    const opened = await recorderIn(dataDir, { recorderEntry });
    const { recorder, outcomes } = opened;
    await recordSome(opened);
    recorder.count(legOf(), 'shed', 'in_flight', 4);
    const twin = entryOf(1_000_003, { json: '"die-after"' });
    recorder.record(twin);
    recorder.record({ ...twin, json: '"other bytes"' });
    await until('answered', () => outcomes.repeated.length === 1);
    expect(outcomes.byId.get(twin.id)).toBe('journal_dropped(id_conflict)');
    expect(await recordSome(opened)).toEqual(Array(20).fill('paired'));
    await recorder.close();
    expect(await reopened(dataDir)).toEqual({
      counts: { paired: 41, 'journal_dropped(id_conflict)': 1, 'shed(in_flight)': 4 },
      pairs: 41,
    });
  });
});

/** Overwrites pages from the given one on. */
function damage(path: string, page: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(4096 * 12, 0x5a), 0, 4096 * 12, 4096 * page);
  closeSync(file);
}

function makeOther(path: string): void {
  rmSync(path);
  execFileSync(process.execPath, [
    '-e',
    `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)}).exec('CREATE TABLE t (x)')`,
  ]);
}

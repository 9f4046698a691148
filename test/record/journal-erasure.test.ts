/** Erasing a key: rows, counts, and the bytes of the files themselves. */
import { readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { readDepartures } from '../../src/record/journal/departures.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { cutWal, fillFreePages } from '../../src/record/journal/journal-erasure.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { findTraces } from '../../src/record/journal/key-traces.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import { writeWatermark } from '../../src/record/journal/watermark-file.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const OPTIONS = {
  maxBytes: 2 ** 26,
  whenFull: 'drop_newest',
  retentionMs: 3_600_000,
  maxAgeMs: 0,
  outbox: true,
} as const;
const KEY = 'hmac:0123456789abcdef0123456789abcdef';
const MARK = 'something-that-only-this-entity-has';
const NOW_MS = Date.parse('2026-11-26T00:00:00Z');

let number = 0;

/** Every tenth pair is of the key, of those below 10,000. */
function journalOf(count: number, bytes = 1_000, isAnalysed = false) {
  const folder = temporaryFolder();
  const journal = new Journal(journalPath(folder), {
    ...OPTIONS,
    ...(isAnalysed ? { analysisDir: folder } : {}),
  });
  let isClosed = false;
  const close = (): void => {
    if (!isClosed) journal.close();
    isClosed = true;
  };
  onTestFinished(close);
  const write = (from: number, to: number, timeMs = NOW_MS): void => {
    const entries = Array.from({ length: to - from }, (_, i) => {
      const seq = from + i;
      const isOurs = seq % 10 === 0 && seq < 10_000;
      const json = {
        seq,
        key: isOurs ? KEY : `k${seq}`,
        mark: isOurs ? MARK : '',
        pad: 'x'.repeat(bytes),
      };
      return entryOf(seq, { key: json.key, timeMs, json: JSON.stringify(json) });
    });
    number += 1;
    journal.commit({ session: 's', number, entries, counts: [], ledgers: [] }, [], timeMs);
  };
  for (let from = 1; from <= count; from += 100) write(from, Math.min(from + 100, count + 1));
  return { folder, journal, write, close };
}

function heldIn(folder: string): string {
  const reader = JournalReader.open(folder);
  const held = [...selectPairs(reader, {})].flat();
  reader.close();
  return held.map(({ json }) => json).join('\n');
}

function bytesOf(folder: string): string {
  return ['', '-wal'].map((name) => readFileSync(journalPath(folder) + name, 'latin1')).join('');
}

/** All steps, each followed by what others do meanwhile. */
function eraseAll(journal: Journal, meanwhile: () => void = () => undefined): number {
  let erased = 0;
  for (const pairs of journal.erase(KEY)) {
    erased = pairs;
    meanwhile();
  }
  return erased;
}

test('its pairs, their place in the outbox and their bytes are gone; the others and the counts stay', () => {
  const { folder, journal } = journalOf(1_000, 1_000, true);
  const generation = journal.generation;
  const dead = [{ seq: 10, id: 'x', code: 'UND_KAFKA_RECORD_TOO_LARGE' as const }];
  const other = entryOf(20, { json: JSON.stringify({ mark: MARK, other: true }) });
  const batch = { session: 's', number: 0, entries: [other], counts: [], ledgers: [] };
  journal.commit(batch, [{ generation, number: 1, published: [1, 20], dead }], NOW_MS);
  writeWatermark(folder, { generation, seq: 500 });
  expect(bytesOf(folder).includes(MARK)).toBe(true);
  expect(eraseAll(journal)).toBe(100);
  expect(heldIn(folder).split('\n')).toHaveLength(900);
  expect(heldIn(folder).includes(KEY)).toBe(false);
  expect(journal.lag).toBe(1_000 - 1 - 100);
  expect(journal.books().legs.find(({ state }) => state === 'paired')?.count).toBe(1_000);
  const db = new DatabaseSync(journalPath(folder), { readOnly: true });
  expect(readDepartures(db).erased).toEqual({ count: 100, unpublished: 98, unanalysed: 50 });
  db.close();
  for (const text of [KEY, MARK]) expect(bytesOf(folder).includes(text)).toBe(false);
  expect(findTraces(folder, KEY)).toEqual([]);
});

test('where the analysis has not begun with this journal, none of the erased pairs was analysed', () => {
  const { folder, journal } = journalOf(100, 1_000, true);
  writeWatermark(folder, { generation: 'another', seq: 5_000 });
  eraseAll(journal);
  const db = new DatabaseSync(journalPath(folder), { readOnly: true });
  onTestFinished(() => db.close());
  expect(readDepartures(db).erased.unanalysed).toBe(10);
});

test('where nobody analyses, nothing waited for it', () => {
  const { folder, journal } = journalOf(100);
  eraseAll(journal);
  const db = new DatabaseSync(journalPath(folder), { readOnly: true });
  onTestFinished(() => db.close());
  expect(readDepartures(db).erased).toEqual({ count: 10, unpublished: 10, unanalysed: 0 });
});

test('pairs that had left by themselves, and stand in free pages yet, are overwritten, too', () => {
  const { folder, journal, write } = journalOf(2_000, 3_000);
  const published = Array.from({ length: 2_000 }, (_, i) => i + 1);
  const confirmation = { generation: journal.generation, number: 1, published, dead: [] };
  const later = NOW_MS + 2 * OPTIONS.retentionMs;
  journal.commit(
    { session: 's', number: 0, entries: [], counts: [], ledgers: [] },
    [confirmation],
    later,
  );
  for (let i = 0; i < 25; i += 1) write(10_001 + 9 * i, 10_009 + 9 * i, later);
  expect(heldIn(folder).includes(MARK)).toBe(false);
  journal.commit({ session: 's', number: 0, entries: [], counts: [], ledgers: [] }, [], later);
  expect(bytesOf(folder).includes(MARK)).toBe(true);
  const before = journal.fileBytes;
  eraseAll(journal);
  expect(bytesOf(folder).includes(MARK)).toBe(false);
  expect(journal.fileBytes).toBeLessThanOrEqual(before + 64 * 1_024);
});

test('what has filled the free pages is given back without a WAL of that size', () => {
  const path = `${temporaryFolder()}/db`;
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  db.exec('PRAGMA journal_mode = WAL; PRAGMA secure_delete = FAST; CREATE TABLE t (b BLOB)');
  const insert = db.prepare('INSERT INTO t VALUES (randomblob(1000000))');
  for (let i = 0; i < 16; i += 1) insert.run();
  db.exec('DELETE FROM t; PRAGMA secure_delete = ON');
  for (const _ of fillFreePages(db)) cutWal(db);
  expect(statSync(`${path}-wal`).size).toBeLessThan(2 ** 20);
  expect(db.prepare('PRAGMA secure_delete').get()).toEqual({ secure_delete: 1 });
});

test('free pages that were being filled are free again where it could not end', () => {
  const { folder, journal } = journalOf(1_000, 3_000);
  const reader = new DatabaseSync(journalPath(folder), { readOnly: true });
  const steps = journal.erase(KEY);
  steps.next();
  steps.next();
  steps.return(0);
  const row = reader
    .prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'filling'")
    .get();
  reader.close();
  expect(row).toEqual({ n: 0 });
});

test('recording goes on meanwhile, and what is filled with zeros is no lack of room', () => {
  const { folder, journal, write } = journalOf(3_000, 4_000);
  let seq = 100_001;
  const erased = eraseAll(journal, () => {
    write(seq, seq + 9);
    seq += 10;
  });
  expect(erased).toBe(300);
  const held = heldIn(folder).split('\n');
  expect(held.length).toBeGreaterThan(2_700);
  const counted = journal.books().legs.find(({ state }) => state === 'journal_dropped');
  expect(counted).toBeUndefined();
  expect(bytesOf(folder).includes(MARK)).toBe(false);
});

test('a reader in the WAL is waited for, and then said to keep traces', () => {
  const { folder, journal } = journalOf(100);
  const reader = new DatabaseSync(journalPath(folder), { readOnly: true });
  const rows = reader.prepare('SELECT * FROM pairs').iterate();
  rows.next();
  let steps = 0;
  const count = (): void => {
    steps += 1;
  };
  expect(() => eraseAll(journal, count)).toThrow(/reader keeps/);
  expect(steps).toBeGreaterThan(50);
  expect(heldIn(folder).includes(MARK)).toBe(false);
  expect(findTraces(folder, KEY)).not.toEqual([]);
  rows.return?.();
  reader.close();
  eraseAll(journal);
  expect(findTraces(folder, KEY)).toEqual([]);
});

test('killed between two steps it leaves a journal that opens, and the next erasure ends it', () => {
  const { folder, journal, close } = journalOf(2_000, 3_000);
  const steps = journal.erase(KEY);
  for (let i = 0; i < 2; i += 1) steps.next();
  close();
  const again = new Journal(journalPath(folder), OPTIONS);
  onTestFinished(() => again.close());
  eraseAll(again);
  expect(findTraces(folder, KEY)).toEqual([]);
  expect(heldIn(folder).split('\n')).toHaveLength(1_800);
});

/** Pairs that leave a journal unread are counted as missed, in a journal that follows another one, too. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { JournalSource } from '../../src/analysis/journal-source.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { backUp, separate } from '../../src/record/journal/journal-backup.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { salvageJournal } from '../../src/record/journal/journal-salvage.ts';
import { entryOf } from '../record/entries.ts';
import { tempFolder } from '../support/temp-folder.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-26T00:00:00Z');

/** Pairs, of which the first are two hours old and leave at the end, read or not. */
function write(
  folder: string,
  { old, fresh, after = 0 }: { old: number; fresh: number; after?: number },
): void {
  const options = { maxBytes: 2 ** 26, whenFull: 'drop_newest', retentionMs: HOUR_MS } as const;
  const path = journalPath(folder);
  const journal = new Journal(path, { ...options, maxAgeMs: HOUR_MS, outbox: false });
  const put = (from: number, count: number, timeMs: number): void => {
    const entries = Array.from({ length: count }, (_, i) => entryOf(from + i, { timeMs }));
    journal.commit({ session: 's', number: 0, entries, counts: [], ledgers: [] }, [], timeMs);
  };
  put(after + 1, old, NOW_MS - 2 * HOUR_MS);
  put(after + 1 + old, fresh, NOW_MS);
  put(0, 0, NOW_MS + 2_000);
  journal.close();
}

function readAll(source: JournalSource): number {
  let pairs = 0;
  for (;;) {
    const page = source.next();
    pairs += page.pairs.length;
    if (page.done) return pairs;
  }
}

function removeJournal(folder: string): void {
  for (const name of ['', '-wal', '-shm']) rmSync(journalPath(folder) + name, { force: true });
}

function openSource(folder: string, position = ''): JournalSource {
  return new JournalSource(JournalReader.open(folder), position);
}

test('of the first journal nothing is missed before its first page, also where it was empty for a while', () => {
  const folder = tempFolder();
  write(folder, { old: 0, fresh: 0 });
  const source = openSource(folder);
  expect(readAll(source)).toBe(0);
  write(folder, { old: 20, fresh: 5 });
  expect(readAll(source)).toBe(5);
  expect(source.missed).toBe(0);
});

test('of a journal that follows another one all is missed that left unread', () => {
  const folder = tempFolder();
  write(folder, { old: 0, fresh: 7 });
  const before = openSource(folder);
  expect(readAll(before)).toBe(7);
  removeJournal(folder);
  write(folder, { old: 300, fresh: 5 });
  const source = openSource(folder, before.position);
  expect(readAll(source)).toBe(5);
  expect(source.missed).toBe(300);
});

test('of a backup in the place of the other all is read again, what was recorded afterwards with it', async () => {
  const folder = tempFolder();
  write(folder, { old: 10, fresh: 5 });
  const copy = join(tempFolder(), 'copy');
  const db = new DatabaseSync(journalPath(folder));
  await backUp(db, copy);
  db.close();
  const copied = new DatabaseSync(copy);
  separate(copied);
  copied.close();
  // Further than the backup, which then goes on with the same sequences.
  write(folder, { old: 0, fresh: 9, after: 15 });
  const source = openSource(folder);
  expect(readAll(source)).toBe(14);
  removeJournal(folder);
  cpSync(copy, journalPath(folder));
  write(folder, { old: 0, fresh: 4, after: 100 });
  expect(readAll(source)).toBe(9);
  expect(source.missed).toBe(0);
});

test('a repaired journal in the place of the other has no gap at its beginning', () => {
  const folder = tempFolder();
  write(folder, { old: 30, fresh: 5 });
  const source = openSource(folder);
  expect(readAll(source)).toBe(5);
  const repaired = tempFolder();
  salvageJournal(journalPath(folder), journalPath(repaired));
  removeJournal(folder);
  cpSync(repaired, folder, { recursive: true });
  expect(readAll(source)).toBe(5);
  expect(source.missed).toBe(0);
});

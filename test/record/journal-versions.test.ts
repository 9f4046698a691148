/** Journals of every earlier schema version, as their own code wrote them: fixtures/journal-vN.db.gz. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { readDepartures } from '../../src/record/journal/departures.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath, SCHEMA_VERSION } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { entryOf, ledgerOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const OPTIONS = {
  maxBytes: 2 ** 26,
  whenFull: 'drop_newest',
  retentionMs: 86_400_000,
  maxAgeMs: 0,
  outbox: true,
} as const;
/** When its pairs were made. */
const NOW_MS = Date.parse('2026-11-23T12:00:00Z');

function frozen(version: number): string {
  const folder = temporaryFolder();
  const file = gunzipSync(readFileSync(join(FIXTURES, `journal-v${version}.db.gz`)));
  writeFileSync(journalPath(folder), file);
  return folder;
}

function pairsIn(folder: string): { seq: number; json: string }[] {
  const reader = JournalReader.open(folder);
  onTestFinished(() => reader.close());
  return reader.pairsAfter(0, 1_000);
}

test('there is a fixture of each version before the current one', () => {
  const earlier = Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => `journal-v${i + 1}.db.gz`);
  expect(readdirSync(FIXTURES).sort()).toEqual(earlier);
});

for (let version = 1; version < SCHEMA_VERSION; version += 1) {
  test(`schema ${version}: its pairs can be read before it is upgraded`, () => {
    expect(pairsIn(frozen(version))).toHaveLength(25);
  });

  test(`schema ${version}: opens with all it held, and goes on`, () => {
    const folder = frozen(version);
    const before = pairsIn(folder);
    const journal = new Journal(journalPath(folder), OPTIONS);
    onTestFinished(() => journal.close());
    expect(pairsIn(folder)).toEqual(before);
    expect(before[0]?.json).toBe(entryOf(1).json);
    const { legs, epochs } = journal.books();
    const counts = legs.map(({ state, count }) => [state, count]);
    expect(Object.fromEntries(counts)).toEqual({
      paired: 20,
      candidate_timeout: 5,
      shed: 7,
      journal_dropped: 1,
    });
    expect(epochs).toMatchObject([{ offered: 32, foldedBefore: 0, noted: [], unreportedMs: null }]);
    expect(epochs[0]?.configured).toEqual(version === 1 ? null : ['new|score']);
    expect(journal.lag).toBe(14);
    expect(journal.deadLetters).toBe(1);
    expect(journal.recent('frozen', 2)).toEqual([[0, 'id_conflict']]);
    const batch = { session: 's', number: 1, counts: [], ledgers: [ledgerOf(33)] };
    const entries = [entryOf(26, { timeMs: NOW_MS })];
    expect(journal.commit({ ...batch, entries }, [], NOW_MS)).toEqual([]);
    expect(journal.books().epochs[0]?.configured).toEqual(['new|score']);
    expect(pairsIn(folder)).toHaveLength(26);
  });

  test(`schema ${version}: what has left it adds up from then on`, () => {
    const folder = frozen(version);
    new Journal(journalPath(folder), OPTIONS).close();
    const db = new DatabaseSync(journalPath(folder), { readOnly: true });
    onTestFinished(() => db.close());
    // A record that came twice had taken a sequence: that version's gap.
    expect(readDepartures(db)).toMatchObject({ earlier: { count: 1 }, expired: { count: 0 } });
  });
}

test('a journal of a newer version is refused, and not touched', () => {
  const folder = frozen(SCHEMA_VERSION - 1);
  const db = new DatabaseSync(journalPath(folder));
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  db.close();
  const before = readFileSync(journalPath(folder));
  expect(() => new Journal(journalPath(folder), OPTIONS)).toThrow(/update, or move/);
  expect(() => pairsIn(folder)).toThrow(/update, or move/);
  expect(readFileSync(journalPath(folder)).equals(before)).toBe(true);
});

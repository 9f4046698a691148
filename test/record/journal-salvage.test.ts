/** Repair: what is read of damaged journals is what was recorded, and what is lost is counted. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { type Salvage, salvageJournal } from '../../src/record/journal/journal-salvage.ts';
import { summariseJournal } from '../../src/record/journal/journal-summary.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import { pairOf } from '../analysis/pairs.ts';
import { entryOf, ledgerOf, legOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const OPTIONS = {
  maxBytes: 2 ** 26,
  whenFull: 'drop_newest',
  retentionMs: 1e12,
  maxAgeMs: 0,
  outbox: true,
} as const;
const COUNT = 400;
const PAGE = 4_096;

/** Closed; some pairs are larger than a page. The first 100 are published. */
function journalOf(): { path: string; records: Map<number, string> } {
  const path = journalPath(temporaryFolder());
  const journal = new Journal(path, OPTIONS);
  const records = new Map<number, string>();
  const entries = Array.from({ length: COUNT }, (_, i) => {
    const seq = i + 1;
    const id = `${legOf().epoch}.${seq}/new`;
    const pad = 'x'.repeat(seq % 50 === 0 ? 9_000 : 300);
    const pair = { ...pairOf({ seq }), id, epoch: legOf().epoch, pad };
    const json = JSON.stringify({ ...pair, candidate: { ...pair.candidate, name: 'new' } });
    records.set(seq, json);
    return entryOf(seq, { json, timeMs: Date.now() + seq + 0.5 });
  });
  const counts = [{ ...legOf(), state: 'shed' as const, reason: 'in_flight', count: 9 }];
  journal.commit(
    { session: 's', number: 1, entries, counts, ledgers: [ledgerOf(COUNT + 9)] },
    [],
    Date.now(),
  );
  const published = Array.from({ length: 100 }, (_, i) => i + 1);
  const confirmation = { generation: journal.generation, number: 1, published, dead: [] };
  journal.commit(
    { session: 's', number: 2, entries: [], counts: [], ledgers: [] },
    [confirmation],
    Date.now(),
  );
  journal.close();
  return { path, records };
}

function salvaged(path: string): { salvage: Salvage; folder: string; pairs: Map<number, string> } {
  const folder = temporaryFolder();
  const before = readFileSync(path);
  const salvage = salvageJournal(path, journalPath(folder));
  expect(readFileSync(path).equals(before), 'the damaged one stays as it is').toBe(true);
  const reader = JournalReader.open(folder);
  const pairs = new Map([...selectPairs(reader, {})].flat().map(({ seq, json }) => [seq, json]));
  reader.close();
  expect(pairs.size).toBe(salvage.pairs);
  expect(existsSync(`${journalPath(folder)}.salvage`)).toBe(false);
  return { salvage, folder, pairs };
}

/** What a salvage may never do. */
function expectTrue(pairs: Map<number, string>, records: Map<number, string>): void {
  for (const [seq, json] of pairs) expect(json === records.get(seq), `sequence ${seq}`).toBe(true);
}

function spoil(path: string, page: number, bytes = PAGE): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(bytes, 0x5a), 0, bytes, PAGE * (page - 1));
  closeSync(file);
}

function rootOf(path: string, name: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name);
  db.close();
  return Number(row?.rootpage);
}

test('of a sound journal it reads all there is', () => {
  const { path, records } = journalOf();
  const { salvage, folder, pairs } = salvaged(path);
  expect(salvage).toMatchObject({ pairs: COUNT, carved: 0, lost: 0, spoilt: 0 });
  expect(new Set(Object.values(salvage.tables))).toEqual(new Set(['read']));
  expect(pairs).toEqual(records);
  const summary = summariseJournal(journalPath(folder));
  expect(summary).toMatchObject({ addsUp: true, outbox: { pairs: 300, firstSeq: 101 } });
  expect(summary.legs.map(({ state, legs }) => [state, legs]).sort()).toEqual([
    ['paired', COUNT],
    ['shed', 9],
  ]);
});

test('one spoilt page costs the pairs in it, and they are counted', () => {
  const { path, records } = journalOf();
  const before = readFileSync(path);
  const at = before.indexOf('"seq":201,');
  spoil(path, Math.floor(at / PAGE) + 1);
  const { salvage, folder, pairs } = salvaged(path);
  expectTrue(pairs, records);
  expect(salvage.lost).toBeGreaterThan(0);
  expect(salvage.lost).toBeLessThan(10);
  expect(salvage.pairs + (salvage.lost ?? 0)).toBe(COUNT);
  const summary = summariseJournal(journalPath(folder));
  expect(summary).toMatchObject({ addsUp: true, left: { damaged: { count: salvage.lost } } });
});

test('without the root of the pairs’ tree their bytes give all of them', () => {
  const { path, records } = journalOf();
  spoil(path, rootOf(path, 'pairs'));
  const { salvage, pairs } = salvaged(path);
  expect(pairs).toEqual(records);
  expect(salvage).toMatchObject({ pairs: COUNT, lost: 0, spoilt: 0 });
  expect(salvage.carved).toBeGreaterThan(0);
});

test('without its first page it is no database any more: pairs are read and counted anew', () => {
  const { path, records } = journalOf();
  spoil(path, 1);
  const { salvage, folder, pairs } = salvaged(path);
  expect(pairs).toEqual(records);
  expect(salvage).toMatchObject({ carved: COUNT, lost: null });
  expect(salvage.tables).toMatchObject({
    leg_counts: 'counted anew',
    epochs: 'lost',
    outbox: 'lost',
  });
  const { legs } = summariseJournal(journalPath(folder));
  expect(legs.reduce((sum, leg) => sum + leg.legs, 0)).toBe(COUNT);
  // Opened with Kafka, all of them are published again.
  const journal = new Journal(journalPath(folder), OPTIONS);
  onTestFinished(() => journal.close());
  expect(journal.lag).toBe(COUNT);
});

test('a salvaged journal goes on: sequences and sums, too', () => {
  const { path } = journalOf();
  spoil(path, rootOf(path, 'leg_counts'));
  const { salvage, folder } = salvaged(path);
  expect(salvage.tables.leg_counts).toBe('counted anew');
  const journal = new Journal(journalPath(folder), OPTIONS);
  onTestFinished(() => journal.close());
  const entries = [entryOf(10_000)];
  expect(
    journal.commit({ session: 't', number: 1, entries, counts: [], ledgers: [] }, [], Date.now()),
  ).toEqual([]);
  const summary = summariseJournal(journalPath(folder));
  expect(summary).toMatchObject({ addsUp: true, pairs: { lastSeq: COUNT + 1, held: COUNT + 1 } });
});

test('what stands in the WAL alone is read', () => {
  const folder = temporaryFolder();
  const journal = new Journal(journalPath(folder), OPTIONS);
  onTestFinished(() => journal.close());
  const entries = Array.from({ length: 20 }, (_, i) => entryOf(i + 1));
  journal.commit({ session: 's', number: 1, entries, counts: [], ledgers: [] }, [], Date.now());
  const copy = journalPath(temporaryFolder());
  for (const name of ['', '-wal']) copyFileSync(journalPath(folder) + name, copy + name);
  expect(statSync(copy).size).toBeLessThan(statSync(`${copy}-wal`).size);
  const { salvage, pairs } = salvaged(copy);
  expect(salvage).toMatchObject({ pairs: 20, lost: 0 });
  expect([...pairs.values()]).toEqual(entries.map(({ json }) => json));
});

test('garbage gives nothing, and says so', () => {
  const { path } = journalOf();
  truncateSync(path, 3 * PAGE);
  for (let page = 1; page <= 3; page += 1) spoil(path, page);
  expect(salvaged(path).salvage).toMatchObject({ pairs: 0, lost: null });
});

test('whatever is spoilt, it ends, and no pair is another than was recorded', () => {
  const { path, records } = journalOf();
  const size = statSync(path).size;
  const copy = join(temporaryFolder(), 'journal.db');
  const damage = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ at: fc.nat(size - 1), bytes: fc.integer({ min: 1, max: 9_000 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ at: fc.integer({ min: PAGE, max: size }), bytes: fc.constant(0) }),
    },
  );
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
      copyFileSync(path, copy);
      for (const { at, bytes } of damages) {
        if (bytes === 0) truncateSync(copy, at);
        const file = openSync(copy, 'r+');
        writeSync(file, Buffer.alloc(bytes, 0x5a), 0, bytes, at);
        closeSync(file);
      }
      const { pairs } = salvaged(copy);
      const altered = [...pairs].filter(([seq, json]) => json !== records.get(seq));
      // A byte inside a text may be another letter of a text that is still JSON: it has no sum of its own.
      for (const [, json] of altered) expect(json).toContain('Z');
    }),
    { numRuns: 25, seed: 20_261_126 },
  );
});

/** 3,000 recorded, of which the first 2,000 leave at the end, by retention, and stand in free pages; closed. */
function agedJournal(outbox: boolean): string {
  const path = journalPath(temporaryFolder());
  const journal = new Journal(path, { ...OPTIONS, retentionMs: 3_600_000, outbox });
  const now = Date.now();
  const write = (from: number, to: number, timeMs: number, at = now): void => {
    const entries = Array.from({ length: to - from }, (_, i) => {
      const id = `${legOf().epoch}.${from + i}/new`;
      return entryOf(from + i, { timeMs, json: JSON.stringify({ id, pad: 'x'.repeat(300) }) });
    });
    journal.commit({ session: 's', number: 0, entries, counts: [], ledgers: [] }, [], at);
  };
  const old = now - 7_200_000;
  write(1, 2_001, old, old);
  write(2_001, 2_801, now, old);
  for (let from = 2_801; from <= 3_000; from += 10) write(from, from + 10, now);
  journal.close();
  return path;
}

/** Of the live tree: from the left, or from the middle. */
function leafOf(path: string, seq: number): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare('SELECT json FROM pairs WHERE seq = ?').get(seq);
  db.close();
  return Math.floor(readFileSync(path).indexOf(String(row?.json)) / PAGE) + 1;
}

test.each([
  ['in the middle', (path: string) => leafOf(path, 2_500)],
  ['the first one', (path: string) => leafOf(path, firstOf(path))],
])('pairs that had left stay away where a leaf is spoilt: %s', (_, find) => {
  const path = agedJournal(false);
  const first = firstOf(path);
  expect(first).toBe(2_001);
  spoil(path, find(path));
  const { salvage, folder, pairs } = salvaged(path);
  expect(Math.min(...pairs.keys())).toBeGreaterThanOrEqual(first);
  expect(salvage.lost).toBeGreaterThan(0);
  expect(salvage.lost).toBeLessThan(30);
  expect(summariseJournal(journalPath(folder)).addsUp).toBe(true);
});

test('where the tree gives nothing, the counts say how many had left, and nobody claims that none is lost', () => {
  const path = agedJournal(false);
  const live = 3_001 - firstOf(path);
  spoil(path, rootOf(path, 'pairs'));
  const { salvage, folder } = salvaged(path);
  expect(salvage).toMatchObject({ pairs: live, lost: null });
  expect(summariseJournal(journalPath(folder)).addsUp).toBe(true);
});

test('where Kafka was off, the pairs since then are still known for unpublished', () => {
  const path = agedJournal(false);
  const { folder, pairs } = salvaged(path);
  const journal = new Journal(journalPath(folder), { ...OPTIONS, retentionMs: 3_600_000 });
  onTestFinished(() => journal.close());
  expect(journal.lag).toBe(pairs.size);
});

function firstOf(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare('SELECT min(seq) AS seq FROM pairs').get();
  db.close();
  return Number(row?.seq);
}

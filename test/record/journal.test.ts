import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Journal } from '../../src/record/journal/journal.ts';
import type { DroppedEntry, JournalBatch } from '../../src/record/journal/journal-batch.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { RoomOptions } from '../../src/record/journal/journal-room.ts';
import { EPOCH, entryOf, ledgerOf, legOf } from './entries.ts';

const HOUR_MS = 3_600_000;
const MiB = 2 ** 20;
const OPTIONS: RoomOptions = {
  maxBytes: 64 * MiB,
  retentionMs: 24 * HOUR_MS,
  maxAgeMs: 0,
  whenFull: 'drop_newest' as const,
  outbox: true,
};

let folder: string;
let open: Journal[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-journal-'));
});
afterEach(() => {
  for (const journal of open) journal.close();
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

function openJournal(options: Partial<RoomOptions> = {}): Journal {
  const journal = new Journal(journalPath(folder), { ...OPTIONS, ...options });
  open.push(journal);
  return journal;
}

let number = 0;
function batchOf(parts: Partial<JournalBatch>): JournalBatch {
  number += 1;
  return { session: 's', number, entries: [], counts: [], ledgers: [], ...parts };
}

function commit(
  journal: Journal,
  parts: Partial<JournalBatch>,
  now = Date.now(),
): readonly DroppedEntry[] {
  return journal.commit(batchOf(parts), [], now);
}

function counted(journal: Journal, state: string): number {
  const legs = journal.books().legs.filter((cell) => cell.state === state);
  return legs.reduce((sum, cell) => sum + cell.count, 0);
}

function stored(): { seq: number; json: string }[] {
  const reader = JournalReader.open(folder);
  try {
    return reader.pairsAfter(0, 10_000);
  } finally {
    reader.close();
  }
}

describe('a commit', () => {
  test('keeps each record byte for byte, in the order of recording', () => {
    const journal = openJournal();
    const entries = [3, 1, 2].map((seq) => entryOf(seq));
    expect(commit(journal, { entries })).toEqual([]);
    expect(stored().map(({ json }) => json)).toEqual(entries.map(({ json }) => json));
  });

  test('counts the legs of its pairs, and the legs without pairs, in the same transaction', () => {
    const journal = openJournal();
    const counts = [{ ...legOf(), state: 'shed' as const, reason: 'in_flight', count: 7 }];
    commit(journal, { entries: [entryOf(1), entryOf(2, { state: 'candidate_timeout' })], counts });
    expect(counted(journal, 'paired')).toBe(1);
    expect(counted(journal, 'candidate_timeout')).toBe(1);
    expect(counted(journal, 'shed')).toBe(7);
  });

  test('replaces the ledger of an epoch, and adds the cells of a later one', () => {
    const journal = openJournal();
    commit(journal, { ledgers: [ledgerOf(5)] });
    commit(journal, { ledgers: [ledgerOf(9, { state: 'clean' })] });
    expect(journal.books().epochs).toMatchObject([{ epoch: EPOCH, offered: 9, state: 'clean' }]);
    const cells = journal.books().epochs[0]?.cells ?? [];
    expect(cells.map(({ state, count }) => [state, count]).sort()).toEqual([
      ['offered', 9],
      ['seen', 9],
    ]);
  });

  test('forgets cells that a later ledger of the epoch has no more, also after it was opened again', () => {
    // An end without a farewell adds cells where the mirror saw the exchanges; the gateway's hello replaces them.
    const extra = { route: 'score', hour: 490_001, sizeClass: 'le_1k', reason: '' } as const;
    const raised = ledgerOf(5, { state: 'unclean' });
    const withExtra = {
      ...raised,
      offered: 7,
      cells: [...raised.cells, { ...extra, state: 'offered' as const, count: 2 }],
    };
    for (const state of ['live', 'unclean'] as const) {
      for (const reopens of [false, true]) {
        let journal = openJournal();
        commit(journal, { ledgers: [{ ...withExtra, state }] });
        if (reopens) {
          journal.close();
          open.pop();
          journal = openJournal();
        }
        commit(journal, { ledgers: [ledgerOf(7)] });
        const [epoch] = journal.books().epochs;
        const offered = epoch?.cells.filter((cell) => cell.state === 'offered') ?? [];
        expect(offered.map(({ hour, count }) => [hour, count])).toEqual([[490_000, 7]]);
        commit(journal, { ledgers: [ledgerOf(8)] });
        expect(journal.books().epochs[0]?.cells).toHaveLength(2);
      }
    }
  });

  test('folds exchanges and legs of old hours when the gateway has, and keeps every sum', () => {
    const journal = openJournal();
    const legs = [489_998, 489_999, 490_000].map((hour) => ({ ...legOf(), hour }));
    const counts = legs.map((leg) => ({ ...leg, state: 'paired' as const, reason: '', count: 2 }));
    const cell = { route: 'score', sizeClass: 'le_1k', state: 'offered', reason: '' } as const;
    const hours = legs.map(({ hour }) => ({ ...cell, hour, count: 2 }));
    commit(journal, { counts, ledgers: [ledgerOf(6, { cells: hours })] });
    const older = { ...cell, hour: 0, count: 5 };
    const folded = { whole: false, foldedBefore: 490_000 };
    // One more leg of a folded hour in the same transaction: counted as an older one.
    const late = counts.slice(0, 1).map((count) => ({ ...count, count: 1 }));
    const gone = { ...cell, hour: 489_998, count: 0 };
    commit(journal, { counts: late, ledgers: [ledgerOf(7, { ...folded, cells: [older, gone] })] });
    const books = journal.books();
    const byHour = (cells: readonly { hour: number; count: number }[]) =>
      cells.map(({ hour, count }) => [hour, count]).sort();
    expect(byHour(books.legs)).toEqual([
      [0, 5],
      [490_000, 2],
    ]);
    expect(byHour(books.epochs[0]?.cells ?? [])).toEqual([
      [0, 5],
      [490_000, 2],
    ]);
    commit(journal, { counts: late });
    expect(counted(journal, 'paired')).toBe(8);
    expect(byHour(journal.books().legs)).toContainEqual([0, 6]);
  });

  test('takes changes of a ledger only where it has the rest', () => {
    const journal = openJournal();
    commit(journal, { ledgers: [ledgerOf(3, { whole: false })] });
    expect(journal.books().epochs).toEqual([]);
  });

  test('notes who gets copies from now on, for epochs that may go on', () => {
    const journal = openJournal();
    const ended = ledgerOf(3, { epoch: 'ended', state: 'clean' });
    commit(journal, { ledgers: [ledgerOf(3), ended] });
    journal.noteConfigured(['b|score']);
    journal.noteConfigured(['c|score', 'b|score']);
    const noted = () => journal.books().epochs.map((ledger) => [ledger.epoch, ledger.noted]);
    expect(noted()).toEqual([
      [EPOCH, ['b|score', 'c|score']],
      ['ended', []],
    ]);
    commit(journal, { ledgers: [ledgerOf(4)] });
    expect(noted()).toContainEqual([EPOCH, []]);
  });

  test('writes nothing at all when one part of it fails', () => {
    const journal = openJournal();
    // NaN is stored as NULL: refused, after the first ledger was written.
    const broken = ledgerOf(1, { epoch: 'another', receivedAtMs: Number.NaN });
    const ledgers = [ledgerOf(1), broken];
    expect(() => commit(journal, { entries: [entryOf(1)], ledgers })).toThrow(/NOT NULL/);
    expect(stored()).toEqual([]);
    expect(journal.books()).toEqual({ legs: [], epochs: [] });
    expect(journal.lag).toBe(0);
    commit(journal, { entries: [entryOf(1)], ledgers: [ledgerOf(1)] });
    expect(journal.books().epochs[0]?.cells).toHaveLength(2);
  });

  test('can be asked again by its number, until eight more were committed', () => {
    const journal = openJournal();
    commit(journal, { entries: [entryOf(1)] });
    const dropped = commit(journal, { entries: [entryOf(1, { json: '{}' })] });
    const asked = number;
    expect(dropped).toEqual([[0, 'id_conflict']]);
    expect(journal.recent('s', asked)).toEqual(dropped);
    expect(journal.recent('another', asked)).toBeUndefined();
    for (let i = 0; i < 8; i += 1) commit(journal, {});
    expect(journal.recent('s', asked)).toBeUndefined();
  });
});

describe('an id that comes twice', () => {
  test('with other bytes is a conflict: the first record stands, the other is kept beside it', () => {
    const journal = openJournal();
    const first = entryOf(1);
    const other = entryOf(1, { json: '{"other":true}' });
    expect(commit(journal, { entries: [first, other] })).toEqual([[1, 'id_conflict']]);
    expect(journal.idConflicts).toBe(1);
    expect(stored()).toEqual([{ seq: 1, json: first.json }]);
    expect(counted(journal, 'paired')).toBe(1);
    expect(counted(journal, 'journal_dropped')).toBe(1);
    const db = new DatabaseSync(journalPath(folder), { readOnly: true });
    expect(db.prepare('SELECT id, json FROM id_conflicts').all()).toMatchObject([
      { id: other.id, json: other.json },
    ]);
    db.close();
  });

  test('with the same bytes is not recorded again, and is no conflict of payloads', () => {
    const journal = openJournal();
    const entry = entryOf(1);
    expect(commit(journal, { entries: [entry, entry] })).toEqual([[1, 'id_conflict']]);
    expect(journal.idConflicts).toBe(0);
    expect(counted(journal, 'paired')).toBe(1);
  });

  test('takes no sequence, so that readers see no gap', () => {
    const journal = openJournal();
    commit(journal, { entries: [entryOf(1), entryOf(1), entryOf(2)] });
    commit(journal, { entries: [entryOf(2), entryOf(3)] });
    expect(stored().map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe('at its cap', () => {
  const entries = (from: number, count: number, changes = {}) =>
    Array.from({ length: count }, (_, i) =>
      entryOf(from + i, { json: JSON.stringify({ from, i, pad: 'x'.repeat(2_000) }), ...changes }),
    );

  test('the newest pairs are dropped and counted, and the file stays below the cap', () => {
    const journal = openJournal({ maxBytes: 8 * MiB });
    let dropped = 0;
    for (let i = 0; i < 50; i += 1) {
      dropped += commit(journal, { entries: entries(i * 100, 100) }).length;
    }
    expect(dropped).toBeGreaterThan(500);
    expect(stored()).toHaveLength(5_000 - dropped);
    expect(counted(journal, 'paired')).toBe(5_000 - dropped);
    expect(counted(journal, 'journal_dropped')).toBe(dropped);
    expect(journal.fileBytes + journal.walBytes).toBeLessThanOrEqual(8 * MiB);
  });

  test('pairs that are past retention make room, but only those that are published', () => {
    const journal = openJournal({ maxBytes: 2 * MiB });
    const old = { timeMs: Date.now() - 48 * HOUR_MS };
    for (let i = 0; i < 6; i += 1) commit(journal, { entries: entries(i * 100, 100, old) });
    const before = stored();
    const refused = commit(journal, { entries: entries(10_000, 100) });
    expect(refused).toHaveLength(100);
    const published = before.slice(0, 200).map(({ seq }) => seq);
    const { generation } = journal;
    const confirmation = { generation, number: 1, published, dead: [] };
    journal.commit(batchOf({}), [confirmation], Date.now());
    expect(commit(journal, { entries: entries(20_000, 50) }, Date.now() + 5_000)).toEqual([]);
    const left = new Set(stored().map(({ seq }) => seq));
    for (const { seq } of before.slice(200)) expect(left.has(seq)).toBe(true);
    expect(published.some((seq) => left.has(seq))).toBe(false);
  });
});

test('a pair leaves when it is past retention, not before; the lag counts what is not published', () => {
  const journal = openJournal();
  const now = Date.now();
  commit(journal, { entries: [entryOf(1, { timeMs: now })] }, now);
  expect(journal.lag).toBe(1);
  const confirmed = { generation: journal.generation, number: 1, published: [1], dead: [] };
  journal.commit(batchOf({}), [{ ...confirmed, generation: 'another' }], now);
  expect(journal.lag).toBe(1);
  journal.commit(batchOf({}), [confirmed, confirmed], now);
  expect(journal.lag).toBe(0);
  commit(journal, { entries: [entryOf(2, { timeMs: now })] }, now + 23 * HOUR_MS);
  expect(stored()).toHaveLength(2);
  commit(journal, { entries: [entryOf(3, { timeMs: now })] }, now + 25 * HOUR_MS);
  expect(stored().map(({ seq }) => seq)).toEqual([2, 3]);
});

test('a clock that jumps back a day costs no fresh pair that is not published', () => {
  const journal = openJournal();
  const now = Date.now();
  for (const [i, jump] of [0, -24 * HOUR_MS, 24 * HOUR_MS, 0].entries()) {
    commit(journal, { entries: [entryOf(i, { timeMs: now + jump })] }, now + jump);
  }
  expect(stored()).toHaveLength(4);
});

test('a reader that holds a statement open cannot make the WAL pass its cap', () => {
  const journal = openJournal({ maxBytes: 4 * MiB });
  commit(journal, { entries: [entryOf(0)] });
  const reader = new DatabaseSync(journalPath(folder), { readOnly: true });
  const rows = reader.prepare('SELECT * FROM pairs').iterate();
  rows.next();
  const write = () => {
    for (let i = 1; i < 2_000; i += 1) {
      commit(journal, {
        ledgers: [ledgerOf(i, { epoch: `e${i % 40}`, instance: 'y'.repeat(900) })],
      });
    }
  };
  expect(write).toThrow(/WAL/);
  expect(journal.walBytes).toBeLessThanOrEqual(1.1 * MiB);
  rows.return?.();
  reader.close();
  commit(journal, { entries: [entryOf(1)] });
  expect(stored()).toHaveLength(2);
});

test('holds what a model of it holds, whatever is committed, confirmed and reopened', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('commit'), ids: fc.array(fc.nat(40), { maxLength: 12 }) }),
    fc.record({ kind: fc.constant('confirm'), ids: fc.array(fc.nat(40), { maxLength: 12 }) }),
    fc.record({ kind: fc.constant('reopen'), ids: fc.constant<number[]>([]) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25, size: 'max' }), (steps) => {
      rmSync(folder, { recursive: true, force: true });
      folder = mkdtempSync(join(tmpdir(), 'understudy-journal-'));
      let journal = openJournal();
      const pairs = new Map<number, string>();
      const published = new Set<number>();
      let refused = 0;
      for (const [at, { kind, ids }] of steps.entries()) {
        if (kind === 'commit') {
          const entries = ids.map((id, i) => entryOf(id, { json: `{"at":${at},"i":${i}}` }));
          refused += commit(journal, { entries }).length;
          for (const [i, id] of ids.entries()) {
            if (!pairs.has(id)) pairs.set(id, entries[i]?.json ?? '');
          }
        } else if (kind === 'confirm') {
          const seqs = stored().map(({ seq }) => seq);
          const known = ids.flatMap((id) => seqs[id] ?? []);
          const confirmation = { generation: journal.generation, number: 1, dead: [] };
          journal.commit(batchOf({}), [{ ...confirmation, published: known }], Date.now());
          for (const seq of known) published.add(seq);
        } else {
          journal.close();
          open.pop();
          journal = openJournal();
        }
        expect(stored().map(({ json }) => json)).toEqual(Array.from(pairs.values()));
        expect(counted(journal, 'paired')).toBe(pairs.size);
        expect(counted(journal, 'journal_dropped')).toBe(refused);
        expect(journal.lag).toBe(pairs.size - published.size);
      }
      journal.close();
      open.pop();
    }),
    { numRuns: 40, seed: 20_261_124 },
  );
});

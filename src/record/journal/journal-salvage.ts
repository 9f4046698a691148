/**
 * Makes a fresh journal of what can be read of a damaged one, which stays as it is.
 *
 * Pairs keep their sequences, and a record is taken only when it is the JSON of its own id. First the tree is asked,
 * stretch by stretch, smaller and smaller around what cannot be read; what it does not give is looked for in the bytes
 * (carve-pairs.ts), where pairs that had left stand, too. So only sequences that the tree could not read are looked for,
 * and none below its first one where pairs had left by age; what would be too many for the counts is left out. Tables of
 * counts are taken whole or not at all; without leg counts the pairs are counted anew.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { LegCell } from '../../pair/leg-states.ts';
import type { Pair } from '../../pair/pair.ts';
import { sizeClassOf } from '../../wire/exchange-states.ts';
import { type CarvedPair, carvePairs } from './carve-pairs.ts';
import { type Departure, type DepartureReason, Departures, readDepartures } from './departures.ts';
import { JournalBooks } from './journal-books.ts';
import { openJournalFile } from './journal-file.ts';
import { LegSums } from './leg-sums.ts';
import { numberOf, type SqliteRow, textOf } from './sqlite-rows.ts';

const STRETCH = 500;
const HOUR_MS = 3_600_000;
const WHOLE_TABLES = [
  'leg_counts',
  'epochs',
  'exchange_cells',
  'outbox',
  'dead_letters',
  'id_conflicts',
] as const;

export interface Salvage {
  /** Pairs in the new journal, and how many of them the bytes alone gave. */
  readonly pairs: number;
  readonly carved: number;
  /**
   * Pairs that were there and are not; `null`: nobody knows how many there were, or which of those that the bytes gave
   * had left before.
   */
  readonly lost: number | null;
  /** Records that are not the JSON of their id: left out. */
  readonly spoilt: number;
  /** What became of the other tables. */
  readonly tables: Readonly<Record<string, 'read' | 'counted anew' | 'lost'>>;
}

/**
 * @param from - of the damaged journal, no process writing it
 * @param to - of the new one; there is none, its folder exists
 * @throws errors of SQLite and of the file system about the new one
 */
export function salvageJournal(from: string, to: string): Salvage {
  const copy = `${to}.salvage`;
  mkdirSync(copy, { mode: 0o700 });
  try {
    copyFileSync(from, `${copy}/db`);
    if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${copy}/db-wal`);
    const { db } = openJournalFile(to);
    try {
      return new Salvager(`${copy}/db`, db).run();
    } finally {
      db.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

type Departed = Readonly<Record<DepartureReason, Departure>>;

class Salvager {
  readonly #path: string;
  readonly #new: DatabaseSync;
  readonly #old: DatabaseSync | null;
  readonly #insert;
  #spoilt = 0;
  /** Stretches of sequences that the tree could not read, both ends included, in ascending order. */
  readonly #unread: { readonly from: number; to: number }[] = [];
  /** In the order in which the bytes gave them. */
  readonly #carved: number[] = [];

  constructor(path: string, fresh: DatabaseSync) {
    this.#path = path;
    this.#new = fresh;
    this.#old = openDamaged(path);
    this.#insert =
      fresh.prepare(`INSERT INTO pairs (seq, id, key, candidate, experiment, time_ms, json)
      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
  }

  run(): Salvage {
    const recorded = this.#recorded();
    const left = this.#ask((db) => readDepartures(db));
    this.#new.exec('BEGIN');
    const last = recorded ?? this.#lastSeq();
    for (let at = 1; at <= last; at += STRETCH) this.#read(at, Math.min(last, at + STRETCH - 1));
    if (last === 0 || this.#unread.length > 0) this.#carve(last, left);
    const surplus = this.#dropSurplus(last, left);
    const pairs = this.#held();
    const tables = this.#copyTables();
    const lost = this.#settleSequence(recorded, pairs, left);
    this.#new.exec('COMMIT');
    this.#old?.close();
    const carved = this.#carved.length;
    return { pairs, carved, lost: surplus > 0 ? null : lost, spoilt: this.#spoilt, tables };
  }

  /** All that were ever recorded. */
  #recorded(): number | null {
    const sql = "SELECT coalesce(max(seq), 0) AS seq FROM sqlite_sequence WHERE name = 'pairs'";
    return this.#ask((db) => numberOf(db.prepare(sql).get(), 'seq'));
  }

  #lastSeq(): number {
    const sql = 'SELECT coalesce(max(seq), 0) AS seq FROM pairs';
    return this.#ask((db) => numberOf(db.prepare(sql).get(), 'seq')) ?? 0;
  }

  /** By halves, around what cannot be read. */
  #read(from: number, to: number): void {
    const sql = 'SELECT * FROM pairs WHERE seq BETWEEN ? AND ? ORDER BY seq';
    const rows = this.#ask((db) => db.prepare(sql).all(from, to).map(toPair));
    if (rows !== null) {
      for (const pair of rows) this.#take(pair);
      return;
    }
    if (from === to) {
      const before = this.#unread.at(-1);
      if (before?.to === from - 1) before.to = from;
      else this.#unread.push({ from, to });
      return;
    }
    const middle = Math.floor((from + to) / 2);
    this.#read(from, middle);
    this.#read(middle + 1, to);
  }

  /** @param last - 0: nothing is known of sequences, and all that there is is taken */
  #carve(last: number, left: Departed | null): void {
    const row = this.#new.prepare('SELECT coalesce(min(seq), 0) AS seq FROM pairs').get();
    const first = haveLeftByAge(left) ? numberOf(row, 'seq') : 0;
    for (const pair of carvePairs(this.#path)) {
      const { seq } = pair;
      const isMissing = this.#unread.some(({ from, to }) => seq >= from && seq <= to);
      if (last > 0 && (seq < first || !isMissing)) continue;
      if (this.#take(pair)) this.#carved.push(seq);
    }
  }

  /**
   * Where the bytes gave more than can have been there, the oldest of them go: they had left.
   *
   * @returns how many
   */
  #dropSurplus(last: number, left: Departed | null): number {
    if (last === 0) return 0;
    const surplus = Math.max(0, this.#held() + sumOfCounts(left) - last);
    const gone = this.#carved.sort((a, b) => a - b).splice(0, surplus);
    const remove = this.#new.prepare('DELETE FROM pairs WHERE seq = ?');
    for (const seq of gone) remove.run(seq);
    return surplus;
  }

  /** @returns whether it is new */
  #take({ seq, id, key, candidate, experiment, timeMs, json }: CarvedPair): boolean {
    if (parsePair(json)?.id === id) {
      return this.#insert.run(seq, id, key, candidate, experiment, timeMs, json).changes > 0;
    }
    this.#spoilt += 1;
    return false;
  }

  #copyTables(): Record<string, 'read' | 'counted anew' | 'lost'> {
    const tables: Record<string, 'read' | 'counted anew' | 'lost'> = {};
    for (const table of WHOLE_TABLES) {
      const rows = this.#ask((db) => db.prepare(`SELECT * FROM ${table}`).all());
      tables[table] = rows === null ? 'lost' : 'read';
      if (rows !== null) this.#put(table, rows);
    }
    for (const table of ['outbox', 'dead_letters']) {
      this.#new.exec(`DELETE FROM ${table} WHERE seq NOT IN (SELECT seq FROM pairs)`);
    }
    if (tables.leg_counts === 'lost') {
      this.#countAnew();
      tables.leg_counts = 'counted anew';
    }
    // Whoever opens it with Kafka publishes all of them again: same ids, same bytes.
    this.#put('meta', [{ name: 'salvaged', value: 'yes' }]);
    const since = "SELECT * FROM meta WHERE name = 'unpublished_from'";
    if (tables.outbox === 'lost') this.#put('meta', [{ name: 'unpublished_from', value: '1' }]);
    else this.#put('meta', this.#ask((db) => db.prepare(since).all()) ?? []);
    return tables;
  }

  #put(table: string, rows: readonly SqliteRow[]): void {
    for (const row of rows) {
      const names = Object.keys(row);
      const sql = `INSERT OR REPLACE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
      this.#new.prepare(sql).run(...(Object.values(row) as SQLInputValue[]));
    }
  }

  #countAnew(): void {
    const sums = new LegSums();
    for (const row of this.#new.prepare('SELECT json FROM pairs').iterate()) {
      const pair = parsePair(textOf(row, 'json'));
      const leg = pair === null ? null : legOf(pair);
      if (leg !== null) sums.add(leg, leg.state, leg.reason, 1);
    }
    const books = new JournalBooks(this.#new);
    for (const cell of sums.take()) books.addLegs(cell);
  }

  /** Sequences go on where they were, and what is missing is counted as gone. @returns pairs lost */
  #settleSequence(recorded: number | null, held: number, left: Departed | null): number | null {
    const departures = new Departures(this.#new);
    for (const [why, departure] of Object.entries(left ?? {})) {
      departures.note(why as DepartureReason, departure);
    }
    const gone = sumOfCounts(left);
    const row = this.#new.prepare('SELECT coalesce(max(seq), 0) AS seq FROM pairs').get();
    // The newest may have been erased, and the sequence be lost with its table.
    const last = Math.max(recorded ?? 0, numberOf(row, 'seq'), held + gone);
    this.#new.exec("DELETE FROM sqlite_sequence WHERE name = 'pairs'");
    this.#new.prepare("INSERT INTO sqlite_sequence VALUES ('pairs', ?)").run(last);
    const missing = last - held - gone;
    departures.note('damaged', { count: missing, unpublished: 0, unanalysed: 0 });
    return recorded === null || left === null ? null : missing;
  }

  #held(): number {
    return numberOf(this.#new.prepare('SELECT count(*) AS n FROM pairs').get(), 'n');
  }

  /** `null`: it cannot be read. */
  #ask<T>(read: (db: DatabaseSync) => T): T | null {
    if (this.#old === null) return null;
    try {
      return read(this.#old);
    } catch {
      return null;
    }
  }
}

function sumOfCounts(left: Departed | null): number {
  return Object.values(left ?? {}).reduce((sum, { count }) => sum + count, 0);
}

/** Whether the oldest may stand in free pages; of what was erased nothing does. */
function haveLeftByAge(left: Departed | null): boolean {
  return left === null || left.expired.count + left.evicted.count + left.earlier.count > 0;
}

/** To write, so that its WAL is taken in; `null` where SQLite does not know it for a database. */
function openDamaged(path: string): DatabaseSync | null {
  try {
    const db = new DatabaseSync(path);
    try {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // It is read as far as that goes.
    }
    return db;
  } catch {
    return null;
  }
}

function toPair(row: SqliteRow): CarvedPair {
  return {
    seq: numberOf(row, 'seq'),
    id: textOf(row, 'id'),
    key: textOf(row, 'key'),
    candidate: textOf(row, 'candidate'),
    experiment: textOf(row, 'experiment'),
    timeMs: numberOf(row, 'time_ms'),
    json: textOf(row, 'json'),
  };
}

function parsePair(json: string): Pair | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Pair) : null;
  } catch {
    return null;
  }
}

/** The leg of a pair, as it was counted when it was recorded; `null` for a record of another make. */
function legOf({ epoch, route, candidate, request, state, time }: Pair): LegCell | null {
  const hour = Math.floor(Date.parse(time ?? '') / HOUR_MS);
  if (Number.isNaN(hour) || candidate === undefined || request === undefined) return null;
  const reason = state === 'candidate_error' ? (candidate.failure ?? '') : '';
  const sizeClass = sizeClassOf(request.bytes);
  return { epoch, candidate: candidate.name, route, hour, sizeClass, state, reason, count: 1 };
}

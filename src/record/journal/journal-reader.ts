/**
 * Reads a journal from another thread or process: short pages, never a statement held open (an open one keeps
 * the WAL from being reset: measured, 4 → 104 MiB). Read-only, so that closing it can never touch the files.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import type { CommittedBooks } from '../recorder-port.ts';
import { readBookSums, readBooks } from './journal-books.ts';
import {
  generationOf,
  inodeOf,
  journalPath,
  openReadOnly,
  schemaVersionOf,
} from './journal-file.ts';
import { isOfRoute, type PairSelection } from './pair-selection.ts';
import { namingDamage } from './sqlite-errors.ts';
import { numberOf, type SqliteRow, textOf } from './sqlite-rows.ts';

export interface StoredPair {
  readonly seq: number;
  /** The record, byte for byte as it was recorded. */
  readonly json: string;
}

/** A pair that Kafka has not acknowledged. */
export interface UnpublishedPair extends StoredPair {
  readonly id: string;
  readonly key: string;
  readonly candidate: string;
  readonly experiment: string;
}

export interface StoredDeadLetter {
  readonly seq: number;
  readonly id: string;
  /** Why: a code of errors.ts. */
  readonly code: string;
  /** Unix ms at which it became one. */
  readonly atMs: number;
}

export class JournalReader {
  readonly #path: string;
  #db: DatabaseSync | null = null;
  #inode = 0;
  #generation = '';

  private constructor(path: string) {
    this.#path = path;
  }

  /** Never fails: while there is no journal, there are no pairs. */
  static open(dataDir: string): JournalReader {
    return new JournalReader(journalPath(dataDir));
  }

  /** A journal by its own name: a backup, one that was set aside. */
  static openFile(path: string): JournalReader {
    return new JournalReader(path);
  }

  /** Names the file that is read; '' while there is none. Another one: sequences begin anew. */
  generation(): string {
    return this.#read(() => this.#generation, '');
  }

  /**
   * Pairs in the order of recording.
   *
   * @param seq - the last one already known; 0 for the first page
   * @param limit - at most so many; a page also ends at 4 MiB
   * @throws {UnderstudyError} `UND_JOURNAL_VERSION`, `UND_JOURNAL_CORRUPT`; other errors of SQLite as they are
   */
  pairsAfter(seq: number, limit: number): StoredPair[] {
    const sql = 'SELECT seq, json FROM pairs WHERE seq > ? ORDER BY seq LIMIT ?';
    return this.#page(sql, [seq, limit], (row) => ({
      seq: numberOf(row, 'seq'),
      json: textOf(row, 'json'),
    }));
  }

  /**
   * The next pairs of a selection, out of a stretch of sequences that is looked through.
   *
   * @param from.after - the last sequence looked at; 0 at first
   * @param from.generation - of the file that is meant
   * @returns pairs, perhaps none, and the last sequence looked at: at most `upTo`
   * @throws {UnderstudyError} `UND_JOURNAL_REPLACED` when it is another file by now; else as `pairsAfter`
   */
  select(
    selection: PairSelection,
    from: { readonly after: number; readonly upTo: number; readonly generation: string },
  ): { readonly pairs: readonly StoredPair[]; readonly after: number } {
    const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER, candidate, key, route } = selection;
    const end = Math.min(from.upTo, from.after + LIMITS.journalScanPairs);
    const sql = `SELECT seq, json FROM pairs WHERE seq > ? AND seq <= ? AND time_ms >= ? AND time_ms < ?
      AND (candidate = ? OR ?) AND (key = ? OR ?) ORDER BY seq`;
    const isAny = (value: string | undefined): number => (value === undefined ? 1 : 0);
    const range = [from.after, end, fromMs, toMs];
    const equal = [candidate ?? '', isAny(candidate), key ?? '', isAny(key)];
    const page = this.#page(sql, [...range, ...equal], (row) => ({
      seq: numberOf(row, 'seq'),
      json: textOf(row, 'json'),
    }));
    if (this.#generation !== from.generation) {
      const message = 'The journal was set aside or replaced while it was read: begin again.';
      throw new UnderstudyError('UND_JOURNAL_REPLACED', message);
    }
    const after = isCut(page) ? (page.at(-1)?.seq ?? end) : end;
    const pairs = route === undefined ? page : page.filter(({ json }) => isOfRoute(json, route));
    return { pairs, after };
  }

  /** Sequence of the newest pair, 0 when there is none. Lower than before: the journal was replaced. */
  lastSeq(): number {
    return this.#maximum('SELECT coalesce(max(seq), 0) AS seq FROM pairs');
  }

  /**
   * Pairs that Kafka has not acknowledged, with sequences in (after, upTo].
   *
   * @throws as `pairsAfter`
   */
  unpublished(after: number, upTo: number, limit: number): UnpublishedPair[] {
    const sql = `SELECT seq, id, key, candidate, experiment, json FROM outbox JOIN pairs USING (seq)
      WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`;
    return this.#page(sql, [after, upTo, limit], (row) => ({
      seq: numberOf(row, 'seq'),
      id: textOf(row, 'id'),
      key: textOf(row, 'key'),
      candidate: textOf(row, 'candidate'),
      experiment: textOf(row, 'experiment'),
      json: textOf(row, 'json'),
    }));
  }

  /** Whether it was made of another one, by a repair or a backup: pairs of its sequences stood there. */
  isCopy(): boolean {
    const sql = "SELECT 1 FROM meta WHERE name = 'salvaged'";
    return this.#read((db) => db.prepare(sql).get() !== undefined, false);
  }

  /** Those of the sequences that are not in the outbox; none while there is no journal. */
  goneOf(seqs: readonly number[]): Set<number> {
    return this.#read((db) => {
      const find = db.prepare('SELECT seq FROM outbox WHERE seq = ?');
      return new Set(seqs.filter((seq) => find.get(seq) === undefined));
    }, new Set());
  }

  /** Sequence of the newest unpublished pair, 0 when there is none. */
  lastUnpublished(): number {
    return this.#maximum('SELECT coalesce(max(seq), 0) AS seq FROM outbox');
  }

  /**
   * Pairs that Kafka will not take, in the order of recording.
   *
   * @param after - sequence of the last one already known; 0 for the first page
   */
  deadLetters(after: number, limit: number): StoredDeadLetter[] {
    const sql = 'SELECT seq, id, code, at_ms FROM dead_letters WHERE seq > ? ORDER BY seq LIMIT ?';
    return this.#read((db) => {
      const rows = db.prepare(sql).all(after, limit);
      return rows.map((row) => ({
        seq: numberOf(row, 'seq'),
        id: textOf(row, 'id'),
        code: textOf(row, 'code'),
        atMs: numberOf(row, 'at_ms'),
      }));
    }, []);
  }

  /** The committed books, all epochs. */
  books(): CommittedBooks {
    return this.#read((db) => readBooks(db), { legs: [], epochs: [] });
  }

  /** The same, summed up over hours and size classes. */
  bookSums(): CommittedBooks {
    return this.#read((db) => readBookSums(db), { legs: [], epochs: [] });
  }

  close(): void {
    this.#db?.close();
    this.#db = null;
    this.#inode = 0;
    this.#generation = '';
  }

  #maximum(sql: string): number {
    return this.#read((db) => numberOf(db.prepare(sql).get(), 'seq'), 0);
  }

  #page<T extends StoredPair>(
    sql: string,
    parameters: readonly SQLInputValue[],
    toPair: (row: SqliteRow) => T,
  ): T[] {
    return this.#read((db) => {
      const page: T[] = [];
      let bytes = 0;
      for (const row of db.prepare(sql).iterate(...parameters)) {
        const pair = toPair(row);
        page.push(pair);
        bytes += pair.json.length;
        if (bytes >= LIMITS.journalPageBytes) break;
      }
      return page;
    }, []);
  }

  /** Follows the file: a journal that was set aside or removed is let go of, the new one is opened. */
  #read<T>(read: (db: DatabaseSync) => T, none: T): T {
    const inode = inodeOf(this.#path);
    if (inode !== this.#inode || inode === 0) this.close();
    if (inode === 0) return none;
    try {
      if (this.#db === null) this.#open(inode);
      return this.#db === null ? none : read(this.#db);
    } catch (error) {
      throw namingDamage(error, this.#path);
    }
  }

  #open(inode: number): void {
    const db = openReadOnly(this.#path);
    try {
      // A file that its owner is just making has no schema yet.
      if (schemaVersionOf(db) === 0) db.close();
      else {
        this.#generation = generationOf(db);
        this.#db = db;
        this.#inode = inode;
      }
    } catch (error) {
      db.close();
      throw error;
    }
  }
}

/** A page also ends where it has many bytes. */
function isCut(page: readonly StoredPair[]): boolean {
  return page.reduce((bytes, { json }) => bytes + json.length, 0) >= LIMITS.journalPageBytes;
}

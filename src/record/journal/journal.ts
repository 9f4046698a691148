/**
 * The journal: pairs, and the counts of legs and exchanges that belong to them, in one SQLite file.
 *
 * Invariants: a batch is committed whole or not at all, and is on disk when `commit` returns; for every
 * observed state, the legs counted here = the pairs taken in; an id names one record for good.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import type { CommittedBooks, PairEntry } from '../recorder-port.ts';
import { type DeadLetterAction, DeadLetters } from './dead-letters.ts';
import type { Departure } from './departures.ts';
import { backUp } from './journal-backup.ts';
import type { Confirmation, DroppedEntry, DropReason, JournalBatch } from './journal-batch.ts';
import { JournalBooks, readBooks } from './journal-books.ts';
import { dropFilling, eraseKey } from './journal-erasure.ts';
import { type JournalFile, openJournalFile } from './journal-file.ts';
import { JournalRoom, type RoomOptions } from './journal-room.ts';
import { LegSums } from './leg-sums.ts';
import { numberOf, textOf } from './sqlite-rows.ts';
import { noteUnpublished } from './unpublished-pairs.ts';

/** The answers of so many batches are kept, more than can be under way. */
const RECENT_BATCHES = 8;

export class Journal {
  readonly #file: JournalFile;
  readonly #db: DatabaseSync;
  readonly #books: JournalBooks;
  readonly #room: JournalRoom;
  readonly #outbox: boolean;
  readonly #analysisDir: string | undefined;
  readonly #deadLetters: DeadLetters;
  readonly #insertPair: StatementSync;
  readonly #insertOutbox: StatementSync;
  readonly #deleteOutbox: StatementSync;
  readonly #putRecent: StatementSync;
  #lag: number;
  #idConflicts = 0;

  /**
   * @param path - of the file; its folder exists and belongs to the caller alone (FolderLock)
   * @throws {UnderstudyError} `UND_JOURNAL_VERSION`, `UND_JOURNAL_CORRUPT`; errors of SQLite as they are
   */
  constructor(path: string, options: RoomOptions) {
    this.#file = openJournalFile(path);
    const db = this.#file.db;
    this.#db = db;
    this.#outbox = options.outbox;
    this.#analysisDir = options.analysisDir;
    try {
      dropFilling(db);
      noteUnpublished(db, options, Date.now());
      this.#books = new JournalBooks(db);
      this.#room = new JournalRoom(db, { path, generation: this.#file.generation }, options);
      this.#deadLetters = new DeadLetters(db);
      this.#insertPair =
        db.prepare(`INSERT INTO pairs (id, key, candidate, experiment, time_ms, json)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`);
      this.#insertOutbox = db.prepare('INSERT INTO outbox VALUES (?)');
      this.#deleteOutbox = db.prepare('DELETE FROM outbox WHERE seq = ?');
      this.#putRecent = db.prepare('INSERT OR REPLACE INTO recent_batches VALUES (?, ?, ?, ?)');
      this.#lag = numberOf(db.prepare('SELECT count(*) AS lag FROM outbox').get(), 'lag');
    } catch (error) {
      db.close();
      throw error;
    }
  }

  get generation(): string {
    return this.#file.generation;
  }

  /** Pairs that Kafka has not acknowledged. */
  get lag(): number {
    return this.#lag;
  }

  /** Pairs that Kafka will not take, as of a second ago. */
  get deadLetters(): number {
    return this.#deadLetters.count(performance.now());
  }

  /** Records whose id was there already with other bytes, since this journal was opened. */
  get idConflicts(): number {
    return this.#idConflicts;
  }

  /** Pairs that had to leave, by the cap or by their age, since this journal was opened. */
  get evicted(): Departure {
    return this.#room.evicted;
  }

  /** The last sequence up to which unpublished pairs have been evicted, since this journal was opened. */
  get evictedUpTo(): number {
    return this.#room.evictedUpTo;
  }

  get fileBytes(): number {
    return this.#room.fileBytes();
  }

  get walBytes(): number {
    return this.#room.walBytes();
  }

  /** False once the file was removed or replaced under us. */
  isInPlace(): boolean {
    return this.#file.isInPlace();
  }

  books(): CommittedBooks {
    return readBooks(this.#db);
  }

  /**
   * Notes who gets copies from now on, beside those that got them: until an epoch's next ledger comes, nobody can
   * say which mirror its exchanges went to.
   *
   * @param participants - by `participantId`
   */
  noteConfigured(participants: readonly string[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      this.#books.noteConfigured(participants);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Writes a batch and what the publisher has confirmed, in one transaction.
   *
   * @param now - Unix ms
   * @returns the entries that were not recorded, counted as `journal_dropped` in the same transaction
   * @throws {UnderstudyError} `UND_JOURNAL_WAL_FULL`; errors of SQLite as they are. Nothing was written then.
   */
  commit(
    batch: JournalBatch,
    confirmations: readonly Confirmation[],
    now: number,
  ): readonly DroppedEntry[] {
    this.#room.checkWal();
    const lagBefore = this.#lag;
    const conflictsBefore = this.#idConflicts;
    const evictedBefore = this.#room.evicted;
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const confirmation of confirmations) this.#confirm(confirmation, now);
      const dropped = this.#write(batch, now);
      this.#db.exec('COMMIT');
      return dropped;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#books.forget();
      this.#lag = lagBefore;
      this.#idConflicts = conflictsBefore;
      this.#room.evicted = evictedBefore;
      throw error;
    }
  }

  /**
   * What an operator decides about one dead letter, or with `null` about all.
   *
   * @throws errors of SQLite as they are; nothing has changed then
   */
  settleDeadLetters(action: DeadLetterAction, seq: number | null): void {
    if (action === 'retry' && !this.#outbox) return;
    this.#lag += this.#deadLetters.settle(action, seq);
  }

  /** What came of a batch, if it was committed lately: for whoever lost the answer. */
  recent(session: string, number: number): readonly DroppedEntry[] | undefined {
    const row = this.#db
      .prepare('SELECT dropped FROM recent_batches WHERE session = ? AND number = ?')
      .get(session, number);
    return row === undefined ? undefined : JSON.parse(textOf(row, 'dropped'));
  }

  /**
   * Erases all pairs of a key, and their bytes. To be iterated to its end, with commits in between.
   *
   * @returns in each step, pairs erased so far
   * @throws as `eraseKey`; {UnderstudyError} `UND_JOURNAL_WAL_FULL`, the pairs being deleted: it can be done again
   */
  *erase(key: string): Generator<number> {
    try {
      for (const step of eraseKey(this.#db, key, this.#analysisDir)) {
        this.#lag -= step.unpublished;
        this.#room.filledBytes = step.filledBytes;
        if (step.filledBytes > 0) this.#room.checkWal();
        yield step.erased;
      }
    } finally {
      this.#room.filledBytes = 0;
    }
  }

  /** As `backUp`. */
  backup(path: string): Promise<void> {
    return backUp(this.#db, path);
  }

  close(): void {
    this.#db.close();
  }

  #write(batch: JournalBatch, now: number): readonly DroppedEntry[] {
    const { session, number, entries } = batch;
    const evictedBefore = this.#room.evicted.unpublished;
    const admitted = this.#room.admit(entries, now);
    this.#lag -= this.#room.evicted.unpublished - evictedBefore;
    const dropped: DroppedEntry[] = [];
    const legs = new LegSums();
    for (const [index, entry] of entries.entries()) {
      const refused = index < admitted ? this.#insert(entry, now) : 'journal_full';
      if (refused === undefined) legs.add(entry.leg, entry.state, entry.reason, 1);
      else {
        legs.add(entry.leg, 'journal_dropped', refused, 1);
        dropped.push([index, refused]);
      }
    }
    for (const cell of batch.counts) legs.add(cell, cell.state, cell.reason, cell.count);
    for (const cell of legs.take()) this.#books.addLegs(cell);
    for (const ledger of batch.ledgers) this.#books.putLedger(ledger);
    if (number > 0) {
      this.#putRecent.run(number % RECENT_BATCHES, session, number, JSON.stringify(dropped));
    }
    return dropped;
  }

  #insert(entry: PairEntry, now: number): DropReason | undefined {
    const { id, key, leg, experiment, timeMs, json } = entry;
    const result = this.#insertPair.run(id, key, leg.candidate, experiment, timeMs, json);
    if (result.changes === 0) {
      // SQLite has given the sequence away: readers take a gap for pairs that they have missed.
      this.#db.exec("UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'pairs'");
      this.#keepConflict(entry, now);
      return 'id_conflict';
    }
    if (this.#outbox) {
      this.#insertOutbox.run(result.lastInsertRowid);
      this.#lag += 1;
    }
    return undefined;
  }

  /** The first record of an id stands; another with other bytes is kept beside it, and counted. */
  #keepConflict({ id, json }: PairEntry, now: number): void {
    const first = this.#db.prepare('SELECT json FROM pairs WHERE id = ?').get(id);
    if (first !== undefined && textOf(first, 'json') === json) return;
    this.#idConflicts += 1;
    const kept = this.#db.prepare('SELECT count(*) AS kept FROM id_conflicts').get();
    if (numberOf(kept, 'kept') >= LIMITS.idConflictsKept) return;
    this.#db.prepare('INSERT INTO id_conflicts VALUES (?, ?, ?)').run(now, id, json);
  }

  #confirm({ generation, published, dead }: Confirmation, now: number): void {
    if (generation !== this.generation) return;
    for (const seq of published) this.#settle(seq);
    for (const { seq, id, code } of dead) {
      // Evicted or erased meanwhile: it is nobody's any more.
      if (this.#settle(seq)) this.#deadLetters.add({ seq, id, code }, now);
    }
  }

  /** @returns whether it was in the outbox */
  #settle(seq: number): boolean {
    const { changes } = this.#deleteOutbox.run(seq);
    this.#lag -= Number(changes);
    return changes > 0;
  }
}

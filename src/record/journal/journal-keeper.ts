/**
 * Keeps a journal open through whatever happens to it. Fails open: a batch that cannot be written is
 * answered so at once, and the next tries are made with back-off.
 *
 *   locked     another instance owns the folder; healed when it lets go
 *   failing    disk full, read-only, I/O error, newer schema, WAL at its cap; healed when a batch is written
 *   recording  the last batch was written
 *
 * A damaged file is set aside with its counts and a new one begun; so is a file that was removed or replaced.
 */
import { mkdirSync, statSync } from 'node:fs';
import { LIMITS } from '../../config/defaults.ts';
import type { ErrorCode } from '../../errors.ts';
import { monotonicMs } from '../../telemetry/clock.ts';
import { BackOff } from '../back-off.ts';
import type { CommittedBooks } from '../recorder-port.ts';
import type { DeadLetterAction } from './dead-letters.ts';
import { type Departure, NO_DEPARTURE, sumOf } from './departures.ts';
import { FolderLock } from './folder-lock.ts';
import { Journal } from './journal.ts';
import type { Confirmation, DroppedEntry, DropReason, JournalBatch } from './journal-batch.ts';
import { isSound, looksSound } from './journal-check.ts';
import { journalPath } from './journal-file.ts';
import type { RoomOptions } from './journal-room.ts';
import { quarantine } from './quarantine.ts';
import { isDamage, isIoError, journalErrorCode } from './sqlite-errors.ts';

export interface KeeperOptions extends RoomOptions {
  readonly dataDir: string;
  /** By `participantId`: who gets copies in this mirror. Noted before anything is taken in. */
  readonly configured: readonly string[];
}

/** `committed: false`: nothing was written; the reason is that of every entry. */
export type CommitAnswer =
  | { readonly committed: true; readonly dropped: readonly DroppedEntry[] }
  | { readonly committed: false; readonly reason: DropReason };

/**
 * `null`: written to a file that was moved away meanwhile, and nothing is in its place; or the disk failed, and may
 * have the batch all the same. What came of it is known when a journal is opened again.
 */
export type CommitOutcome = CommitAnswer | { readonly committed: null };

export interface KeeperStatus {
  readonly state: 'recording' | 'failing' | 'locked';
  readonly error: ErrorCode | '';
  /** What happened, for a log line; '' when recording. */
  readonly message: string;
  readonly journalBytes: number;
  readonly walBytes: number;
  readonly lag: number;
  readonly deadLetters: number;
  readonly idConflicts: number;
  readonly evicted: Departure;
  readonly quarantined: number;
}

export class JournalKeeper {
  readonly #options: KeeperOptions;
  readonly #backOff = new BackOff(LIMITS.recorderRetryMinMs, LIMITS.recorderRetryMaxMs);
  readonly #onOpened: (journal: Journal, books: CommittedBooks) => void;
  #lock: FolderLock | null = null;
  #journal: Journal | null = null;
  #state: KeeperStatus['state'] = 'failing';
  #error: ErrorCode | '' = 'UND_JOURNAL_DISK';
  #message = 'not opened yet';
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #probeAtMs = 0;
  #quarantined = 0;
  #idConflicts = 0;
  #evicted: Departure = NO_DEPARTURE;

  /** @param onOpened - called with each journal that is opened, and what it held: at first, and after each trouble */
  constructor(options: KeeperOptions, onOpened: (journal: Journal, books: CommittedBooks) => void) {
    this.#options = options;
    this.#onOpened = onOpened;
  }

  /** Tries to open the journal, if it is not open and a try is due. @returns whether it is open */
  open(): boolean {
    if (this.#journal !== null) return true;
    if (monotonicMs() < this.#retryAtMs) return false;
    let books: CommittedBooks;
    try {
      mkdirSync(this.#options.dataDir, { recursive: true, mode: 0o700 });
      this.#lock ??= new FolderLock(this.#options.dataDir);
      this.#journal = this.#openJournal();
      books = this.#journal.books();
      this.#journal.noteConfigured(this.#options.configured);
    } catch (error) {
      this.#failed(error);
      return false;
    }
    this.#recovered();
    this.#onOpened(this.#journal, books);
    return true;
  }

  /** @param confirmations - lost when the batch is not committed: the caller keeps them */
  commit(batch: JournalBatch, confirmations: readonly Confirmation[]): CommitOutcome {
    // Twice: a journal that turns out to be damaged or gone is replaced, and the batch is for the new one.
    let isWrittenElsewhere = false;
    let mayBeWritten = false;
    for (let attempt = 0; attempt < 2 && this.open(); attempt += 1) {
      const journal = this.#journal;
      if (journal === null) break;
      try {
        // The file may have come back with what was written to it a moment ago.
        const known =
          isWrittenElsewhere || mayBeWritten
            ? journal.recent(batch.session, batch.number)
            : undefined;
        const dropped = known ?? journal.commit(batch, confirmations, Date.now());
        if (journal.isInPlace()) {
          this.#backOff.reset();
          return { committed: true, dropped };
        }
        isWrittenElsewhere = true;
        this.#closeJournal();
      } catch (error) {
        mayBeWritten ||= isIoError(error);
        if (isDamage(error)) this.#setAside();
        else this.#failed(error);
      }
    }
    if ((isWrittenElsewhere || mayBeWritten) && this.#journal === null) return { committed: null };
    return { committed: false, reason: this.#dropReason() };
  }

  /** Nothing happens while the journal is not open: whoever asked looks whether it has. */
  settleDeadLetters(action: DeadLetterAction, seq: number | null): void {
    if (!this.open()) return;
    try {
      this.#journal?.settleDeadLetters(action, seq);
    } catch (error) {
      if (isDamage(error)) this.#setAside();
      else this.#failed(error);
    }
  }

  /** To be called now and then: opens the journal when that is due, else looks whether it is sound. */
  look(): void {
    if (!this.open() || monotonicMs() < this.#probeAtMs) return;
    this.#probeAtMs = monotonicMs() + LIMITS.journalProbeMs;
    if (!looksSound(journalPath(this.#options.dataDir))) this.suspect();
  }

  /** Somebody met damage while reading: the file is checked, and set aside if it is true. */
  suspect(): void {
    if (this.#journal === null || isSound(journalPath(this.#options.dataDir))) return;
    this.#setAside();
    this.open();
  }

  /** The journal, while it is open. */
  get journal(): Journal | null {
    return this.#journal;
  }

  status(): KeeperStatus {
    return {
      state: this.#state,
      error: this.#error,
      message: this.#message,
      ...this.#sizes(),
      lag: this.#journal?.lag ?? 0,
      deadLetters: this.#journal?.deadLetters ?? 0,
      idConflicts: this.#idConflicts + (this.#journal?.idConflicts ?? 0),
      evicted: sumOf(this.#evicted, this.#journal?.evicted ?? NO_DEPARTURE),
      quarantined: this.#quarantined,
    };
  }

  close(): void {
    this.#closeJournal();
    this.#lock?.release();
    this.#lock = null;
  }

  #openJournal(): Journal {
    const path = journalPath(this.#options.dataDir);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isFolder) this.#rename(path);
    try {
      const journal = new Journal(path, this.#options);
      try {
        journal.books();
      } catch (error) {
        journal.close();
        throw error;
      }
      return journal;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#rename(path);
      return new Journal(path, this.#options);
    }
  }

  #setAside(): void {
    this.#closeJournal();
    try {
      this.#rename(journalPath(this.#options.dataDir));
    } catch (error) {
      this.#failed(error);
    }
  }

  #rename(path: string): void {
    quarantine(path, new Date());
    this.#quarantined += 1;
  }

  #failed(error: unknown): void {
    // Closed and opened again at the next try: a connection is not trusted after an I/O error.
    this.#closeJournal();
    this.#error = journalErrorCode(error);
    this.#state = this.#error === 'UND_JOURNAL_LOCKED' ? 'locked' : 'failing';
    this.#message = error instanceof Error ? error.message : String(error);
    this.#retryAtMs = monotonicMs() + this.#backOff.next();
  }

  #recovered(): void {
    this.#state = 'recording';
    this.#error = '';
    this.#message = '';
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  #dropReason(): DropReason {
    if (this.#state === 'locked') return 'recorder_down';
    return this.#error === 'UND_JOURNAL_WAL_FULL' ? 'journal_full' : 'disk';
  }

  #sizes(): Pick<KeeperStatus, 'journalBytes' | 'walBytes'> {
    try {
      const journalBytes = this.#journal?.fileBytes ?? 0;
      return { journalBytes, walBytes: this.#journal?.walBytes ?? 0 };
    } catch {
      return { journalBytes: 0, walBytes: 0 };
    }
  }

  #closeJournal(): void {
    this.#idConflicts += this.#journal?.idConflicts ?? 0;
    this.#evicted = sumOf(this.#evicted, this.#journal?.evicted ?? NO_DEPARTURE);
    try {
      this.#journal?.close();
    } catch {
      // Its file may be gone or unwritable: there is nothing left to save.
    }
    this.#journal = null;
  }
}

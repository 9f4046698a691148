/** The recorder's port on a real journal, without its thread: a commit is made, or refused, when the test says so. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LegKey, LegState } from '../../src/pair/leg-states.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { PendingRecord } from '../../src/record/pending-record.ts';
import type {
  CommittedBooks,
  LedgerUpdate,
  OnRecorded,
  PairEntry,
  Recorder,
} from '../../src/record/recorder-port.ts';

const ROOM = {
  maxBytes: 2 ** 26,
  retentionMs: 1e9,
  maxAgeMs: 0,
  whenFull: 'drop_newest' as const,
  outbox: false,
};

/** A folder for a journal, in memory where there is such a file system: each commit would be a disk's otherwise. */
export function journalFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'und-'));
}

export class SyncRecorder
  implements Pick<Recorder, 'record' | 'count' | 'ledger' | 'whenLedgersLost'>
{
  readonly #folder: string;
  readonly #pending: PendingRecord;
  #journal: Journal;
  #onLedgersLost: (epochs: readonly string[] | 'all') => void = () => undefined;
  /** What the journal held when this mirror opened it. */
  readonly committed: CommittedBooks;

  constructor(folder: string, configured: readonly string[], onRecorded: OnRecorded) {
    this.#folder = folder;
    this.#pending = new PendingRecord('s', 2 ** 30, onRecorded);
    this.#journal = new Journal(journalPath(folder), ROOM);
    this.committed = this.#journal.books();
    this.#journal.noteConfigured(configured);
  }

  record(entry: PairEntry): void {
    this.#pending.add(entry);
  }

  count(leg: LegKey, state: LegState, reason: string, count: number): void {
    this.#pending.count(leg, state, reason, count);
  }

  ledger(update: LedgerUpdate): void {
    this.#pending.ledger(update);
  }

  whenLedgersLost(listener: (epochs: readonly string[] | 'all') => void): void {
    this.#onLedgersLost = listener;
  }

  commit(): void {
    const batch = this.#pending.takeBatch();
    this.#pending.committed(batch.number, this.#journal.commit(batch, [], 1));
  }

  /** A disk that is full: nothing of a batch is written. */
  refuse(): void {
    const batch = this.#pending.takeBatch();
    this.#onLedgersLost(this.#pending.failed(batch.number, 'disk'));
  }

  /** The journal is damaged: another one is begun. */
  quarantine(): void {
    this.#journal.close();
    for (const name of readdirSync(this.#folder)) rmSync(join(this.#folder, name));
    this.#journal = new Journal(journalPath(this.#folder), ROOM);
    this.#onLedgersLost('all');
  }

  books(): CommittedBooks {
    return this.#journal.books();
  }

  /** As a killed process does: what is pending is gone. */
  close(): void {
    this.#journal.close();
  }
}

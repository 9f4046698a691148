/**
 * What the mirror has handed over and the journal does not hold yet. Everything stays here until its
 * transaction is confirmed, so that a recorder thread may die at any moment.
 *
 * Invariant: an entry is in the queue, in one batch, or settled; a count is waiting, in one batch, or committed.
 */
import { LIMITS } from '../config/defaults.ts';
import type { LegKey, LegState } from '../pair/leg-states.ts';
import type { DroppedEntry, DropReason, JournalBatch } from './journal/journal-batch.ts';
import { entryBytes } from './journal/journal-room.ts';
import { LegSums } from './journal/leg-sums.ts';
import { PendingLedgers } from './pending-ledgers.ts';
import type { LedgerUpdate, OnRecorded, PairEntry } from './recorder-port.ts';

export class PendingRecord {
  readonly #session: string;
  readonly #maxBytes: number;
  readonly #onRecorded: OnRecorded;
  /** Few. Not a `Map`: see dense-set.ts. */
  readonly #batches: JournalBatch[] = [];
  readonly #counts = new LegSums();
  #queue: PairEntry[] = [];
  readonly #ledgers = new PendingLedgers();
  #number = 0;
  #bytes = 0;

  constructor(session: string, maxBytes: number, onRecorded: OnRecorded) {
    this.#session = session;
    this.#maxBytes = maxBytes;
    this.#onRecorded = onRecorded;
  }

  /** Bytes of entries not yet settled. */
  get bytes(): number {
    return this.#bytes;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Whether there is anything that a batch could take. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#counts.isEmpty && this.#ledgers.isEmpty;
  }

  /** Numbers of the batches under way. */
  get underWay(): number[] {
    return this.#batches.map(({ number }) => number);
  }

  /** Takes an entry in, or settles it at once as `recorder_stalled` when there is no room. */
  add(entry: PairEntry): void {
    const bytes = entryBytes(entry);
    if (this.#bytes + bytes > this.#maxBytes) {
      this.drop(entry, 'recorder_stalled');
      return;
    }
    this.#bytes += bytes;
    this.#queue.push(entry);
  }

  /** Settles an entry that was never taken in; its count goes with the next batch. */
  drop(entry: PairEntry, reason: DropReason): void {
    this.#counts.add(entry.leg, 'journal_dropped', reason, 1);
    this.#onRecorded(entry, 'journal_dropped', reason);
  }

  count(leg: LegKey, state: LegState, reason: string, count: number): void {
    this.#counts.add(leg, state, reason, count);
  }

  ledger(update: LedgerUpdate): void {
    this.#ledgers.add(update);
  }

  /** The next batch: entries up to the limit, all counts and ledgers. */
  takeBatch(): JournalBatch {
    const entries = this.#queue.splice(0, LIMITS.journalBatchPairs);
    const ledgers = this.#ledgers.take();
    this.#number += 1;
    const number = this.#number;
    const batch = { session: this.#session, number, entries, counts: this.#counts.take(), ledgers };
    this.#batches.push(batch);
    return batch;
  }

  /**
   * @param dropped - entries that the journal counted as dropped in the same transaction
   * @returns pairs that are in the journal now
   */
  committed(number: number, dropped: readonly DroppedEntry[]): number {
    const batch = this.#end(number);
    if (batch === undefined) return 0;
    const reasons = new Map(dropped);
    for (const [index, entry] of batch.entries.entries()) {
      const reason = reasons.get(index);
      if (reason === undefined) this.#onRecorded(entry, entry.state, entry.reason);
      else this.#onRecorded(entry, 'journal_dropped', reason);
    }
    return batch.entries.length - dropped.length;
  }

  /**
   * Nothing of the batch was written: its entries are dropped, its counts go again. Its ledgers do not: a later
   * batch may have newer ones.
   *
   * @returns the epochs whose ledgers the journal lacks now
   */
  failed(number: number, reason: DropReason): string[] {
    const batch = this.#end(number);
    if (batch === undefined) return [];
    for (const cell of batch.counts) this.#counts.add(cell, cell.state, cell.reason, cell.count);
    for (const entry of batch.entries) this.drop(entry, reason);
    return batch.ledgers.map(({ epoch }) => epoch);
  }

  /** Settles all entries that are in no batch. */
  dropQueue(reason: DropReason): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const entry of queue) {
      this.#bytes -= entryBytes(entry);
      this.drop(entry, reason);
    }
  }

  #end(number: number): JournalBatch | undefined {
    const place = this.#batches.findIndex((batch) => batch.number === number);
    const batch = place < 0 ? undefined : this.#batches.splice(place, 1)[0];
    for (const entry of batch?.entries ?? []) this.#bytes -= entryBytes(entry);
    return batch;
  }
}

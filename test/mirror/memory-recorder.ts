import { type LegLedger, legCellId } from '../../src/pair/leg-ledger.ts';
import type { LegCell } from '../../src/pair/leg-states.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { mergeCells } from '../../src/record/pending-ledgers.ts';
import type {
  CommittedBooks,
  EpochLedger,
  LedgerUpdate,
  PairEntry,
  Recorder,
  RecorderStatus,
} from '../../src/record/recorder-port.ts';
import { exchangeCellId } from '../../src/wire/exchange-ledger.ts';
import { foldedHour } from '../../src/wire/exchange-states.ts';

const NO_BOOKS: CommittedBooks = { legs: [], epochs: [] };

/**
 * The recorder's port in memory: what is handed over is "on disk" at once. `books` is what a next mirror would
 * find. The real recorder is tested where the whole line is.
 */
export class MemoryRecorder implements Recorder {
  committed: CommittedBooks;
  #listeners: ((books: CommittedBooks) => void)[] | null = null;
  readonly entries: PairEntry[] = [];
  readonly #mirrorLedger: LegLedger;
  readonly #legs = new Map<string, LegCell>();
  readonly #epochs = new Map<string, EpochLedger>();
  #onLedgersLost: (epochs: readonly string[] | 'all') => void = () => undefined;
  /** While set, pairs stay pending: not committed, not settled. */
  held: PairEntry[] | null = null;

  /** @param committed - what the journal holds; `null`: it cannot be opened until `open` */
  constructor(mirrorLedger: LegLedger, committed: CommittedBooks | null = NO_BOOKS) {
    this.committed = NO_BOOKS;
    this.#mirrorLedger = mirrorLedger;
    if (committed === null) this.#listeners = [];
    else this.open(committed);
  }

  open(committed: CommittedBooks): void {
    this.committed = committed;
    for (const { state, reason, count, ...leg } of committed.legs) {
      this.count(leg, state, reason, count);
    }
    for (const ledger of committed.epochs) {
      if (!this.#epochs.has(ledger.epoch)) this.#epochs.set(ledger.epoch, ledger);
    }
    const listeners = this.#listeners ?? [];
    this.#listeners = null;
    for (const listener of listeners) listener(committed);
  }

  whenOpened(listener: (books: CommittedBooks) => void): void {
    if (this.#listeners === null) listener(this.committed);
    else this.#listeners.push(listener);
  }

  get pairs(): Pair[] {
    return this.entries.map(({ json }): Pair => JSON.parse(json));
  }

  /** What the journal holds now: hours folded as their epochs say. */
  get books(): CommittedBooks {
    const legs = new Map<string, LegCell>();
    for (const cell of this.#legs.values()) {
      const hour = foldedHour(cell.hour, this.#epochs.get(cell.epoch)?.foldedBefore ?? 0);
      const id = legCellId({ ...cell, hour });
      const count = cell.count + (legs.get(id)?.count ?? 0);
      legs.set(id, { ...cell, hour, count });
    }
    return {
      legs: Array.from(legs.values()),
      epochs: structuredClone(Array.from(this.#epochs.values())),
    };
  }

  settleDeadLetters(): void {}

  runChore(): void {}

  record(entry: PairEntry): void {
    if (this.held !== null) {
      this.held.push(entry);
      return;
    }
    this.entries.push(entry);
    this.count(entry.leg, entry.state, entry.reason, 1);
    this.#mirrorLedger.settle(entry.leg, entry.state, entry.reason);
  }

  count(...[leg, state, reason, count]: Parameters<Recorder['count']>): void {
    const { epoch, candidate, route, hour, sizeClass } = leg;
    const cell = { epoch, candidate, route, hour, sizeClass, state, reason, count: 0 };
    const id = legCellId(cell);
    const known = this.#legs.get(id) ?? cell;
    known.count += count;
    this.#legs.set(id, known);
  }

  ledger({ whole, ...update }: LedgerUpdate): void {
    const known = whole ? [] : (this.#epochs.get(update.epoch)?.cells ?? []);
    const cells = new Map(known.map((cell) => [exchangeCellId(cell), cell]));
    mergeCells(cells, update);
    this.#epochs.set(update.epoch, { ...update, cells: structuredClone([...cells.values()]) });
  }

  whenLedgersLost(listener: (epochs: readonly string[] | 'all') => void): void {
    this.#onLedgersLost = listener;
  }

  /** Another journal is begun: all that was committed is gone, and whoever has ledgers is asked for them. */
  quarantine(): void {
    this.#legs.clear();
    this.#epochs.clear();
    this.#onLedgersLost('all');
  }

  status(): RecorderStatus {
    return {
      state: 'recording',
      error: '',
      pendingBytes: 0,
      maxPendingBytes: 1,
      committedPairs: this.entries.length,
      journalBytes: 0,
      walBytes: 0,
      maxJournalBytes: 1,
      commits: 0,
      idConflicts: 0,
      evicted: 0,
      evictedUnpublished: 0,
      evictedUnanalysed: 0,
      chore: null,
      quarantined: 0,
      restarts: 0,
      publisher: null,
    };
  }

  async close(): Promise<void> {}
}

/**
 * The books in a journal: legs by state, and the gateways' exchange ledgers. Cumulative, all epochs.
 *
 * Old hours are folded as their gateway has folded them, exchanges and legs in the transaction that brings the
 * report: what is below an epoch's `folded_before` is counted in the hour `OLDER_HOURS`.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LEG_STATES, type LegCell } from '../../pair/leg-states.ts';
import type { ExchangeCell } from '../../wire/exchange-ledger.ts';
import {
  EXCHANGE_STATES,
  foldedHour,
  isFolded,
  OLDER_HOURS,
  SIZE_CLASSES,
} from '../../wire/exchange-states.ts';
import type { CommittedBooks, EpochLedger, LedgerUpdate } from '../recorder-port.ts';
import { memberOf, numberOf, type SqliteRow, textOf } from './sqlite-rows.ts';

const EPOCH_STATES = ['live', 'clean', 'unclean'] as const;
const CELL_STATES = ['seen', ...EXCHANGE_STATES] as const;
const CELL_SIZES = ['', ...SIZE_CLASSES] as const;

export class JournalBooks {
  readonly #addLegs: StatementSync;
  readonly #foldLegs: StatementSync;
  readonly #deleteFoldedLegs: StatementSync;
  readonly #putEpoch: StatementSync;
  readonly #foldedBefore: StatementSync;
  readonly #putCell: StatementSync;
  readonly #deleteCells: StatementSync;
  readonly #openEpochs: StatementSync;
  readonly #putNoted: StatementSync;
  /** Of the epochs that were asked for; forgotten after a rollback. */
  readonly #known = new Map<string, number>();

  constructor(db: DatabaseSync) {
    this.#openEpochs = db.prepare("SELECT epoch, noted FROM epochs WHERE state <> 'clean'");
    this.#putNoted = db.prepare('UPDATE epochs SET noted = ? WHERE epoch = ?');
    this.#addLegs = db.prepare(`INSERT INTO leg_counts VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count`);
    // "WHERE true": else SQLite takes ON for the condition of a join.
    this.#foldLegs = db.prepare(`INSERT INTO leg_counts
      SELECT epoch, candidate, route, ${OLDER_HOURS}, size_class, state, reason, sum(count)
      FROM (SELECT * FROM leg_counts WHERE epoch = ? AND hour < ? AND hour <> ${OLDER_HOURS})
      WHERE true GROUP BY candidate, route, size_class, state, reason
      ON CONFLICT DO UPDATE SET count = count + excluded.count`);
    this.#deleteFoldedLegs = db.prepare(
      `DELETE FROM leg_counts WHERE epoch = ? AND hour < ? AND hour <> ${OLDER_HOURS}`,
    );
    this.#putEpoch = db.prepare(
      "INSERT OR REPLACE INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
    );
    this.#foldedBefore = db.prepare('SELECT folded_before FROM epochs WHERE epoch = ?');
    this.#putCell = db.prepare(`INSERT INTO exchange_cells VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = excluded.count`);
    this.#deleteCells = db.prepare(
      `DELETE FROM exchange_cells WHERE epoch = ? AND hour < ? AND hour <> ?`,
    );
  }

  addLegs(cell: LegCell): void {
    const { epoch, candidate, route, sizeClass, state, reason, count } = cell;
    const hour = foldedHour(cell.hour, this.#knownFold(epoch) ?? 0);
    this.#addLegs.run(epoch, candidate, route, hour, sizeClass, state, reason, count);
  }

  /**
   * Brings an epoch's ledger up to date: cells are cumulative, so that the last one stands. A whole ledger replaces
   * what is there: an end without a farewell adds cells, and the gateway's next hello may count them elsewhere.
   * Changes of an epoch that is not there are left out: they would be taken for all there is.
   */
  putLedger(update: LedgerUpdate): void {
    const { epoch, foldedBefore, cells, whole } = update;
    const known = this.#knownFold(epoch);
    if (known === undefined && !whole) return;
    this.#putHead(update);
    if (whole) this.#deleteCells.run(epoch, Number.MAX_SAFE_INTEGER, -1);
    if (foldedBefore > (known ?? 0)) {
      this.#deleteCells.run(epoch, foldedBefore, OLDER_HOURS);
      this.#foldLegs.run(epoch, foldedBefore);
      this.#deleteFoldedLegs.run(epoch, foldedBefore);
    }
    for (const { route, hour, sizeClass, state, reason, count } of cells) {
      if (isFolded(hour, foldedBefore)) continue;
      this.#putCell.run(epoch, route, hour, sizeClass, state, reason, count);
    }
    this.#known.set(epoch, foldedBefore);
  }

  /** Adds to who is noted, in epochs that may go on. */
  noteConfigured(participants: readonly string[]): void {
    for (const row of this.#openEpochs.all()) {
      const noted = new Set([...namesOf(textOf(row, 'noted')), ...participants]);
      this.#putNoted.run(Array.from(noted).join(' '), textOf(row, 'epoch'));
    }
  }

  /** After a rollback: nothing is known to be committed. */
  forget(): void {
    this.#known.clear();
  }

  #putHead(update: LedgerUpdate): void {
    const { epoch, instance, offered, receivedAtMs, state } = update;
    const { foldedBefore, configured, unreportedMs } = update;
    const names = configured === null ? null : configured.join(' ');
    this.#putEpoch.run(
      ...[epoch, instance, offered, receivedAtMs, state],
      ...[foldedBefore, names, unreportedMs],
    );
  }

  /** `undefined`: the epoch is not in the journal. */
  #knownFold(epoch: string): number | undefined {
    const known = this.#known.get(epoch);
    if (known !== undefined) return known;
    const row = this.#foldedBefore.get(epoch);
    if (row === undefined) return undefined;
    const before = numberOf(row, 'folded_before');
    this.#known.set(epoch, before);
    return before;
  }
}

/** Names hold no space (config/checks.ts). */
function namesOf(text: string): string[] {
  return text.split(' ').filter(Boolean);
}

/** Everything committed: what a new mirror starts from. */
export function readBooks(db: DatabaseSync): CommittedBooks {
  return booksOf(db, 'SELECT * FROM leg_counts', 'SELECT * FROM exchange_cells');
}

/** As `readBooks`, summed up over hours and size classes: what accounting publishes. */
export function readBookSums(db: DatabaseSync): CommittedBooks {
  const sums = `${OLDER_HOURS} AS hour, '' AS size_class, state, reason, sum(count) AS count`;
  return booksOf(
    db,
    `SELECT epoch, candidate, route, ${sums} FROM leg_counts
      GROUP BY epoch, candidate, route, state, reason`,
    `SELECT epoch, route, ${sums} FROM exchange_cells GROUP BY epoch, route, state, reason`,
  );
}

function booksOf(db: DatabaseSync, legs: string, exchanges: string): CommittedBooks {
  const cells = Map.groupBy(db.prepare(exchanges).all(), (row) => textOf(row, 'epoch'));
  return {
    legs: db.prepare(legs).all().map(legCellOf),
    epochs: db
      .prepare('SELECT * FROM epochs')
      .all()
      .map((row) => epochOf(row, cells.get(textOf(row, 'epoch')) ?? [])),
  };
}

function legCellOf(row: SqliteRow): LegCell {
  return {
    epoch: textOf(row, 'epoch'),
    candidate: textOf(row, 'candidate'),
    route: textOf(row, 'route'),
    hour: numberOf(row, 'hour'),
    sizeClass: textOf(row, 'size_class'),
    state: memberOf(row, 'state', LEG_STATES),
    reason: textOf(row, 'reason'),
    count: numberOf(row, 'count'),
  };
}

function epochOf(row: SqliteRow, cells: readonly SqliteRow[]): EpochLedger {
  return {
    epoch: textOf(row, 'epoch'),
    instance: textOf(row, 'instance'),
    offered: numberOf(row, 'offered'),
    cells: cells.map(exchangeCellOf),
    foldedBefore: numberOf(row, 'folded_before'),
    configured: row.configured === null ? null : namesOf(textOf(row, 'configured')),
    noted: namesOf(textOf(row, 'noted')),
    receivedAtMs: numberOf(row, 'received_at_ms'),
    state: memberOf(row, 'state', EPOCH_STATES),
    unreportedMs: row.unreported_ms === null ? null : numberOf(row, 'unreported_ms'),
  };
}

function exchangeCellOf(row: SqliteRow): ExchangeCell {
  return {
    route: textOf(row, 'route'),
    hour: numberOf(row, 'hour'),
    sizeClass: memberOf(row, 'size_class', CELL_SIZES),
    state: memberOf(row, 'state', CELL_STATES),
    reason: textOf(row, 'reason'),
    count: numberOf(row, 'count'),
  };
}

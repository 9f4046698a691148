/** The books in a journal: legs by state, and the gateways' exchange ledgers. Cumulative, all epochs. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LEG_STATES, type LegCell } from '../pair/leg-states.ts';
import { type ExchangeCell, exchangeCellId } from '../wire/exchange-ledger.ts';
import { EXCHANGE_STATES, SIZE_CLASSES } from '../wire/exchange-states.ts';
import type { CommittedBooks, EpochLedger } from './recorder-port.ts';
import { memberOf, numberOf, textOf } from './sqlite-rows.ts';

export const EPOCH_STATES = ['live', 'clean', 'unclean'] as const;
const CELL_STATES = ['seen', ...EXCHANGE_STATES] as const;
const CELL_SIZES = ['', ...SIZE_CLASSES] as const;

export class JournalBooks {
  readonly #addLegs: StatementSync;
  readonly #putEpoch: StatementSync;
  readonly #putCell: StatementSync;
  readonly #deleteCells: StatementSync;
  /** Cells as committed, by epoch: most of a ledger has not changed since it last came. */
  readonly #known = new Map<string, Map<string, number>>();

  constructor(db: DatabaseSync) {
    this.#addLegs = db.prepare(`INSERT INTO leg_counts VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count`);
    this.#putEpoch = db.prepare(`INSERT INTO epochs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET instance = excluded.instance, offered = excluded.offered,
        received_at_ms = excluded.received_at_ms, state = excluded.state`);
    this.#putCell = db.prepare(`INSERT INTO exchange_cells VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = excluded.count`);
    this.#deleteCells = db.prepare('DELETE FROM exchange_cells WHERE epoch = ?');
  }

  addLegs(cell: LegCell): void {
    const { epoch, candidate, route, hour, sizeClass, state, reason, count } = cell;
    this.#addLegs.run(epoch, candidate, route, hour, sizeClass, state, reason, count);
  }

  /**
   * Replaces what is known of an epoch: counts are cumulative, so that the last one stands. A cell that it has no
   * more goes: an end without a farewell adds some, and the gateway's next hello may count them elsewhere.
   */
  putLedger(ledger: EpochLedger): void {
    const { epoch, instance, offered, receivedAtMs, state, cells } = ledger;
    this.#putEpoch.run(epoch, instance, offered, receivedAtMs, state);
    let known = this.#known.get(epoch);
    if (known === undefined || !isWithin(known, cells)) {
      this.#deleteCells.run(epoch);
      known = new Map<string, number>();
    }
    for (const cell of cells) {
      const id = exchangeCellId(cell);
      if (known.get(id) === cell.count) continue;
      const { route, hour, sizeClass, reason, count } = cell;
      this.#putCell.run(epoch, route, hour, sizeClass, cell.state, reason, count);
      known.set(id, count);
    }
    if (state === 'live') this.#known.set(epoch, known);
    else this.#known.delete(epoch);
  }

  /** After a rollback: nothing is known to be committed. */
  forget(): void {
    this.#known.clear();
  }
}

/** Whether all known cells are among the given ones, each of which is there once. */
function isWithin(known: ReadonlyMap<string, number>, cells: readonly ExchangeCell[]): boolean {
  let found = 0;
  for (const cell of cells) if (known.has(exchangeCellId(cell))) found += 1;
  return found === known.size;
}

/** Everything committed: what a new mirror starts from, what accounting publishes. */
export function readBooks(db: DatabaseSync): CommittedBooks {
  const cells = new Map<string, ExchangeCell[]>();
  for (const row of db.prepare('SELECT * FROM exchange_cells').all()) {
    const epoch = textOf(row, 'epoch');
    const list = cells.get(epoch) ?? [];
    cells.set(epoch, list);
    list.push({
      route: textOf(row, 'route'),
      hour: numberOf(row, 'hour'),
      sizeClass: memberOf(row, 'size_class', CELL_SIZES),
      state: memberOf(row, 'state', CELL_STATES),
      reason: textOf(row, 'reason'),
      count: numberOf(row, 'count'),
    });
  }
  const legs = db.prepare('SELECT * FROM leg_counts').all();
  const epochs = db.prepare('SELECT * FROM epochs').all();
  return {
    legs: legs.map((row) => ({
      epoch: textOf(row, 'epoch'),
      candidate: textOf(row, 'candidate'),
      route: textOf(row, 'route'),
      hour: numberOf(row, 'hour'),
      sizeClass: textOf(row, 'size_class'),
      state: memberOf(row, 'state', LEG_STATES),
      reason: textOf(row, 'reason'),
      count: numberOf(row, 'count'),
    })),
    epochs: epochs.map((row) => ({
      epoch: textOf(row, 'epoch'),
      instance: textOf(row, 'instance'),
      offered: numberOf(row, 'offered'),
      receivedAtMs: numberOf(row, 'received_at_ms'),
      state: memberOf(row, 'state', EPOCH_STATES),
      cells: cells.get(textOf(row, 'epoch')) ?? [],
    })),
  };
}

/**
 * Updates of gateway ledgers that wait for the next transaction: one an epoch, merged as they come. What the
 * journal does with one (journal-books.ts), `merge` does here.
 */
import { type ExchangeCell, exchangeCellId } from '../wire/exchange-ledger.ts';
import { isFolded } from '../wire/exchange-states.ts';
import type { LedgerUpdate } from './recorder-port.ts';

interface Pending {
  readonly cells: Map<string, ExchangeCell>;
  readonly update: LedgerUpdate;
}

export class PendingLedgers {
  #pending = new Map<string, Pending>();

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  add(update: LedgerUpdate): void {
    const known = this.#pending.get(update.epoch);
    const cells = update.whole || known === undefined ? new Map() : known.cells;
    const whole = update.whole || (known?.update.whole ?? false);
    mergeCells(cells, update);
    this.#pending.set(update.epoch, { cells, update: { ...update, whole } });
  }

  /** Takes what waits; begins anew. */
  take(): LedgerUpdate[] {
    const updates = Array.from(this.#pending.values(), ({ cells, update }) => {
      return { ...update, cells: Array.from(cells.values()) };
    });
    this.#pending = new Map();
    return updates;
  }
}

/** Brings cells, by `exchangeCellId`, up to date: those of folded hours go, the others are replaced. */
export function mergeCells(
  cells: Map<string, ExchangeCell>,
  update: Pick<LedgerUpdate, 'cells' | 'foldedBefore'>,
): void {
  const { foldedBefore } = update;
  for (const [id, cell] of cells) if (isFolded(cell.hour, foldedBefore)) cells.delete(id);
  for (const cell of update.cells) {
    if (!isFolded(cell.hour, foldedBefore)) cells.set(exchangeCellId(cell), cell);
  }
}

/**
 * The gateway's ledger of exchanges: cumulative counts that only grow, of one epoch (one life of one
 * gateway process). `see` once when a request head is complete, `settle` once when its state is decided.
 *
 * The newest hours are kept apart. What is older is folded into the hour `OLDER_HOURS`, by size class as before:
 *
 *   hour   0 (older)  │ … folded … │  h−2 │ h−1 │ h
 *                                  ▲ foldedBefore
 *
 * Invariants
 * - For each route and kept hour, and for the older ones together: seen = Σ settled + open, open ≥ 0.
 * - A fold moves counts and changes no sum; `foldedBefore` only grows, and no cell of an hour below it comes back.
 * - At most `maxHours` hours, and LIMITS.ledgerCells cells unless one hour alone has more. By what is counted, not
 *   by the clock: one that jumps costs hours of resolution and nothing else.
 */
import { LIMITS } from '../config/defaults.ts';
import { type ExchangeState, foldedHour, OLDER_HOURS, type SizeClass } from './exchange-states.ts';

/** One cumulative count. `state: 'seen'` counts heads, and has neither size class nor reason. */
export interface ExchangeCell {
  readonly route: string;
  /** Hours since the Unix epoch; `OLDER_HOURS` for all that are folded. */
  readonly hour: number;
  readonly sizeClass: SizeClass | '';
  readonly state: ExchangeState | 'seen';
  readonly reason: string;
  count: number;
}

export interface SettledExchange {
  readonly route: string;
  readonly hour: number;
  readonly sizeClass: SizeClass;
  readonly state: ExchangeState;
  readonly reason: string;
}

/** What changed: cells with their cumulative counts, and where the hours that are kept begin. */
export interface LedgerChanges {
  readonly cells: ExchangeCell[];
  readonly foldedBefore: number;
}

export class ExchangeLedger {
  readonly #maxHours: number;
  readonly #cells = new Map<string, ExchangeCell>();
  /** The hours that are kept. */
  readonly #hours = new Set<number>();
  #foldedBefore = 0;
  #changed = new Set<ExchangeCell>();
  #seen = 0;
  #settled = 0;
  /** The cells counted last: an exchange mostly resembles the one before, and a key costs more than it. */
  #lastSeen: ExchangeCell | undefined;
  #lastSettled: ExchangeCell | undefined;

  /** @param maxHours - hours that are kept apart, ≥ 1 */
  constructor(maxHours: number) {
    this.#maxHours = maxHours;
  }

  see(route: string, hour: number): void {
    this.#seen += 1;
    const last = this.#lastSeen;
    if (last?.hour === hour && last.route === route) this.#count(last);
    else this.#lastSeen = this.#add({ route, hour, sizeClass: '', state: 'seen', reason: '' });
  }

  settle(exchange: SettledExchange): void {
    this.#settled += 1;
    const last = this.#lastSettled;
    if (last !== undefined && isCellOf(last, exchange)) this.#count(last);
    else this.#lastSettled = this.#add(exchange);
  }

  get seen(): number {
    return this.#seen;
  }

  /** Exchanges seen and not yet decided. */
  get open(): number {
    return this.#seen - this.#settled;
  }

  /** Sum over all routes and hours. */
  total(state: ExchangeState): number {
    let sum = 0;
    for (const cell of this.#cells.values()) if (cell.state === state) sum += cell.count;
    return sum;
  }

  /** All cells, copied: what a hello carries. What changed until now is in it. */
  takeAll(): LedgerChanges {
    this.#changed = new Set();
    return { cells: this.snapshot(), foldedBefore: this.#foldedBefore };
  }

  /**
   * The cells that changed since they were last taken. Cells of hours that were folded meanwhile are among them
   * with a count of 0: so a reader that knows nothing of folding has the same sums.
   */
  takeChanges(): LedgerChanges {
    const cells = Array.from(this.#changed, (cell) => ({ ...cell }));
    this.#changed = new Set();
    return { cells, foldedBefore: this.#foldedBefore };
  }

  /** All cells, copied. */
  snapshot(): ExchangeCell[] {
    return Array.from(this.#cells.values(), (cell) => ({ ...cell }));
  }

  /** As `snapshot`, summed up over hours and size classes: its size does not depend on how long the epoch lasts. */
  totals(): ExchangeCell[] {
    return sumOverHours(this.#cells.values());
  }

  /** @returns the cell, if the next exchange of its kind may be counted in it, too */
  #add(key: Omit<ExchangeCell, 'count'>): ExchangeCell | undefined {
    const cell = this.#cellOf({ ...key, hour: foldedHour(key.hour, this.#foldedBefore) });
    this.#count(cell);
    while (this.#hours.size > 1 && this.#isOverfull()) this.#foldOldest();
    return cell.hour < this.#foldedBefore ? undefined : cell;
  }

  #cellOf(key: Omit<ExchangeCell, 'count'>): ExchangeCell {
    const id = exchangeCellId(key);
    let cell = this.#cells.get(id);
    if (cell === undefined) {
      const { route, hour, sizeClass, state, reason } = key;
      cell = { route, hour, sizeClass, state, reason, count: 0 };
      this.#cells.set(id, cell);
      if (hour !== OLDER_HOURS) this.#hours.add(hour);
    }
    return cell;
  }

  #isOverfull(): boolean {
    return this.#hours.size > this.#maxHours || this.#cells.size > LIMITS.ledgerCells;
  }

  #foldOldest(): void {
    const oldest = Math.min(...this.#hours);
    this.#hours.delete(oldest);
    this.#foldedBefore = oldest + 1;
    for (const [id, cell] of this.#cells) {
      if (cell.hour !== oldest) continue;
      const older = this.#cellOf({ ...cell, hour: OLDER_HOURS });
      older.count += cell.count;
      this.#changed.add(older);
      this.#cells.delete(id);
      cell.count = 0;
      this.#changed.add(cell);
    }
    this.#lastSeen = undefined;
    this.#lastSettled = undefined;
  }

  #count(cell: ExchangeCell): void {
    cell.count += 1;
    this.#changed.add(cell);
  }
}

function isCellOf(cell: ExchangeCell, exchange: SettledExchange): boolean {
  return (
    cell.state === exchange.state &&
    cell.route === exchange.route &&
    cell.hour === exchange.hour &&
    cell.sizeClass === exchange.sizeClass &&
    cell.reason === exchange.reason
  );
}

/** Two cells with the same id are the same count. */
export function exchangeCellId(cell: Omit<ExchangeCell, 'count'>): string {
  return `${cell.route}|${cell.hour}|${cell.sizeClass}|${cell.state}|${cell.reason}`;
}

/** Cells summed up over hours and size classes: hour `OLDER_HOURS`, size class `''`. */
export function sumOverHours(cells: Iterable<ExchangeCell>): ExchangeCell[] {
  const totals = new Map<string, ExchangeCell>();
  for (const { route, state, reason, count } of cells) {
    const key = { route, hour: OLDER_HOURS, sizeClass: '', state, reason } as const;
    const id = exchangeCellId(key);
    const total = totals.get(id);
    if (total === undefined) totals.set(id, { ...key, count });
    else total.count += count;
  }
  return Array.from(totals.values());
}

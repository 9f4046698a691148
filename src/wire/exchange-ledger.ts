/**
 * The gateway's ledger of exchanges: cumulative counts that only grow, of one epoch (one life of one
 * gateway process). `see` once when a request head is complete, `settle` once when its state is decided.
 *
 * Invariant, for each route and hour: seen = Σ settled + open, open ≥ 0.
 * Bounded by hours alive × routes × size classes × (state, reason) pairs.
 */
import type { ExchangeState, SizeClass } from './exchange-states.ts';

/** One cumulative count. `state: 'seen'` counts heads, and has neither size class nor reason. */
export interface ExchangeCell {
  readonly route: string;
  /** Hours since the Unix epoch. */
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

export class ExchangeLedger {
  readonly #cells = new Map<string, ExchangeCell>();
  #changed = new Set<ExchangeCell>();
  #seen = 0;
  #settled = 0;
  /** The cells counted last: an exchange mostly resembles the one before, and a key costs more than it. */
  #lastSeen: ExchangeCell | undefined;
  #lastSettled: ExchangeCell | undefined;

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

  /** All cells, copied: what a hello carries. */
  snapshot(): ExchangeCell[] {
    return Array.from(this.#cells.values(), (cell) => ({ ...cell }));
  }

  /** The cells that changed since the last call, with their cumulative counts. */
  takeChanges(): ExchangeCell[] {
    const changed = Array.from(this.#changed, (cell) => ({ ...cell }));
    this.#changed = new Set();
    return changed;
  }

  #add(key: Omit<ExchangeCell, 'count'>): ExchangeCell {
    const id = exchangeCellId(key);
    let cell = this.#cells.get(id);
    if (cell === undefined) {
      const { route, hour, sizeClass, state, reason } = key;
      cell = { route, hour, sizeClass, state, reason, count: 0 };
      this.#cells.set(id, cell);
    }
    this.#count(cell);
    return cell;
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

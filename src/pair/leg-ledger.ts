/**
 * The mirror's ledger of legs. A leg is opened once and settled once; what is derived from a gateway's ledger
 * (`lost_in_crash`, `ineligible(not_configured)`) is booked without having been opened, since the mirror never
 * saw those exchanges.
 *
 * Invariants, at every moment, for each epoch, candidate and route:
 *   accounted = Σ cells + in flight, in flight ≥ 0
 *   cells only grow
 * Bounded by epochs × candidates × routes × hours × size classes × (state, reason) pairs.
 */
import type { LegCell, LegKey, LegState } from './leg-states.ts';

/** Legs of one epoch, candidate and route, settled or in flight. */
export interface LegAccount {
  readonly total: number;
  /** By `legSpot`. */
  readonly spots: ReadonlyMap<string, number>;
}

interface Account extends LegAccount {
  total: number;
  readonly spots: Map<string, number>;
}

const NO_ACCOUNT: LegAccount = { total: 0, spots: new Map() };

export class LegLedger {
  readonly #cells = new Map<string, LegCell>();
  /** The cells, summed up over hours and size classes. */
  readonly #totals = new Map<string, LegCell>();
  /** By `epoch|candidate|route`. */
  readonly #accounts = new Map<string, Account>();
  #inFlight = 0;

  /** Takes up what earlier mirrors have committed to the journal: once, in addition to what is there. */
  restore(cells: readonly LegCell[]): void {
    for (const cell of cells) this.book(cell, cell.state, cell.reason, cell.count);
  }

  open(leg: LegKey): void {
    this.#inFlight += 1;
    this.#account(leg, 1);
  }

  settle(leg: LegKey, state: LegState, reason: string): void {
    this.#inFlight -= 1;
    this.#add(leg, state, reason, 1);
  }

  /**
   * Books legs that were never opened here: restored ones, and exchanges that were offered and never arrived.
   *
   * @param count - ≥ 0; 0 notes that the candidate takes part in the epoch
   */
  book(leg: LegKey, state: LegState, reason: string, count: number): void {
    this.#add(leg, state, reason, count);
    this.#account(leg, count);
  }

  /** Legs settled or in flight: what `offered` is held against. */
  account(epoch: string, candidate: string, route: string): LegAccount {
    return this.#accounts.get(`${epoch}|${candidate}|${route}`) ?? NO_ACCOUNT;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** All cells, copied; cumulative over all epochs known to this journal. Counts of 0 are left out. */
  snapshot(): LegCell[] {
    return copyOf(this.#cells);
  }

  /**
   * As `snapshot`, summed up over hours (0) and size classes (`''`): its size depends on how many epochs there
   * were, not on how long they last, so that a status can carry it for months.
   */
  totals(): LegCell[] {
    return copyOf(this.#totals);
  }

  #account(leg: LegKey, count: number): void {
    const key = `${leg.epoch}|${leg.candidate}|${leg.route}`;
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { total: 0, spots: new Map() };
      this.#accounts.set(key, account);
    }
    account.total += count;
    const spot = legSpot(leg.hour, leg.sizeClass);
    account.spots.set(spot, (account.spots.get(spot) ?? 0) + count);
  }

  #add(leg: LegKey, state: LegState, reason: string, count: number): void {
    const { epoch, candidate, route, hour, sizeClass } = leg;
    const key = { epoch, candidate, route, hour, sizeClass, state, reason };
    addTo(this.#cells, key, count);
    addTo(this.#totals, { ...key, hour: 0, sizeClass: '' }, count);
  }
}

function addTo(cells: Map<string, LegCell>, key: Omit<LegCell, 'count'>, count: number): void {
  const id = legCellId(key);
  const cell = cells.get(id);
  if (cell === undefined) cells.set(id, { ...key, count });
  else cell.count += count;
}

function copyOf(cells: ReadonlyMap<string, LegCell>): LegCell[] {
  const copies: LegCell[] = [];
  for (const cell of cells.values()) if (cell.count > 0) copies.push({ ...cell });
  return copies;
}

/** Where in an epoch, candidate and route a leg counts. */
export function legSpot(hour: number, sizeClass: string): string {
  return `${hour}|${sizeClass}`;
}

/** Two cells with the same id are the same count. */
export function legCellId(cell: Omit<LegCell, 'count'>): string {
  const { epoch, candidate, route, hour, sizeClass, state, reason } = cell;
  return `${epoch}|${candidate}|${route}|${hour}|${sizeClass}|${state}|${reason}`;
}

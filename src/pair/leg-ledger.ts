/**
 * The mirror's ledger of legs. A leg is opened once and settled once; what is derived from a gateway's ledger
 * (`lost_in_crash`, `ineligible(not_configured)`) is booked without having been opened, since the mirror never
 * saw those exchanges.
 *
 * Invariants, at every moment, for each epoch, candidate and route:
 *   accounted = Σ cells + in flight, in flight ≥ 0
 *   sums only grow: a fold moves the counts of old hours into one (`OLDER_LEGS_HOUR`), as the epoch's gateway does
 * Bounded by epochs × candidates × routes × hours kept × size classes × (state, reason) pairs.
 */
import { type LegCell, type LegKey, type LegState, OLDER_LEGS_HOUR } from './leg-states.ts';

/** Legs of one epoch, candidate and route, settled or in flight. */
export interface LegAccount {
  readonly total: number;
  /** By `legSpot`; hours as folded. */
  readonly spots: ReadonlyMap<string, number>;
}

interface Account extends LegAccount {
  total: number;
  readonly spots: Map<string, number>;
}

interface OpenedLeg {
  readonly leg: LegKey;
  readonly account: Account;
  readonly spot: string;
}

interface AddedLeg {
  readonly leg: LegKey;
  readonly state: LegState;
  readonly reason: string;
  readonly cell: LegCell;
  readonly total: LegCell;
}

const NO_ACCOUNT: LegAccount = { total: 0, spots: new Map() };

export class LegLedger {
  readonly #cells = new Map<string, LegCell>();
  /** The cells, summed up over hours and size classes. */
  readonly #totals = new Map<string, LegCell>();
  /** By `epoch|candidate|route`. */
  readonly #accounts = new Map<string, Account>();
  /** By epoch: hours below are folded. */
  readonly #foldedBefore = new Map<string, number>();
  #inFlight = 0;
  /** What was counted last: a leg mostly resembles the one before, and a key costs more than it. */
  #lastAdded: AddedLeg | null = null;
  #lastAccount: OpenedLeg | null = null;

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

  /**
   * Counts hours of an epoch below `before` as older ones, now and from now on: what the gateway of the epoch has
   * done with its exchanges. A lower value than before changes nothing.
   */
  fold(epoch: string, before: number): void {
    if (before <= (this.#foldedBefore.get(epoch) ?? 0)) return;
    this.#foldedBefore.set(epoch, before);
    this.#lastAdded = null;
    this.#lastAccount = null;
    for (const [id, cell] of this.#cells) {
      if (cell.epoch !== epoch || foldedHour(cell.hour, before) === cell.hour) continue;
      this.#cells.delete(id);
      addTo(this.#cells, { ...cell, hour: OLDER_LEGS_HOUR }, cell.count);
    }
    for (const [key, { spots }] of this.#accounts) {
      if (key.startsWith(`${epoch}|`)) foldSpots(spots, before);
    }
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
   * As `snapshot`, summed up over hours and size classes (`''`): its size depends on how many epochs there
   * were, not on how long they last, so that a status can carry it for months.
   */
  totals(): LegCell[] {
    return copyOf(this.#totals);
  }

  #account(leg: LegKey, count: number): void {
    const last = this.#lastAccount;
    if (last !== null && isSameLeg(last.leg, leg)) {
      last.account.total += count;
      last.account.spots.set(last.spot, (last.account.spots.get(last.spot) ?? 0) + count);
      return;
    }
    const key = `${leg.epoch}|${leg.candidate}|${leg.route}`;
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = { total: 0, spots: new Map() };
      this.#accounts.set(key, account);
    }
    account.total += count;
    const spot = legSpot(this.#hourOf(leg), leg.sizeClass);
    account.spots.set(spot, (account.spots.get(spot) ?? 0) + count);
    this.#lastAccount = { leg, account, spot };
  }

  #add(leg: LegKey, state: LegState, reason: string, count: number): void {
    const last = this.#lastAdded;
    if (last?.state === state && last.reason === reason && isSameLeg(last.leg, leg)) {
      last.cell.count += count;
      last.total.count += count;
      return;
    }
    const { epoch, candidate, route, sizeClass } = leg;
    const hour = this.#hourOf(leg);
    const key = { epoch, candidate, route, hour, sizeClass, state, reason };
    const cell = addTo(this.#cells, key, count);
    const total = addTo(this.#totals, { ...key, hour: OLDER_LEGS_HOUR, sizeClass: '' }, count);
    this.#lastAdded = { leg, state, reason, cell, total };
  }

  #hourOf({ epoch, hour }: LegKey): number {
    return foldedHour(hour, this.#foldedBefore.get(epoch) ?? 0);
  }
}

function foldedHour(hour: number, before: number): number {
  return hour < before ? OLDER_LEGS_HOUR : hour;
}

function foldSpots(spots: Map<string, number>, before: number): void {
  for (const [spot, count] of spots) {
    const [hour = '', sizeClass = ''] = spot.split('|');
    if (foldedHour(Number(hour), before) === Number(hour)) continue;
    spots.delete(spot);
    const older = legSpot(OLDER_LEGS_HOUR, sizeClass);
    spots.set(older, (spots.get(older) ?? 0) + count);
  }
}

function addTo(cells: Map<string, LegCell>, key: Omit<LegCell, 'count'>, count: number): LegCell {
  const id = legCellId(key);
  const cell = cells.get(id);
  if (cell === undefined) {
    const added = { ...key, count };
    cells.set(id, added);
    return added;
  }
  cell.count += count;
  return cell;
}

/** Whether two legs are counted in the same cells. */
export function isSameLeg(a: LegKey, b: LegKey): boolean {
  return (
    a.candidate === b.candidate &&
    a.hour === b.hour &&
    a.sizeClass === b.sizeClass &&
    a.epoch === b.epoch &&
    a.route === b.route
  );
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

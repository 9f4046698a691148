/**
 * What the mirror knows of one gateway epoch: its exchange ledger as last reported, and the sequence up to
 * which each offered exchange is accounted for.
 *
 *   1 … expected−1   arrived, or known not to arrive any more and booked as lost
 *   expected …       on the wire, or not yet offered
 *
 * Invariants
 * - A connection keeps order, and a report stands behind the frames it counts: when a report with `nextSeq`
 *   has been read, what is below it and has not arrived on this connection never will.
 * - A hello counts all exchanges offered before its connection. It is taken only when the connection before it
 *   has been read to its end; then the same holds for it.
 * - The offered cells of a report add up to `nextSeq` − 1. A report that does not is refused.
 * - `expected` never goes back: a sequence below it is refused, so no exchange is counted twice.
 * - In doubt (`doubt`), what arrived here is all that is accounted for: nobody knows what earlier mirrors counted.
 */
import { legSpot } from '../pair/leg-ledger.ts';
import type { EpochLedger } from '../record/recorder-port.ts';
import { type ExchangeCell, exchangeCellId } from '../wire/exchange-ledger.ts';
import type { SizeClass } from '../wire/exchange-states.ts';

/** Offered exchanges of one route and epoch, in all and by hour and size class. */
export interface OfferedExchanges {
  total: number;
  /** By `legSpot`. */
  readonly spots: Map<string, OfferedSpot>;
}

export interface OfferedSpot {
  readonly hour: number;
  readonly sizeClass: SizeClass | '';
  count: number;
}

export interface Report {
  readonly cells: readonly ExchangeCell[];
  readonly nextSeq: number;
}

export class EpochBook {
  readonly epoch: string;
  readonly instance: string;
  #cells: Map<string, ExchangeCell>;
  #expected: number;
  #gap = false;
  #arrived = 0;
  #inDoubt = false;
  #state: EpochLedger['state'];
  #receivedAtMs: number;
  #unreportedMs = 0;

  /** @param ledger - of an earlier mirror; or nothing offered yet, where this is the first hello */
  constructor(ledger: EpochLedger) {
    this.epoch = ledger.epoch;
    this.instance = ledger.instance;
    this.#cells = byId(ledger.cells);
    this.#expected = ledger.offered + 1;
    this.#state = ledger.state;
    this.#receivedAtMs = ledger.receivedAtMs;
  }

  get state(): EpochLedger['state'] {
    return this.#state;
  }

  /** @returns false on a sequence that is already accounted for: the frame must not be taken */
  arrive(seq: number): boolean {
    if (seq < this.#expected) return false;
    if (seq > this.#expected) this.#gap = true;
    this.#expected = seq + 1;
    this.#arrived += 1;
    return true;
  }

  /**
   * Takes a report. A whole one (a hello's) replaces the ledger, another one its changed cells.
   *
   * @returns `missing`: some that were offered never arrived; `refused`: it contradicts itself, or what has
   *   arrived, and changed nothing
   */
  take(report: Report, whole: boolean, atMs: number): 'complete' | 'missing' | 'refused' {
    if (report.nextSeq < this.#expected) return 'refused';
    const cells = whole ? new Map<string, ExchangeCell>() : new Map(this.#cells);
    for (const cell of report.cells) cells.set(exchangeCellId(cell), { ...cell });
    if (offeredIn(cells.values()) !== report.nextSeq - 1) return 'refused';
    const missing = this.#inDoubt || this.#gap || report.nextSeq > this.#expected;
    this.#cells = cells;
    this.#expected = report.nextSeq;
    this.#gap = false;
    this.#state = 'live';
    this.#receivedAtMs = atMs;
    this.#unreportedMs = 0;
    return missing ? 'missing' : 'complete';
  }

  /** What was offered and is not accounted for cannot be told now: each report is `missing` until it can. */
  doubt(): void {
    this.#inDoubt = true;
  }

  /** All that was offered by the last report is accounted for. */
  resolve(): void {
    this.#inDoubt = false;
  }

  /** The connection has ended: after a farewell `clean`, else `unclean` until the gateway comes back. */
  end(clean: boolean, atMs: number): void {
    this.#state = clean ? 'clean' : 'unclean';
    this.#unreportedMs = clean ? 0 : Math.max(0, atMs - this.#receivedAtMs);
  }

  /** Offered exchanges by route, as reported. */
  offered(): Map<string, OfferedExchanges> {
    const routes = new Map<string, OfferedExchanges>();
    for (const cell of this.#cells.values()) {
      if (cell.state !== 'offered') continue;
      const { hour, sizeClass, count } = cell;
      let offered = routes.get(cell.route);
      if (offered === undefined) {
        offered = { total: 0, spots: new Map() };
        routes.set(cell.route, offered);
      }
      offered.total += count;
      offered.spots.set(legSpot(hour, sizeClass), { hour, sizeClass, count });
    }
    return routes;
  }

  /**
   * Adds offered exchanges that arrived after the last report of an epoch that has ended. They were seen, too:
   * where the ledger has no head left for them, one is added.
   */
  raise(route: string, spot: OfferedSpot): void {
    const { hour, sizeClass, count } = spot;
    this.#add({ route, hour, sizeClass, state: 'offered', reason: '', count });
    let open = 0;
    for (const cell of this.#cells.values()) {
      if (cell.route !== route || cell.hour !== hour) continue;
      open += cell.state === 'seen' ? cell.count : -cell.count;
    }
    if (open >= 0) return;
    this.#add({ route, hour, sizeClass: '', state: 'seen', reason: '', count: -open });
  }

  /** For the journal. */
  toLedger(): EpochLedger {
    return { ...this.#head(), cells: Array.from(this.#cells.values(), (cell) => ({ ...cell })) };
  }

  /** As `toLedger`, its cells summed up over hours (0) and size classes (`''`): for a status. */
  toTotals(): EpochLedger {
    const totals = new Map<string, ExchangeCell>();
    for (const { route, state, reason, count } of this.#cells.values()) {
      const cell: ExchangeCell = { route, hour: 0, sizeClass: '', state, reason, count };
      const id = exchangeCellId(cell);
      const known = totals.get(id);
      if (known === undefined) totals.set(id, cell);
      else known.count += count;
    }
    return { ...this.#head(), cells: Array.from(totals.values()) };
  }

  #head(): Omit<EpochLedger, 'cells'> {
    return {
      epoch: this.epoch,
      instance: this.instance,
      offered: offeredIn(this.#cells.values()),
      receivedAtMs: this.#receivedAtMs,
      state: this.#state,
    };
  }

  /** Exchanges accounted for: see the head of this file. */
  get received(): number {
    if (this.#inDoubt) return this.#arrived;
    return this.#state === 'live' ? this.#expected - 1 : offeredIn(this.#cells.values());
  }

  get unreportedMs(): number {
    return this.#unreportedMs;
  }

  #add(cell: ExchangeCell): void {
    const id = exchangeCellId(cell);
    const known = this.#cells.get(id);
    if (known === undefined) this.#cells.set(id, cell);
    else known.count += cell.count;
  }
}

function byId(cells: readonly ExchangeCell[]): Map<string, ExchangeCell> {
  return new Map(cells.map((cell) => [exchangeCellId(cell), { ...cell }]));
}

function offeredIn(cells: Iterable<ExchangeCell>): number {
  let sum = 0;
  for (const cell of cells) if (cell.state === 'offered') sum += cell.count;
  return sum;
}

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
 * - `expected` and `foldedBefore` never go back: a sequence below it is refused, so no exchange is counted twice.
 * - In doubt (`doubt`), what arrived here is all that is accounted for: nobody knows what earlier mirrors counted.
 *
 * A report costs time for the cells that it brings, and once an hour, when one is folded, for all of them.
 */
import { legSpot } from '../pair/leg-ledger.ts';
import type { EpochLedger } from '../record/recorder-port.ts';
import { type ExchangeCell, exchangeCellId, sumOverHours } from '../wire/exchange-ledger.ts';
import { isFolded, type SizeClass } from '../wire/exchange-states.ts';
import type { LedgerReport } from '../wire/json-messages.ts';

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

export class EpochBook {
  readonly epoch: string;
  readonly instance: string;
  /** By `participantId`: who gets copies of what is offered now; of the mirror before, until its first hello. */
  configured: ReadonlySet<string>;
  #cells: Map<string, ExchangeCell>;
  #offered: number;
  #foldedBefore: number;
  #expected: number;
  /** Below `expected`, not arrived, and not yet booked as lost: the next report says which they were. */
  #gaps = 0;
  #arrived = 0;
  #inDoubt = false;
  #state: EpochLedger['state'];
  #receivedAtMs: number;
  #unreportedMs: number | null;

  /** @param ledger - of an earlier mirror; or nothing offered yet, where this is the first hello */
  constructor(ledger: EpochLedger) {
    this.epoch = ledger.epoch;
    this.instance = ledger.instance;
    this.configured = new Set(ledger.configured ?? []);
    this.#cells = new Map(ledger.cells.map((cell) => [exchangeCellId(cell), { ...cell }]));
    this.#offered = offeredIn(this.#cells.values());
    this.#foldedBefore = ledger.foldedBefore;
    this.#expected = ledger.offered + 1;
    this.#state = ledger.state;
    this.#receivedAtMs = ledger.receivedAtMs;
    this.#unreportedMs = ledger.unreportedMs;
  }

  get state(): EpochLedger['state'] {
    return this.#state;
  }

  get foldedBefore(): number {
    return this.#foldedBefore;
  }

  /** @returns false on a sequence that is already accounted for: the frame must not be taken */
  arrive(seq: number): boolean {
    if (seq < this.#expected) return false;
    this.#gaps += seq - this.#expected;
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
  take(report: LedgerReport, whole: boolean, atMs: number): 'complete' | 'missing' | 'refused' {
    const { nextSeq, foldedBefore } = report;
    if (nextSeq < this.#expected || foldedBefore < this.#foldedBefore) return 'refused';
    const changed = new Map(report.cells.map((cell) => [exchangeCellId(cell), { ...cell }]));
    const cells = whole ? new Map<string, ExchangeCell>() : this.#cells;
    if (this.#offeredAfter(cells, changed, foldedBefore) !== nextSeq - 1) return 'refused';
    const missing = this.#inDoubt || this.#gaps > 0 || nextSeq > this.#expected;
    if (foldedBefore > this.#foldedBefore) dropFolded(cells, foldedBefore);
    for (const [id, cell] of changed) if (!isFolded(cell.hour, foldedBefore)) cells.set(id, cell);
    this.#cells = cells;
    this.#offered = nextSeq - 1;
    this.#foldedBefore = foldedBefore;
    this.#expected = nextSeq;
    this.#gaps = 0;
    this.#state = 'live';
    this.#receivedAtMs = atMs;
    this.#unreportedMs = null;
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
    this.#unreportedMs = clean ? null : Math.max(0, atMs - this.#receivedAtMs);
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
    this.#offered += count;
    let open = 0;
    for (const cell of this.#cells.values()) {
      if (cell.route !== route || cell.hour !== hour) continue;
      open += cell.state === 'seen' ? cell.count : -cell.count;
    }
    if (open >= 0) return;
    this.#add({ route, hour, sizeClass: '', state: 'seen', reason: '', count: -open });
  }

  /** All of it, or with these cells. */
  toLedger(cells: readonly ExchangeCell[] = this.#copyCells()): EpochLedger {
    return {
      epoch: this.epoch,
      instance: this.instance,
      offered: this.#offered,
      cells,
      foldedBefore: this.#foldedBefore,
      configured: Array.from(this.configured),
      receivedAtMs: this.#receivedAtMs,
      state: this.#state,
      unreportedMs: this.#unreportedMs,
    };
  }

  /** As `toLedger`, its cells summed up over hours and size classes: for a status. */
  toTotals(): EpochLedger {
    return this.toLedger(sumOverHours(this.#cells.values()));
  }

  /** Exchanges accounted for: see the head of this file. */
  get received(): number {
    if (this.#inDoubt) return this.#arrived;
    return this.#state === 'live' ? this.#expected - 1 - this.#gaps : this.#offered;
  }

  /** Offered exchanges, once `cells` have changed so. */
  #offeredAfter(
    cells: ReadonlyMap<string, ExchangeCell>,
    changed: ReadonlyMap<string, ExchangeCell>,
    foldedBefore: number,
  ): number {
    let offered = cells === this.#cells ? this.#offered : 0;
    if (foldedBefore > this.#foldedBefore) {
      for (const cell of cells.values())
        if (isFolded(cell.hour, foldedBefore)) offered -= offeredOf(cell);
    }
    for (const [id, cell] of changed) {
      if (isFolded(cell.hour, foldedBefore)) continue;
      offered += offeredOf(cell) - offeredOf(cells.get(id));
    }
    return offered;
  }

  #copyCells(): ExchangeCell[] {
    return Array.from(this.#cells.values(), (cell) => ({ ...cell }));
  }

  #add(cell: ExchangeCell): void {
    const id = exchangeCellId(cell);
    const known = this.#cells.get(id);
    if (known === undefined) this.#cells.set(id, cell);
    else known.count += cell.count;
  }
}

function dropFolded(cells: Map<string, ExchangeCell>, foldedBefore: number): void {
  for (const [id, cell] of cells) if (isFolded(cell.hour, foldedBefore)) cells.delete(id);
}

function offeredOf(cell: ExchangeCell | undefined): number {
  return cell?.state === 'offered' ? cell.count : 0;
}

function offeredIn(cells: Iterable<ExchangeCell>): number {
  let sum = 0;
  for (const cell of cells) sum += offeredOf(cell);
  return sum;
}

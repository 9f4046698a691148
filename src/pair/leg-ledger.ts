/**
 * The mirror's ledger of legs. A leg is opened once and settled once; `lost_in_crash` is derived and
 * settled without having been opened, since the mirror never saw those exchanges.
 *
 * Invariant, for each epoch and candidate: opened = Σ settled (but lost_in_crash) + in flight, in flight ≥ 0.
 */
import type { LegCell, LegKey, LegState } from './leg-states.ts';

export class LegLedger {
  readonly #cells = new Map<string, LegCell>();
  /** Legs accounted for (settled or in flight), by `epoch|candidate|route`. */
  readonly #accounted = new Map<string, number>();
  #inFlight = 0;

  /** Takes up what earlier mirrors have committed to the journal, before the first hello. */
  restore(cells: readonly LegCell[]): void {
    for (const cell of cells) {
      this.#add(cell, cell.state, cell.reason, cell.count);
      this.#account(cell, cell.count);
    }
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
   * Books legs whose exchange was offered and never arrived.
   *
   * @param leg - epoch, candidate, route; hour and size class of the loss where known
   * @param count - ≥ 1
   */
  lose(leg: LegKey, count: number): void {
    this.#add(leg, 'lost_in_crash', '', count);
    this.#account(leg, count);
  }

  /** Legs settled or in flight: what `offered` is held against at a hello. */
  accounted(epoch: string, candidate: string, route: string): number {
    return this.#accounted.get(`${epoch}|${candidate}|${route}`) ?? 0;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** All cells, copied; cumulative over all epochs known to this journal. */
  snapshot(): LegCell[] {
    return Array.from(this.#cells.values(), (cell) => ({ ...cell }));
  }

  #account(leg: Pick<LegKey, 'epoch' | 'candidate' | 'route'>, count: number): void {
    const key = `${leg.epoch}|${leg.candidate}|${leg.route}`;
    this.#accounted.set(key, (this.#accounted.get(key) ?? 0) + count);
  }

  #add(leg: LegKey, state: LegState, reason: string, count: number): void {
    const { epoch, candidate, route, hour, sizeClass } = leg;
    const id = legCellId({ epoch, candidate, route, hour, sizeClass, state, reason });
    const cell = this.#cells.get(id);
    if (cell === undefined) {
      this.#cells.set(id, { epoch, candidate, route, hour, sizeClass, state, reason, count });
    } else {
      cell.count += count;
    }
  }
}

/** Two cells with the same id are the same count. */
export function legCellId(cell: Omit<LegCell, 'count'>): string {
  const { epoch, candidate, route, hour, sizeClass, state, reason } = cell;
  return `${epoch}|${candidate}|${route}|${hour}|${sizeClass}|${state}|${reason}`;
}

import { legCellId } from '../../pair/leg-ledger.ts';
import type { LegCell, LegKey, LegState } from '../../pair/leg-states.ts';

/** Legs by state, summed up until somebody takes them. */
export class LegSums {
  #cells = new Map<string, LegCell>();

  /** @param count - ≥ 1 */
  add(leg: LegKey, state: LegState, reason: string, count: number): void {
    const { epoch, candidate, route, hour, sizeClass } = leg;
    const key = { epoch, candidate, route, hour, sizeClass, state, reason };
    const id = legCellId(key);
    const cell = this.#cells.get(id);
    if (cell === undefined) this.#cells.set(id, { ...key, count });
    else cell.count += count;
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0;
  }

  /** Takes what was summed up; begins anew. */
  take(): LegCell[] {
    const cells = Array.from(this.#cells.values());
    this.#cells = new Map();
    return cells;
  }
}

/** Copies a UTC day. What earlier mirrors sent today is taken up from the journal's books. */
import { LIMITS } from '../config/defaults.ts';
import type { LegCell, LegState } from '../pair/leg-states.ts';

/** Legs of these states were sent, or may have been: a crash is charged, since the candidate comes first. */
const SENT: ReadonlySet<LegState> = new Set([
  'paired',
  'candidate_error',
  'candidate_timeout',
  'journal_dropped',
  'lost_in_crash',
]);

export class DailyBudget {
  readonly max: number;
  #day: number;
  #used = 0;
  /** Kept back by the breaker today. */
  #keptBack = 0;

  /**
   * @param max - copies a day, ≥ 0; 0: no budget
   * @param wallMs - Unix ms
   */
  constructor(max: number, wallMs: number) {
    this.max = max;
    this.#day = dayOf(wallMs);
  }

  /** Adds what the cells of a candidate say of today. */
  restore(cells: readonly LegCell[], wallMs: number): void {
    const used = this.used(wallMs);
    const hoursADay = LIMITS.dayMs / 3_600_000;
    this.#used = used;
    for (const { hour, state, count } of cells) {
      if (Math.floor(hour / hoursADay) !== this.#day) continue;
      if (SENT.has(state)) this.#used += count;
      else if (state === 'breaker_open') this.#keptBack += count;
    }
  }

  has(wallMs: number): boolean {
    return this.max === 0 || this.used(wallMs) < this.max;
  }

  /** Counts a copy that is sent. */
  take(wallMs: number): void {
    this.#used = this.used(wallMs) + 1;
  }

  /**
   * Counts a copy that the breaker keeps back, if it fits in the budget beside what was sent and kept back today.
   * It takes no place of a copy that is sent later.
   *
   * @returns whether it fits
   */
  keepBack(wallMs: number): boolean {
    const used = this.used(wallMs);
    if (this.max > 0 && used + this.#keptBack >= this.max) return false;
    this.#keptBack += 1;
    return true;
  }

  /** Copies sent today. A clock that goes back does not give a new day. */
  used(wallMs: number): number {
    const day = dayOf(wallMs);
    if (day > this.#day) {
      this.#day = day;
      this.#used = 0;
      this.#keptBack = 0;
    }
    return this.#used;
  }
}

function dayOf(wallMs: number): number {
  return Math.floor(wallMs / LIMITS.dayMs);
}

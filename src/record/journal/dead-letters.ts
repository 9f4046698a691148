/**
 * The journal's table of pairs that Kafka will not take: the record stays in `pairs`, and with it its size is
 * bounded by the journal's cap and retention; what is past retention leaves with its pair.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { DeadLetter } from './journal-batch.ts';
import { numberOf } from './sqlite-rows.ts';

/** `retry`: into the outbox again. `drop`: forgotten; the pair stays in the journal until its retention ends. */
export type DeadLetterAction = 'retry' | 'drop';

/** Counting costs time for each row: what was counted is good for so long. */
const COUNT_MS = 1_000;

export class DeadLetters {
  readonly #db: DatabaseSync;
  #count = 0;
  #countedAtMs = Number.NEGATIVE_INFINITY;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @param nowMs - of any clock that goes forward */
  count(nowMs: number): number {
    if (nowMs - this.#countedAtMs < COUNT_MS) return this.#count;
    const row = this.#db.prepare('SELECT count(*) AS dead FROM dead_letters').get();
    this.#count = numberOf(row, 'dead');
    this.#countedAtMs = nowMs;
    return this.#count;
  }

  /** @param now - Unix ms */
  add({ seq, id, code }: DeadLetter, now: number): void {
    this.#db
      .prepare('INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?)')
      .run(seq, id, code, now);
    this.#countedAtMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * In one transaction.
   *
   * @param seq - of one; `null`: of all
   * @returns how many are in the outbox now that were not before
   */
  settle(action: DeadLetterAction, seq: number | null): number {
    this.#countedAtMs = Number.NEGATIVE_INFINITY;
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const which = seq === null ? 'seq >= ?' : 'seq = ?';
      const retried =
        action === 'retry'
          ? this.#db
              .prepare(
                `INSERT OR IGNORE INTO outbox
                 SELECT seq FROM dead_letters JOIN pairs USING (seq) WHERE ${which}`,
              )
              .run(seq ?? 0).changes
          : 0;
      this.#db.prepare(`DELETE FROM dead_letters WHERE ${which}`).run(seq ?? 0);
      this.#db.exec('COMMIT');
      return Number(retried);
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

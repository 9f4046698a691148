/**
 * Pairs that leave the journal, and the count of them, in the transaction in which they do.
 *
 * Invariant: pairs ever recorded = pairs held + Σ departures. The first is the table's last sequence, since sequences
 * have no gaps.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { numberOf, textOf } from './sqlite-rows.ts';

/**
 * `expired`: past retention, and nothing needed it any more. `evicted`: it had to go, by the cap or by its age.
 * `erased`: an operator had its key erased. `earlier`: gone under a version that did not count. `damaged`: a repair could
 * not read it.
 */
export type DepartureReason = 'expired' | 'evicted' | 'erased' | 'earlier' | 'damaged';

/** Pairs that left, and how many of them somebody still waited for. */
export interface Departure {
  readonly count: number;
  /** Not yet acknowledged by Kafka, a batch under way at that moment included. */
  readonly unpublished: number;
  /** Not yet read by the analysis. */
  readonly unanalysed: number;
}

export const NO_DEPARTURE: Departure = { count: 0, unpublished: 0, unanalysed: 0 };

export function sumOf(a: Departure, b: Departure): Departure {
  return {
    count: a.count + b.count,
    unpublished: a.unpublished + b.unpublished,
    unanalysed: a.unanalysed + b.unanalysed,
  };
}

export class Departures {
  readonly #nth: StatementSync;
  readonly #unanalysed: StatementSync;
  readonly #pairs: StatementSync;
  readonly #outbox: StatementSync;
  readonly #deadLetters: StatementSync;
  readonly #put: StatementSync;

  constructor(db: DatabaseSync) {
    this.#nth = db.prepare(`SELECT count(*) AS count, max(seq) AS seq FROM
      (SELECT seq, time_ms FROM pairs ORDER BY seq LIMIT ?) WHERE time_ms < ?`);
    this.#unanalysed = db.prepare(
      'SELECT count(*) AS count FROM pairs WHERE seq > ? AND seq <= ? AND time_ms < ?',
    );
    this.#pairs = db.prepare('DELETE FROM pairs WHERE seq <= ? AND time_ms < ?');
    const gone = 'seq <= ? AND seq NOT IN (SELECT seq FROM pairs)';
    this.#outbox = db.prepare(`DELETE FROM outbox WHERE ${gone}`);
    this.#deadLetters = db.prepare(`DELETE FROM dead_letters WHERE ${gone}`);
    this.#put = db.prepare(`INSERT INTO departures VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      count = count + excluded.count, unpublished = unpublished + excluded.unpublished,
      unanalysed = unanalysed + excluded.unanalysed`);
  }

  /** Counts pairs that have been deleted. */
  note(why: DepartureReason, departure: Departure): void {
    if (departure.count === 0) return;
    this.#put.run(why, departure.count, departure.unpublished, departure.unanalysed);
  }

  /**
   * Deletes the oldest pairs, published and analysed or not, and counts them as evicted.
   *
   * @param beforeMs - only those of exchanges before it, Unix ms
   * @param limit - at most so many, of the oldest so many: a look at more would read the whole journal
   * @param analysedSeq - the last sequence that the analysis has read
   * @returns with the last sequence of them
   */
  evictOldest(
    beforeMs: number,
    limit: number,
    analysedSeq: number,
  ): Departure & { readonly upTo: number } {
    const nth = this.#nth.get(limit, beforeMs);
    if (numberOf(nth, 'count') === 0) return { ...NO_DEPARTURE, upTo: 0 };
    const last = numberOf(nth, 'seq');
    const unanalysed = numberOf(this.#unanalysed.get(analysedSeq, last, beforeMs), 'count');
    // Kafka was switched off for a while: rows whose pairs have expired since are nobody's.
    this.#outbox.run(last);
    const count = Number(this.#pairs.run(last, beforeMs).changes);
    const unpublished = Number(this.#outbox.run(last).changes);
    this.#deadLetters.run(last);
    const departure = { count, unpublished, unanalysed };
    this.note('evicted', departure);
    return { ...departure, upTo: last };
  }
}

/** All that have left since the file was made; none where an earlier version wrote it. */
export function readDepartures(db: DatabaseSync): Record<DepartureReason, Departure> {
  const all = {
    expired: NO_DEPARTURE,
    evicted: NO_DEPARTURE,
    erased: NO_DEPARTURE,
    earlier: NO_DEPARTURE,
    damaged: NO_DEPARTURE,
  };
  for (const row of db.prepare('SELECT * FROM departures').all()) {
    const why = textOf(row, 'why');
    if (!Object.hasOwn(all, why)) continue;
    all[why as DepartureReason] = {
      count: numberOf(row, 'count'),
      unpublished: numberOf(row, 'unpublished'),
      unanalysed: numberOf(row, 'unanalysed'),
    };
  }
  return all;
}

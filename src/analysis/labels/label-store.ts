/**
 * Outcomes and the pairs that wait for them, in the file of the analysis:
 *
 *   labels     key → the outcome that became known last: a semilattice, so the order of imports does not matter
 *   outcomes   one row a pair of an attempt that judges quality
 *
 * What is judged is a function of both tables: outcomes may come before their pairs or after them, twice, or corrected.
 * Of two outcomes of a pair, by its join value or its exchange, the one with the larger (at, rank, label) counts; `rank` is the place in its import where
 * no time is told.
 */
import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { numberOf, type SqliteRow, textOf } from '../../record/journal/sqlite-rows.ts';
import type { OutcomeRow } from '../quality/outcome-row.ts';
import { addCounts, type LabelCounts, type LabelEntry, NO_LABELS } from './label-entry.ts';

/** Part of the schema of the analysis, version 2. */
export const LABEL_SCHEMA = `
  CREATE TABLE labels (
    key TEXT PRIMARY KEY, label TEXT NOT NULL, at_ms INTEGER NOT NULL, rank INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE outcomes (
    attempt INTEGER NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, time_ms INTEGER NOT NULL,
    incumbent_score REAL, candidate_score REAL, flags INTEGER NOT NULL,
    PRIMARY KEY (attempt, id)
  ) WITHOUT ROWID;
`;

/** A pair, and its outcome; `null`: not known. */
export interface JoinedOutcome {
  readonly row: OutcomeRow;
  readonly label: string | null;
}

export class LabelStore {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Takes outcomes, all of them or none. Call it inside a transaction, or alone.
   *
   * @param nowMs - Unix ms, for those that tell no time; larger than at any call before
   * @throws {UnderstudyError} `UND_LABELS_FULL`; errors of SQLite as they are
   */
  take(entries: readonly LabelEntry[], nowMs: number): LabelCounts {
    const find = this.#db.prepare('SELECT label, at_ms, rank FROM labels WHERE key = ?');
    const put = this.#db.prepare('INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?)');
    let counts = NO_LABELS;
    this.#db.exec('SAVEPOINT take_labels');
    try {
      for (const [i, { key, label, atMs }] of entries.entries()) {
        const told = { label, atMs: atMs ?? nowMs, rank: atMs === null ? i : 0 };
        const row = find.get(key);
        const known = row === undefined ? null : toKnown(row);
        if (known === null || isLater(told, known)) put.run(key, label, told.atMs, told.rank);
        counts = addCounts(counts, { ...NO_LABELS, [whatBecame(known, told)]: 1 });
      }
      if (counts.added > 0) this.#makeRoom(nowMs);
      this.#db.exec('RELEASE take_labels');
      return counts;
    } catch (error) {
      this.#db.exec('ROLLBACK TO take_labels; RELEASE take_labels');
      throw error;
    }
  }

  /** Outcomes that are kept, of whatever pairs. */
  get size(): number {
    return numberOf(this.#db.prepare('SELECT count(*) AS n FROM labels').get(), 'n');
  }

  /** Where room is short, outcomes that are known for a year and that no pair waits for are let go. */
  #makeRoom(nowMs: number): void {
    if (this.size <= LIMITS.labelsKept) return;
    this.#db
      .prepare(`DELETE FROM labels WHERE at_ms < ?
        AND key NOT IN (SELECT key FROM outcomes)
        AND key NOT IN (SELECT ${EXCHANGE} FROM outcomes)`)
      .run(nowMs - KEPT_MS);
    if (this.size <= LIMITS.labelsKept) return;
    const most = LIMITS.labelsKept.toLocaleString('en-GB');
    const message = `${most} outcomes of the last year are kept already, and there is room for no more.`;
    throw new UnderstudyError('UND_LABELS_FULL', message);
  }

  /** Pairs of an attempt that wait, or have their outcome. */
  count(attempt: number): number {
    const sql = 'SELECT count(*) AS n FROM outcomes WHERE attempt = ?';
    return numberOf(this.#db.prepare(sql).get(attempt), 'n');
  }

  /** A pair that is there already stays as it is. */
  put(attempt: number, rows: readonly OutcomeRow[]): void {
    const sql = 'INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)';
    const statement = this.#db.prepare(sql);
    for (const row of rows) {
      statement.run(
        ...[attempt, row.id, row.key, row.timeMs],
        ...[toReal(row.incumbentScore), toReal(row.candidateScore), toFlags(row)],
      );
    }
  }

  /** Pairs of all attempts but these are let go. */
  keepOnly(attempts: readonly number[]): void {
    const list = attempts.map(Number).join(', ');
    this.#db.exec(`DELETE FROM outcomes WHERE attempt NOT IN (${list})`);
  }

  /** All pairs of an attempt, in the order of their ids. */
  *all(attempt: number): Generator<JoinedOutcome> {
    const sql = `${JOINED} WHERE p.attempt = ? ORDER BY p.id`;
    for (const row of this.#db.prepare(sql).iterate(attempt)) yield toJoined(row);
  }

  /** Scores of the first pairs, by time and id, that calibrate and have this outcome. @param limit - pairs */
  calibrating(attempt: number, label: string, limit: number): OutcomeRow[] {
    const sql = `${JOINED} WHERE p.attempt = ? AND p.flags & ${CALIBRATES} != 0
      AND ${LABEL} = ? ORDER BY p.time_ms, p.id LIMIT ?`;
    return this.#db
      .prepare(sql)
      .all(attempt, label, limit)
      .map((row) => toJoined(row).row);
  }
}

const KEPT_MS = 365 * 86_400_000;

const INCUMBENT = 1;
const CANDIDATE = 2;
const FAILED = 4;
const CALIBRATES = 8;

/** The id of the exchange in that of a pair, `EPOCH.SEQ/CANDIDATE`. */
const EXCHANGE = "substr(id, 1, instr(id, '/') - 1)";

/** Of an outcome by the join value and one by the exchange the last to become known, as of two of one key. */
const LABEL = `CASE WHEN b.key IS NULL
    OR (a.at_ms, a.rank, a.label) > (b.at_ms, b.rank, b.label) THEN a.label ELSE b.label END`;

const JOINED = `SELECT p.id, p.key, p.time_ms, p.incumbent_score, p.candidate_score, p.flags,
    ${LABEL} AS label
  FROM outcomes p
  LEFT JOIN labels a ON a.key = p.key
  LEFT JOIN labels b ON b.key = substr(p.id, 1, instr(p.id, '/') - 1)`;

interface Known {
  readonly label: string;
  readonly atMs: number;
  readonly rank: number;
}

function toKnown(row: SqliteRow): Known {
  return { label: textOf(row, 'label'), atMs: numberOf(row, 'at_ms'), rank: numberOf(row, 'rank') };
}

function isLater(told: Known, known: Known): boolean {
  if (told.atMs !== known.atMs) return told.atMs > known.atMs;
  return told.rank === known.rank ? told.label > known.label : told.rank > known.rank;
}

function whatBecame(known: Known | null, told: Known): keyof LabelCounts {
  if (known === null) return 'added';
  if (known.label === told.label) return 'unchanged';
  return isLater(told, known) ? 'corrected' : 'outdated';
}

function toReal(score: number): number | null {
  return Number.isNaN(score) ? null : score;
}

function toFlags(row: OutcomeRow): number {
  return (
    (row.incumbentFlagged ? INCUMBENT : 0) +
    (row.candidateFlagged ? CANDIDATE : 0) +
    (row.candidateFailed ? FAILED : 0) +
    (row.calibrates ? CALIBRATES : 0)
  );
}

function toJoined(row: SqliteRow): JoinedOutcome {
  const flags = numberOf(row, 'flags');
  const id = textOf(row, 'id');
  const { label } = row;
  return {
    row: {
      id,
      key: textOf(row, 'key'),
      exchange: id.slice(0, id.indexOf('/')),
      timeMs: numberOf(row, 'time_ms'),
      incumbentScore: realOf(row, 'incumbent_score'),
      candidateScore: realOf(row, 'candidate_score'),
      incumbentFlagged: (flags & INCUMBENT) !== 0,
      candidateFlagged: (flags & CANDIDATE) !== 0,
      candidateFailed: (flags & FAILED) !== 0,
      calibrates: (flags & CALIBRATES) !== 0,
    },
    label: typeof label === 'string' ? label : null,
  };
}

function realOf(row: SqliteRow, name: string): number {
  const value = row[name];
  return typeof value === 'number' ? value : Number.NaN;
}

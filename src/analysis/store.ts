/**
 * Attempts, their states and how far their source has been read, in one SQLite file. States and position move in
 * one transaction: whatever kills the process, what is counted and what is read agree.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { UnderstudyError } from '../errors.ts';
import { FileLock } from '../record/journal/file-lock.ts';
import { quarantine } from '../record/journal/quarantine.ts';
import { isDamage } from '../record/journal/sqlite-errors.ts';
import { memberOf, numberOf, type SqliteRow, textOf } from '../record/journal/sqlite-rows.ts';
import type { Analysis } from './analysis.ts';
import type { CoverageCell } from './coverage-cells.ts';
import { type ErasedPair, eraseFromAnalysis } from './erase-pairs.ts';
import type { LabelCounts, LabelEntry } from './labels/label-entry.ts';
import { LabelStore } from './labels/label-store.ts';
import type { ExperimentPlan } from './plan.ts';
import type { OutcomeRow } from './quality/outcome-row.ts';
import { QualityBook } from './quality/quality-book.ts';
import {
  changedEntries,
  restoreAnalysis,
  STATE_KINDS,
  type StateEntry,
  settle,
} from './state-entries.ts';
import { analysisPath, openAnalysisFile, readAnalysisFile } from './store-file.ts';
import type { Coverage } from './verdict.ts';

/** One attempt of a candidate: from the moment its plan was frozen until it was closed. */
export interface Attempt {
  readonly id: number;
  readonly plan: ExperimentPlan;
  /** Of plan and configuration, without the moment of the start. */
  readonly hash: string;
  readonly profile: string;
  readonly startedBy: string;
  readonly reason: string;
  /** ISO 8601 UTC; empty: open. */
  readonly closedAt: string;
  readonly closedReason: string;
  /** Which one of this candidate in this experiment, from 1. */
  readonly number: number;
  /** What had been counted when it started. */
  readonly baseline: readonly CoverageCell[];
}

export type NewAttempt = Pick<
  Attempt,
  'plan' | 'hash' | 'profile' | 'startedBy' | 'reason' | 'baseline'
>;

/** What one transaction writes. */
export interface Commit {
  /** Source → position. */
  readonly positions: Readonly<Record<string, string>>;
  /** Attempt → its state, of which what has changed is written. */
  readonly analyses: ReadonlyMap<number, Analysis>;
  /** Candidate → cells that have changed. */
  readonly coverage: ReadonlyMap<string, readonly CoverageCell[]>;
  readonly cuts: readonly { attempt: number; cutMs: number; coverage: Coverage }[];
  /** Attempt → pairs that wait for their outcomes. */
  readonly outcomes?: ReadonlyMap<number, readonly OutcomeRow[]>;
}

export class AnalysisStore {
  readonly #db: DatabaseSync;
  readonly #lock: FileLock | null;
  readonly labels: LabelStore;
  /** Damaged files set aside at this opening. */
  readonly quarantined: number;

  private constructor(db: DatabaseSync, lock: FileLock | null, quarantined = 0) {
    this.#db = db;
    this.#lock = lock;
    this.labels = new LabelStore(db);
    this.quarantined = quarantined;
  }

  /**
   * Opens the file to write; a damaged one is set aside and a new one begun.
   *
   * @param dataDir - made where it is missing
   * @throws {UnderstudyError} `UND_ANALYSIS_LOCKED` somebody else has it, `UND_ANALYSIS_VERSION`; errors of
   *   SQLite and the file system as they are
   */
  static open(dataDir: string): AnalysisStore {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const lock = FileLock.take(join(dataDir, 'analysis.lock'));
    if (lock === null) {
      const message = `Another process analyses in ${dataDir}: one data folder, one analysis.`;
      throw new UnderstudyError('UND_ANALYSIS_LOCKED', message);
    }
    const path = analysisPath(dataDir);
    try {
      try {
        return new AnalysisStore(sound(openAnalysisFile(path)), lock);
      } catch (error) {
        if (!isDamage(error)) throw error;
        quarantine(path, new Date());
        return new AnalysisStore(openAnalysisFile(path), lock, 1);
      }
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Opens the file to read, whoever writes it. Errors as {@link open}, and of SQLite where there is no file. */
  static read(dataDir: string): AnalysisStore {
    return new AnalysisStore(readAnalysisFile(analysisPath(dataDir)), null);
  }

  /** How far a source has been read; empty: not at all. */
  position(source: string): string {
    const row = this.#db.prepare('SELECT position FROM sources WHERE name = ?').get(source);
    return row === undefined ? '' : textOf(row, 'position');
  }

  /** All attempts, oldest first. */
  attempts(): Attempt[] {
    const counts = new Map<string, number>();
    return this.#db
      .prepare('SELECT * FROM attempts ORDER BY id')
      .all()
      .map((row) => {
        const of = JSON.stringify([textOf(row, 'experiment'), textOf(row, 'candidate')]);
        const number = (counts.get(of) ?? 0) + 1;
        counts.set(of, number);
        return toAttempt(row, number);
      });
  }

  /** @returns its id */
  start({ plan, hash, profile, startedBy, reason, baseline }: NewAttempt): number {
    const result = this.#db
      .prepare(`INSERT INTO attempts
        (experiment, candidate, hash, profile, plan, baseline, started_by, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
      .run(
        ...[plan.experiment, plan.candidate, hash, profile],
        ...[JSON.stringify(plan), JSON.stringify(baseline), startedBy, reason],
      );
    return Number(result.lastInsertRowid);
  }

  /** @param at - ISO 8601 UTC */
  close(attempt: number, at: string, reason: string): void {
    this.#db
      .prepare(
        "UPDATE attempts SET closed_at = ?, closed_reason = ? WHERE id = ? AND closed_at = ''",
      )
      .run(at, reason, attempt);
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that were not written here */
  load({ id, plan }: Attempt): Analysis {
    const rows = this.#db
      .prepare('SELECT kind, key, stretch, bytes FROM states WHERE attempt = ?')
      .iterate(id);
    return restoreAnalysis(plan, toEntries(rows));
  }

  /** What outcomes say of an attempt, now; `null` where it judges no quality. */
  quality({ id, plan }: Attempt, options = { withSample: false }): QualityBook | null {
    const source = {
      all: () => this.labels.all(id),
      calibrating: (label: string, limit: number) => this.labels.calibrating(id, label, limit),
      leftOut: Number(this.position(leftOutOf(id))),
    };
    return QualityBook.of(plan, source, options);
  }

  /** Outcomes, all or none; committed when it returns. Arguments and errors as `LabelStore.take`. */
  takeLabels(entries: readonly LabelEntry[], nowMs: number): LabelCounts {
    return this.labels.take(entries, nowMs);
  }

  coverage(candidate: string): CoverageCell[] {
    return this.#db
      .prepare('SELECT * FROM coverage WHERE candidate = ?')
      .all(candidate)
      .map((row) => ({
        epoch: textOf(row, 'epoch'),
        route: textOf(row, 'route'),
        hour: numberOf(row, 'hour'),
        sizeClass: textOf(row, 'size_class'),
        observed: numberOf(row, 'observed'),
        lost: numberOf(row, 'lost'),
        breakerOpen: numberOf(row, 'breaker_open'),
      }));
  }

  /** Coverage at the closed cuts of an attempt, by cut, in order. */
  cuts(attempt: number): Map<number, Coverage> {
    const rows = this.#db
      .prepare('SELECT cut_ms, coverage FROM cuts WHERE attempt = ? ORDER BY cut_ms')
      .all(attempt);
    return new Map(
      rows.map((row) => [numberOf(row, 'cut_ms'), JSON.parse(textOf(row, 'coverage')) as Coverage]),
    );
  }

  /** Writes all of it or nothing; only then are changes settled. */
  commit({ positions, analyses, coverage, cuts, outcomes = new Map() }: Commit): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const [attempt, rows] of outcomes) this.labels.put(attempt, rows);
      for (const [attempt, analysis] of analyses) this.#putStates(attempt, analysis);
      for (const [candidate, cells] of coverage) this.#putCoverage(candidate, cells);
      this.#run('INSERT OR IGNORE INTO cuts VALUES (?, ?, ?)', cuts, (cut) => [
        cut.attempt,
        cut.cutMs,
        JSON.stringify(cut.coverage),
      ]);
      this.#run(
        'INSERT OR REPLACE INTO sources VALUES (?, ?)',
        Object.entries(positions),
        (row) => row,
      );
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
    for (const analysis of analyses.values()) settle(analysis);
  }

  /** Takes pairs out of all attempts. Answer and errors as `eraseFromAnalysis`. */
  erase(pairs: readonly ErasedPair[]): number {
    return eraseFromAnalysis(this.#db, pairs);
  }

  end(): void {
    this.#db.close();
    this.#lock?.release();
  }

  #putStates(attempt: number, analysis: Analysis): void {
    const sql = 'INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?)';
    this.#run(sql, changedEntries(analysis), ({ kind, key, stretch, bytes }) => {
      return [attempt, kind, key, stretch, bytes];
    });
  }

  #putCoverage(candidate: string, cells: readonly CoverageCell[]): void {
    const sql = 'INSERT OR REPLACE INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
    this.#run(sql, cells, ({ epoch, route, hour, sizeClass, observed, lost, breakerOpen }) => {
      return [candidate, epoch, route, hour, sizeClass, observed, lost, breakerOpen];
    });
  }

  #run<T>(sql: string, items: Iterable<T>, toRow: (item: T) => readonly SQLInputValue[]): void {
    const statement = this.#db.prepare(sql);
    for (const item of items) statement.run(...toRow(item));
  }
}

/** Source under whose name it stands how many pairs of an attempt found no room to wait. */
export function leftOutOf(attempt: number): string {
  return `outcomes-left-out:${attempt}`;
}

/** Reads what has a meaning, so that damage shows at the opening. */
function sound(db: DatabaseSync): DatabaseSync {
  try {
    db.prepare('PRAGMA quick_check(1)').get();
    db.prepare('SELECT count(*) AS attempts FROM attempts').get();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function toAttempt(row: SqliteRow, number: number): Attempt {
  return {
    id: numberOf(row, 'id'),
    plan: JSON.parse(textOf(row, 'plan')) as ExperimentPlan,
    hash: textOf(row, 'hash'),
    profile: textOf(row, 'profile'),
    startedBy: textOf(row, 'started_by'),
    reason: textOf(row, 'reason'),
    closedAt: textOf(row, 'closed_at'),
    closedReason: textOf(row, 'closed_reason'),
    number,
    baseline: JSON.parse(textOf(row, 'baseline')) as CoverageCell[],
  };
}

function* toEntries(rows: Iterable<SqliteRow>): Generator<StateEntry> {
  for (const row of rows) {
    const { bytes } = row;
    yield {
      kind: memberOf(row, 'kind', STATE_KINDS),
      key: textOf(row, 'key'),
      stretch: numberOf(row, 'stretch'),
      bytes: bytes instanceof Uint8Array ? bytes : new Uint8Array(),
    };
  }
}

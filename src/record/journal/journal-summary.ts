/**
 * What is in a journal, for an operator: read beside its owner, in short statements, so that the WAL can be reset
 * between them. Counts that belong together come from one statement's snapshot.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import { type Departure, type DepartureReason, readDepartures } from './departures.ts';
import { generationOf, readJournalFile, schemaVersionOf } from './journal-file.ts';
import { namingDamage } from './sqlite-errors.ts';
import { numberOf, textOf } from './sqlite-rows.ts';
import { readWatermark } from './watermark-file.ts';

const HOUR_MS = 3_600_000;

export interface JournalSummary {
  readonly path: string;
  readonly schema: number;
  /** Drawn when the file was made. */
  readonly generation: string;
  readonly fileBytes: number;
  readonly walBytes: number;
  readonly pairs: {
    readonly held: number;
    /** Sequences of the oldest and the newest; 0 where there is none. */
    readonly firstSeq: number;
    readonly lastSeq: number;
    /** All that were ever recorded in this file. */
    readonly recorded: number;
    /** ISO 8601 of the earliest and the latest exchange; empty where there is none. */
    readonly oldest: string;
    readonly newest: string;
  };
  /** Pairs held. */
  readonly held: readonly HeldCell[];
  /** Legs of all times, by the committed books. */
  readonly legs: readonly LegCount[];
  /** `null`: an earlier schema did not count. */
  readonly left: Readonly<Record<DepartureReason, Departure>> | null;
  /** Whether recorded = held + left; `null` where that is not counted. */
  readonly addsUp: boolean | null;
  readonly outbox: { readonly pairs: number; readonly firstSeq: number; readonly oldest: string };
  readonly deadLetters: number;
  readonly idConflicts: number;
  readonly epochs: Readonly<Record<'live' | 'clean' | 'unclean', number>>;
  /** Pairs that the embedded analysis has not read; `null`: nobody has said how far it is. */
  readonly unanalysed: number | null;
  /** Damaged journals set aside in the same folder. */
  readonly quarantined: readonly { readonly name: string; readonly bytes: number }[];
}

export interface HeldCell {
  readonly candidate: string;
  readonly experiment: string;
  /** Start of the hour, ISO 8601. */
  readonly hour: string;
  readonly pairs: number;
}

export interface LegCount {
  readonly candidate: string;
  readonly route: string;
  /** Start of the hour, ISO 8601; empty: older ones, folded. */
  readonly hour: string;
  readonly state: string;
  readonly reason: string;
  readonly legs: number;
}

/**
 * @param path - of the journal's file
 * @throws {UnderstudyError} `UND_JOURNAL_MISSING`, `UND_JOURNAL_VERSION`, `UND_JOURNAL_CORRUPT`; errors of SQLite
 */
export function summariseJournal(path: string): JournalSummary {
  const db = readJournalFile(path);
  try {
    const schema = schemaVersionOf(db);
    const counted = countPairs(db, schema);
    const { cells, oldestMs, newestMs } = readHeld(db, counted.pairs.lastSeq);
    const one = (sql: string): number => numberOf(db.prepare(sql).get(), 'n');
    return {
      path,
      schema,
      generation: generationOf(db),
      fileBytes: sizeOf(path),
      walBytes: sizeOf(`${path}-wal`),
      ...counted,
      pairs: { ...counted.pairs, oldest: isoOf(oldestMs), newest: isoOf(newestMs) },
      held: cells,
      legs: readLegs(db),
      outbox: readOutbox(db),
      deadLetters: one('SELECT count(*) AS n FROM dead_letters'),
      idConflicts: one('SELECT count(*) AS n FROM id_conflicts'),
      epochs: {
        live: one("SELECT count(*) AS n FROM epochs WHERE state = 'live'"),
        clean: one("SELECT count(*) AS n FROM epochs WHERE state = 'clean'"),
        unclean: one("SELECT count(*) AS n FROM epochs WHERE state = 'unclean'"),
      },
      unanalysed: countUnanalysed(db, path, counted.pairs.lastSeq),
      quarantined: quarantinedBeside(path),
    };
  } catch (error) {
    throw namingDamage(error, path);
  } finally {
    db.close();
  }
}

/** In one transaction: otherwise a commit in between would make a sum wrong that is right. */
function countPairs(
  db: DatabaseSync,
  schema: number,
): {
  readonly pairs: { held: number; firstSeq: number; lastSeq: number; recorded: number };
  readonly left: JournalSummary['left'];
  readonly addsUp: boolean | null;
} {
  db.exec('BEGIN');
  try {
    const row = db
      .prepare(`SELECT (SELECT count(*) FROM pairs) AS held,
        (SELECT coalesce(min(seq), 0) FROM pairs) AS first,
        (SELECT coalesce(max(seq), 0) FROM pairs) AS last,
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pairs'), 0) AS recorded`)
      .get();
    const held = numberOf(row, 'held');
    const recorded = numberOf(row, 'recorded');
    const pairs = {
      held,
      firstSeq: numberOf(row, 'first'),
      lastSeq: numberOf(row, 'last'),
      recorded,
    };
    if (schema < 3) return { pairs, left: null, addsUp: null };
    const left = readDepartures(db);
    const gone = Object.values(left).reduce((sum, { count }) => sum + count, 0);
    return { pairs, left, addsUp: held + gone === recorded };
  } finally {
    db.exec('ROLLBACK');
  }
}

function readHeld(
  db: DatabaseSync,
  lastSeq: number,
): { cells: HeldCell[]; oldestMs: number; newestMs: number } {
  const counts = new Map<
    string,
    { candidate: string; experiment: string; hour: number; pairs: number }
  >();
  let oldestMs = Number.POSITIVE_INFINITY;
  let newestMs = Number.NEGATIVE_INFINITY;
  const page =
    db.prepare(`SELECT candidate, experiment, CAST(time_ms / ${HOUR_MS} AS INTEGER) AS hour,
    count(*) AS pairs, min(time_ms) AS oldest, max(time_ms) AS newest, max(seq) AS last FROM
    (SELECT * FROM pairs WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ${LIMITS.journalScanPairs})
    GROUP BY candidate, experiment, hour`);
  for (let after = 0; after < lastSeq; ) {
    const rows = page.all(after, lastSeq);
    if (rows.length === 0) break;
    for (const row of rows) {
      const [candidate, experiment] = [textOf(row, 'candidate'), textOf(row, 'experiment')];
      const hour = numberOf(row, 'hour');
      const id = JSON.stringify([candidate, experiment, hour]);
      const cell = counts.get(id) ?? { candidate, experiment, hour, pairs: 0 };
      cell.pairs += numberOf(row, 'pairs');
      counts.set(id, cell);
      oldestMs = Math.min(oldestMs, numberOf(row, 'oldest'));
      newestMs = Math.max(newestMs, numberOf(row, 'newest'));
      after = Math.max(after, numberOf(row, 'last'));
    }
  }
  const cells = [...counts.values()].sort(
    (a, b) => a.hour - b.hour || compare(a.candidate, b.candidate),
  );
  return {
    cells: cells.map((cell) => ({ ...cell, hour: isoOf(cell.hour * HOUR_MS) })),
    oldestMs,
    newestMs,
  };
}

function readLegs(db: DatabaseSync): LegCount[] {
  return db
    .prepare(`SELECT candidate, route, hour, state, reason, sum(count) AS legs FROM leg_counts
      GROUP BY candidate, route, hour, state, reason ORDER BY candidate, route, hour, state, reason`)
    .all()
    .map((row) => {
      const hour = numberOf(row, 'hour');
      return {
        candidate: textOf(row, 'candidate'),
        route: textOf(row, 'route'),
        hour: hour === 0 ? '' : isoOf(hour * HOUR_MS),
        state: textOf(row, 'state'),
        reason: textOf(row, 'reason'),
        legs: numberOf(row, 'legs'),
      };
    });
}

function readOutbox(db: DatabaseSync): JournalSummary['outbox'] {
  const row = db
    .prepare('SELECT count(*) AS pairs, coalesce(min(seq), 0) AS first FROM outbox')
    .get();
  const firstSeq = numberOf(row, 'first');
  const oldest = db.prepare('SELECT time_ms FROM pairs WHERE seq = ?').get(firstSeq);
  const oldestMs = oldest === undefined ? Number.NaN : numberOf(oldest, 'time_ms');
  return { pairs: numberOf(row, 'pairs'), firstSeq, oldest: isoOf(oldestMs) };
}

function countUnanalysed(db: DatabaseSync, path: string, lastSeq: number): number | null {
  const mark = readWatermark(dirname(path));
  if (mark === null || mark.generation !== generationOf(db)) return null;
  return Math.max(0, lastSeq - mark.seq);
}

/** Names and sizes, their companions included. */
export function quarantinedBeside(path: string): { name: string; bytes: number }[] {
  const folder = dirname(path);
  const prefix = `${basename(path)}.quarantined-`;
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith('Z'));
  return names.sort().map((name) => {
    const files = ['', '-wal', '-shm'].map((companion) => join(folder, name + companion));
    return { name, bytes: files.reduce((sum, file) => sum + sizeOf(file), 0) };
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function isoOf(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

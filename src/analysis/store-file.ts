/**
 * The file of the analysis, `analysis.sqlite` in the data folder: its place, its schema, how it is opened. The
 * analysis thread of the admin process alone writes it; others read.
 *
 *   attempts   what was judged, from when to when
 *   states     parts of an attempt's state, as bytes
 *   sources    how far each source has been read: moves with the states, in one transaction
 *   coverage   counts of copies by hour, as last copied from the journal's books
 *   cuts       coverage at each closed cut
 *   labels     outcomes that were told; outcomes: pairs that wait for them (labels/label-store.ts)
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UnderstudyError } from '../errors.ts';
import { isDamage } from '../record/journal/sqlite-errors.ts';
import { numberOf } from '../record/journal/sqlite-rows.ts';
import { LABEL_SCHEMA } from './labels/label-store.ts';

const SCHEMA_VERSION = 2;

const SCHEMA = `
  CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment TEXT NOT NULL, candidate TEXT NOT NULL, hash TEXT NOT NULL, profile TEXT NOT NULL,
    plan TEXT NOT NULL, baseline TEXT NOT NULL,
    started_by TEXT NOT NULL, reason TEXT NOT NULL,
    closed_at TEXT NOT NULL DEFAULT '', closed_reason TEXT NOT NULL DEFAULT ''
  );
  CREATE TABLE states (
    attempt INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, stretch INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (attempt, kind, key, stretch)
  ) WITHOUT ROWID;
  CREATE TABLE sources (name TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE coverage (
    candidate TEXT NOT NULL, epoch TEXT NOT NULL, route TEXT NOT NULL, hour INTEGER NOT NULL,
    size_class TEXT NOT NULL,
    observed INTEGER NOT NULL, lost INTEGER NOT NULL, breaker_open INTEGER NOT NULL,
    PRIMARY KEY (candidate, epoch, route, hour, size_class)
  ) WITHOUT ROWID;
  CREATE TABLE cuts (
    attempt INTEGER NOT NULL, cut_ms INTEGER NOT NULL, coverage TEXT NOT NULL,
    PRIMARY KEY (attempt, cut_ms)
  ) WITHOUT ROWID;
`;

/** @param dataDir - the data folder */
export function analysisPath(dataDir: string): string {
  return join(dataDir, 'analysis.sqlite');
}

/**
 * Opens or makes the file for its one writer. WAL, `synchronous=FULL`: the journal lets go of pairs that are
 * committed here.
 *
 * @throws {UnderstudyError} `UND_ANALYSIS_VERSION`; errors of SQLite as they are
 */
export function openAnalysisFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 1_000 });
  try {
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608',
    );
    const version = checkedVersion(db);
    const missing = (version < 1 ? SCHEMA : '') + (version < 2 ? LABEL_SCHEMA : '');
    if (missing !== '') {
      db.exec(`BEGIN IMMEDIATE; ${missing} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens the file to read; same errors, and `UND_ANALYSIS_STORE` where it is damaged, or nothing stands in it. */
export function readAnalysisFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  try {
    if (checkedVersion(db) > 0) return db;
    throw new UnderstudyError('UND_ANALYSIS_STORE', `${path} is empty: nothing was analysed yet.`);
  } catch (error) {
    db.close();
    if (!isDamage(error)) throw error;
    const message = `${path} is damaged: an instance sets it aside when it starts, and reads the journal anew.`;
    throw new UnderstudyError('UND_ANALYSIS_STORE', message, { cause: error });
  }
}

function checkedVersion(db: DatabaseSync): number {
  const version = numberOf(db.prepare('PRAGMA user_version').get(), 'user_version');
  if (version <= SCHEMA_VERSION) return version;
  throw new UnderstudyError(
    'UND_ANALYSIS_VERSION',
    `The analysis has schema ${version}, this version knows ${SCHEMA_VERSION}: update, or move the file away.`,
  );
}

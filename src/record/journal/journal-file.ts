/**
 * The journal's file: its place, its schema, how it is opened. Other processes read it (JournalReader), the
 * recorder thread alone writes it.
 *
 *   pairs           the records, in the order of recording; `seq` never repeats in one file
 *   outbox          seq of pairs that Kafka has not acknowledged (empty where no Kafka is configured)
 *   dead_letters    pairs that Kafka refuses for good; the record stays in `pairs`
 *   id_conflicts    records whose id was already there with other bytes
 *   leg_counts      legs by state: cumulative, all epochs; old hours are folded
 *   epochs, exchange_cells   gateway ledgers as last received: cumulative, replaced; old hours are folded
 *   departures      pairs that have left, by reason: `pairs` and these are all that were ever recorded
 *   recent_batches  the last transactions, so that a lost answer can be asked again
 */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UnderstudyError } from '../../errors.ts';
import { namingDamage, SQLITE_FULL, sqliteCode } from './sqlite-errors.ts';
import { numberOf, textOf } from './sqlite-rows.ts';

export const SCHEMA_VERSION = 3;

const DEPARTURES = `
  CREATE TABLE departures (
    why TEXT PRIMARY KEY, count INTEGER NOT NULL, unpublished INTEGER NOT NULL,
    unanalysed INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

const SCHEMA = `${DEPARTURES}
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE pairs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    candidate TEXT NOT NULL,
    experiment TEXT NOT NULL,
    time_ms REAL NOT NULL,
    json TEXT NOT NULL
  );
  CREATE TABLE outbox (seq INTEGER PRIMARY KEY);
  CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, code TEXT NOT NULL, at_ms REAL NOT NULL
  );
  CREATE TABLE id_conflicts (at_ms REAL NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL);
  CREATE TABLE leg_counts (
    epoch TEXT NOT NULL, candidate TEXT NOT NULL, route TEXT NOT NULL, hour INTEGER NOT NULL,
    size_class TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (epoch, candidate, route, hour, size_class, state, reason)
  ) WITHOUT ROWID;
  CREATE TABLE epochs (
    epoch TEXT PRIMARY KEY, instance TEXT NOT NULL, offered INTEGER NOT NULL,
    received_at_ms REAL NOT NULL, state TEXT NOT NULL, folded_before INTEGER NOT NULL DEFAULT 0,
    configured TEXT, unreported_ms REAL, noted TEXT NOT NULL DEFAULT ''
  ) WITHOUT ROWID;
  CREATE TABLE exchange_cells (
    epoch TEXT NOT NULL, route TEXT NOT NULL, hour INTEGER NOT NULL, size_class TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (epoch, route, hour, size_class, state, reason)
  ) WITHOUT ROWID;
  CREATE TABLE recent_batches (
    slot INTEGER PRIMARY KEY, session TEXT NOT NULL, number INTEGER NOT NULL, dropped TEXT NOT NULL
  );
`;

/** From each version to the next. Columns as in `SCHEMA`, in the same order. */
const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `
    ALTER TABLE epochs ADD COLUMN folded_before INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE epochs ADD COLUMN configured TEXT;
    ALTER TABLE epochs ADD COLUMN unreported_ms REAL;
    ALTER TABLE epochs ADD COLUMN noted TEXT NOT NULL DEFAULT '';`,
  2: `${DEPARTURES}
    INSERT INTO departures SELECT 'earlier', seq - (SELECT count(*) FROM pairs), 0, 0
      FROM sqlite_sequence WHERE name = 'pairs';`,
};

/** @param dataDir - the data folder */
export function journalPath(dataDir: string): string {
  return join(dataDir, 'journal.db');
}

/** A journal open for writing. */
export interface JournalFile {
  readonly db: DatabaseSync;
  readonly path: string;
  /** Drawn when the file was made: sequences of another generation mean other pairs. */
  readonly generation: string;
  /** False once the file or its WAL was removed or replaced under us: what is written now is lost. */
  isInPlace(): boolean;
}

/**
 * Opens or makes the journal, for its one writer. WAL, `synchronous=FULL`: a commit is on disk when it returns.
 *
 * @param path - of the file; its folder exists
 * @throws {UnderstudyError} `UND_JOURNAL_VERSION` when a newer version wrote it; errors of SQLite as they are
 */
export function openJournalFile(path: string): JournalFile {
  const db = new DatabaseSync(path, { timeout: 100 });
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    // What is deleted within a page is overwritten, at no cost; free pages keep their bytes until they are used again.
    db.exec('PRAGMA secure_delete = FAST');
    db.exec('PRAGMA journal_size_limit = 8388608'); // a WAL that grew shrinks at its next reset
    migrate(db);
    proveRoom(db);
    const generation = generationOf(db);
    const inode = inodeOf(path);
    const walInode = inodeOf(`${path}-wal`);
    const isInPlace = (): boolean =>
      inodeOf(path) === inode && inodeOf(`${path}-wal`) === walInode && inode !== 0;
    return { db, path, generation, isInPlace };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a file to read, whoever writes it. @throws errors of SQLite */
export function openReadOnly(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
}

/**
 * Opens a journal to read, whoever writes it.
 *
 * @throws {UnderstudyError} `UND_JOURNAL_VERSION`, `UND_JOURNAL_CORRUPT` when it is none, or damaged; other errors of SQLite as they are
 */
export function readJournalFile(path: string): DatabaseSync {
  const db = openReadOnly(path);
  try {
    if (schemaVersionOf(db) > 0) return db;
    throw new UnderstudyError('UND_JOURNAL_CORRUPT', `${path} is no journal, or an empty one.`);
  } catch (error) {
    db.close();
    throw namingDamage(error, path);
  }
}

/**
 * Writes, since reading works on a full disk, too. Where it is full, a WAL that was left behind is emptied into
 * the file first: that needs room for new pages alone.
 */
function proveRoom(db: DatabaseSync): void {
  const write = (): void => {
    db.exec(`INSERT INTO meta VALUES ('opened_at', '${new Date().toISOString()}')
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  };
  try {
    write();
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_FULL) throw error;
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    write();
  }
}

/** @returns the schema version; @throws {UnderstudyError} `UND_JOURNAL_VERSION` when it is a newer one */
export function schemaVersionOf(db: DatabaseSync): number {
  const version = numberOf(db.prepare('PRAGMA user_version').get(), 'user_version');
  if (version <= SCHEMA_VERSION) return version;
  throw new UnderstudyError(
    'UND_JOURNAL_VERSION',
    `The journal has schema ${version}, this version knows ${SCHEMA_VERSION}: update, or move the file away.`,
  );
}

/** @throws {UnderstudyError} `UND_JOURNAL_CORRUPT` when it is not there */
export function generationOf(db: DatabaseSync): string {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'generation'").get();
  return textOf(row ?? {}, 'value');
}

/** 0 where there is no such file. */
export function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

function migrate(db: DatabaseSync): void {
  const version = schemaVersionOf(db);
  if (version === SCHEMA_VERSION) return;
  const tables = db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table'");
  if (version === 0 && numberOf(tables.get(), 'tables') > 0) {
    throw new UnderstudyError('UND_JOURNAL_CORRUPT', 'The journal file holds something else.');
  }
  db.exec('BEGIN IMMEDIATE');
  try {
    if (version === 0) {
      db.exec(SCHEMA);
      db.prepare("INSERT INTO meta VALUES ('generation', ?)").run(randomUUID());
    }
    for (const [from, sql] of Object.entries(MIGRATIONS)) {
      if (version > 0 && Number(from) >= version) db.exec(sql);
    }
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Takes the pairs of one key out of a journal that is in use, so that their bytes are gone: in steps, between which
 * batches are written.
 *
 *   1. rows of pairs, outbox, dead letters and id conflicts are deleted, and overwritten with zeros (`secure_delete`)
 *   2. free pages, where pairs that left earlier may still stand, are filled with zeros
 *   3. the WAL, which has the pages as they were, is emptied and cut to nothing
 *
 * What the file system or the disk below keeps of blocks that it has freed is not in our hands.
 */
import type { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { Departures } from './departures.ts';
import { numberOf, textOf } from './sqlite-rows.ts';
import { readWatermark } from './watermark-file.ts';

const PAGE_BYTES = 4_096;
/** Pages that are filled with zeros in one step. */
const STEP_PAGES = 512;
/** So often the WAL is tried to be cut, while a reader is in it. */
const WAL_TRIES = 1_000;
/** Modes, as the pragma numbers them. */
const SECURE_DELETE = ['OFF', 'ON', 'FAST'];

export interface ErasureStep {
  /** Pairs erased so far. */
  readonly erased: number;
  /** Pairs that left the outbox in this step. */
  readonly unpublished: number;
  /** Bytes that hold nothing but zeros for now. */
  readonly filledBytes: number;
}

/**
 * @param analysisDir - where the analysis says how far it has read; `undefined`: nobody analyses
 * @throws {UnderstudyError} `UND_JOURNAL_TRACES` when a reader keeps the WAL; errors of SQLite as they are: it can be
 *   done again
 */
export function* eraseKey(
  db: DatabaseSync,
  key: string,
  analysisDir: string | undefined,
): Generator<ErasureStep> {
  db.exec('PRAGMA secure_delete = ON');
  try {
    let erased = 0;
    for (const step of deleteRows(db, key, analysisDir)) {
      erased += step.erased;
      yield { ...step, erased, filledBytes: 0 };
    }
    for (const filledBytes of fillFreePages(db)) yield { erased, unpublished: 0, filledBytes };
    for (let tries = 0; !cutWal(db); tries += 1) {
      if (tries === WAL_TRIES) throw walError();
      yield { erased, unpublished: 0, filledBytes: 0 };
    }
    yield { erased, unpublished: 0, filledBytes: 0 };
  } finally {
    db.exec('PRAGMA secure_delete = FAST');
  }
}

/** Takes away what a step left behind that was killed; its pages hold zeros, which need no overwriting. */
export function dropFilling(db: DatabaseSync): void {
  const mode = numberOf(db.prepare('PRAGMA secure_delete').get(), 'secure_delete');
  // ON would write all of them once more, in one transaction: as much WAL as there were free pages.
  db.exec('PRAGMA secure_delete = FAST');
  try {
    db.exec('DROP TABLE IF EXISTS filling');
  } finally {
    db.exec(`PRAGMA secure_delete = ${SECURE_DELETE[mode] ?? 'FAST'}`);
  }
}

/** For a file that nobody else has open: rewritten from its live rows, so that nothing else is left in it. */
export function rewriteFile(db: DatabaseSync): void {
  dropFilling(db);
  db.exec('VACUUM');
  if (!cutWal(db)) throw walError();
}

function* deleteRows(
  db: DatabaseSync,
  key: string,
  analysisDir: string | undefined,
): Generator<{ erased: number; unpublished: number }> {
  const departures = new Departures(db);
  const analysedSeq = analysedIn(db, analysisDir);
  const upTo = numberOf(db.prepare('SELECT coalesce(max(seq), 0) AS seq FROM pairs').get(), 'seq');
  const find = db.prepare('SELECT seq, id FROM pairs WHERE seq > ? AND seq <= ? AND key = ?');
  for (let after = 0; after < upTo; after += LIMITS.journalScanPairs) {
    const rows = find.all(after, after + LIMITS.journalScanPairs, key);
    const found = rows.map((row) => ({ seq: numberOf(row, 'seq'), id: textOf(row, 'id') }));
    const unpublished =
      found.length === 0
        ? 0
        : inTransaction(db, () => {
            const count = deletePairs(db, found);
            const unanalysed = found.filter(({ seq }) => seq > analysedSeq).length;
            departures.note('erased', { count: found.length, unpublished: count, unanalysed });
            return count;
          });
    yield { erased: found.length, unpublished };
  }
}

/** The last sequence of this journal that the analysis has read; without one nothing waits for it. */
function analysedIn(db: DatabaseSync, analysisDir: string | undefined): number {
  if (analysisDir === undefined) return Number.MAX_SAFE_INTEGER;
  const row = db.prepare("SELECT value FROM meta WHERE name = 'generation'").get();
  const mark = readWatermark(analysisDir);
  return mark?.generation === textOf(row ?? {}, 'value') ? mark.seq : 0;
}

/** @returns how many were in the outbox */
function deletePairs(
  db: DatabaseSync,
  found: readonly { readonly seq: number; readonly id: string }[],
): number {
  const outbox = db.prepare('DELETE FROM outbox WHERE seq = ?');
  const dead = db.prepare('DELETE FROM dead_letters WHERE seq = ?');
  const conflicts = db.prepare('DELETE FROM id_conflicts WHERE id = ?');
  const pairs = db.prepare('DELETE FROM pairs WHERE seq = ?');
  let unpublished = 0;
  for (const { seq, id } of found) {
    unpublished += Number(outbox.run(seq).changes);
    dead.run(seq);
    conflicts.run(id);
    pairs.run(seq);
  }
  return unpublished;
}

/** Takes all free pages into a table of zeros and gives them back. Yields the bytes taken so far. */
export function* fillFreePages(db: DatabaseSync): Generator<number> {
  const free = db.prepare('PRAGMA freelist_count');
  db.exec('CREATE TABLE IF NOT EXISTS filling (zeros BLOB NOT NULL)');
  const fill = db.prepare('INSERT INTO filling VALUES (zeroblob(?))');
  // Others take free pages, too, and give some back: so many steps are enough for those that are there now.
  let left = numberOf(free.get(), 'freelist_count');
  try {
    for (let filled = 0; left > 0; ) {
      const pages = Math.min(STEP_PAGES, left, numberOf(free.get(), 'freelist_count'));
      if (pages === 0) break;
      // An overflow page holds all but 4 bytes of a page; the last bytes stand beside the row.
      fill.run(pages * (PAGE_BYTES - 4) + 480);
      left -= pages;
      filled += pages * PAGE_BYTES;
      yield filled;
    }
  } finally {
    dropFilling(db);
  }
}

/** @returns whether nothing is left in it */
export function cutWal(db: DatabaseSync): boolean {
  // A try is short: whoever writes waits for it.
  const wait = numberOf(db.prepare('PRAGMA busy_timeout').get(), 'timeout');
  db.exec('PRAGMA busy_timeout = 5');
  try {
    return numberOf(db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get(), 'busy') === 0;
  } finally {
    db.exec(`PRAGMA busy_timeout = ${wait}`);
  }
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function walError(): UnderstudyError {
  return new UnderstudyError(
    'UND_JOURNAL_TRACES',
    'The pairs are deleted, but a reader keeps the journal’s WAL, where they still stand: end it, and erase again.',
  );
}

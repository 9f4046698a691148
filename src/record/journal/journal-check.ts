/**
 * Looks at a journal with a connection of its own: what the writer has in its page cache, it does not read
 * again, and damage to the file under it would show only in the next process.
 */
import { DatabaseSync } from 'node:sqlite';
import { readBookSums } from './journal-books.ts';
import { isDamage } from './sqlite-errors.ts';
import { textOf } from './sqlite-rows.ts';

/** Reads the newest pair, the outbox's ends and the books: a few pages. @returns whether that went well */
export function looksSound(path: string): boolean {
  return isReadable(path, (db) => {
    db.prepare('SELECT * FROM pairs ORDER BY seq DESC LIMIT 1').get();
    db.prepare('SELECT min(seq), max(seq) FROM outbox').get();
    readBookSums(db);
    return true;
  });
}

/** Reads the whole file, about a second for each GiB. @returns whether SQLite finds it sound */
export function isSound(path: string): boolean {
  return isReadable(path, (db) => {
    const row = db.prepare('PRAGMA quick_check(1)').get();
    return row !== undefined && textOf(row, 'quick_check') === 'ok';
  });
}

/** Trouble other than damage tells nothing of the file: it is left to the next commit. */
function isReadable(path: string, read: (db: DatabaseSync) => boolean): boolean {
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 100 });
    try {
      return read(db);
    } finally {
      db.close();
    }
  } catch (error) {
    return !isDamage(error);
  }
}

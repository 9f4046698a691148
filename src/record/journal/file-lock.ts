import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite-errors.ts';

/**
 * A file that one process holds. Node has no flock; a held `BEGIN EXCLUSIVE` on an empty database is one: the
 * kernel drops it with the process, however that ends. Child processes do not inherit it.
 */
export class FileLock {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Takes the lock, at once or not at all. The file stays when it is released: taking a name away that another
   * has just opened would give two owners.
   *
   * @returns `null` when somebody has it
   * @throws errors of SQLite as they are: the file cannot be made or written
   */
  static take(path: string): FileLock | null {
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
      return new FileLock(db);
    } catch (error) {
      db.close();
      if (isBusy(error)) return null;
      throw error;
    }
  }

  release(): void {
    this.#db.close();
  }
}

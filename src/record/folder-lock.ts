/**
 * One folder, one owner. Node has no flock; a held `BEGIN EXCLUSIVE` on an empty database is one: the kernel
 * drops it with the process, however that ends.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UnderstudyError } from '../errors.ts';
import { isBusy } from './sqlite-errors.ts';

export class FolderLock {
  readonly #db: DatabaseSync;

  /**
   * Takes the lock, at once or not at all.
   *
   * @param dataDir - an existing folder
   * @throws {UnderstudyError} `UND_JOURNAL_LOCKED` when somebody has it; errors of SQLite as they are
   */
  constructor(dataDir: string) {
    this.#db = new DatabaseSync(join(dataDir, 'journal.lock'), { timeout: 0 });
    try {
      this.#db.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      this.#db.close();
      if (!isBusy(error)) throw error;
      const message = `Another instance records to ${dataDir}: give each instance its own dataDir.`;
      throw new UnderstudyError('UND_JOURNAL_LOCKED', message, { cause: error });
    }
  }

  release(): void {
    this.#db.close();
  }
}

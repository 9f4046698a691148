import { join } from 'node:path';
import { UnderstudyError } from '../../errors.ts';
import { FileLock } from './file-lock.ts';

/** One data folder, one owner. */
export class FolderLock {
  readonly #lock: FileLock;

  /**
   * Takes the lock, at once or not at all.
   *
   * @param dataDir - an existing folder
   * @throws {UnderstudyError} `UND_JOURNAL_LOCKED` when somebody has it; errors of SQLite as they are
   */
  constructor(dataDir: string) {
    const lock = FileLock.take(join(dataDir, 'journal.lock'));
    if (lock === null) {
      const message = `Another instance records to ${dataDir}: give each instance its own dataDir.`;
      throw new UnderstudyError('UND_JOURNAL_LOCKED', message);
    }
    this.#lock = lock;
  }

  release(): void {
    this.#lock.release();
  }
}

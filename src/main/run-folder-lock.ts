/**
 * One run folder, one supervisor of each half: gateways, and what is behind them. A held `BEGIN EXCLUSIVE` on an
 * empty database is the lock, as for the data folder (record/journal/folder-lock.ts): the kernel drops it with the
 * process, however that ends, and nobody can hold it twice, whatever the moments of their starts.
 */
import { join } from 'node:path';
import { UnderstudyError } from '../errors.ts';
import { FileLock } from '../record/journal/file-lock.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import type { Role } from './process-plan.ts';

const HALVES: Readonly<Record<Role, readonly string[]>> = {
  all: ['gateway', 'backstage'],
  gateway: ['gateway'],
  backstage: ['backstage'],
};

export class RunFolderLock {
  readonly #locks: FileLock[] = [];

  /**
   * Takes the locks of a role, at once or not at all.
   *
   * @throws {UnderstudyError} `UND_RUN_FOLDER` when another supervisor has one of them, or the folder takes none
   */
  constructor(folder: RunFolder, role: Role) {
    try {
      for (const half of HALVES[role]) {
        const lock = FileLock.take(join(folder.path, `supervisor-${half}.lock`));
        if (lock === null) throw held(folder, half);
        this.#locks.push(lock);
      }
    } catch (cause) {
      this.release();
      if (cause instanceof UnderstudyError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `Cannot lock the run folder ${folder.path}: ${reason}.`;
      throw new UnderstudyError('UND_RUN_FOLDER', message, { cause });
    }
  }

  release(): void {
    for (const lock of this.#locks.splice(0)) lock.release();
  }
}

function held(folder: RunFolder, half: string): UnderstudyError {
  return new UnderstudyError(
    'UND_RUN_FOLDER',
    `Another supervisor has the run folder ${folder.path} (${half}), and is starting, ending or stopped: ` +
      'wait for it or end it, or give this one its own runDir and dataDir.',
    { details: { half } },
  );
}

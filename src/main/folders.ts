/** The run folder and the data folder: made with mode 0700, or said why not. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { UnderstudyError } from '../errors.ts';

/**
 * Makes a folder that only this user can enter, or takes one that exists.
 *
 * @param path - absolute
 * @throws {UnderstudyError} `UND_RUN_FOLDER` when it is no folder, another user's, or cannot be made
 */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { mode, uid } = statSync(path);
    const self = process.getuid?.();
    if (self !== undefined && self !== 0 && uid !== self) {
      throw new Error(`it belongs to user ${uid}, and this is user ${self}`);
    }
    if ((mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_RUN_FOLDER', `Cannot use the folder ${path}: ${reason}.`, {
      cause,
      details: { path },
    });
  }
}

/** The experiment's selection secret: shared by all processes of an instance, and by all its replicas. */
import type { Config } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import type { RunFolder } from './run-folder.ts';
import { isFileError, makeSecretFile, readSecretFile } from './secret-file.ts';

/**
 * Reads the configured secret file, or the run folder's, which whoever comes first makes (32 random bytes
 * in hex, mode 0600).
 *
 * @returns the secret, trimmed, 16 to 1,024 characters
 * @throws {UnderstudyError} `UND_SELECTION_SECRET` when it cannot be read or made, or is too short
 */
export function readSelectionSecret(config: Pick<Config, 'mirror'>, folder: RunFolder): string {
  const configured = config.mirror.selectionSecretFile;
  const path = configured === '' ? folder.selectionSecret : configured;
  try {
    return configured === '' ? readOrMake(path) : readSecretFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_SELECTION_SECRET', `No selection secret: ${why}.`, { cause });
  }
}

function readOrMake(path: string): string {
  try {
    return readSecretFile(path);
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
  }
  makeSecretFile(path);
  return readSecretFile(path);
}

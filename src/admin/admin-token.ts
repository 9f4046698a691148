/** The bearer token of the admin API. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { isFileError, makeSecretFile, readSecretFile } from '../telemetry/secret-file.ts';

export interface AdminToken {
  readonly file: string;
  readonly token: string;
  /** Whether others than the owner can read the file. */
  readonly exposed: boolean;
}

/** Where the token is, or will be: as configured, else `admin.token` in the data folder. */
export function adminTokenFile(config: Pick<Config, 'admin' | 'dataDir'>): string {
  return config.admin.tokenFile === ''
    ? join(config.dataDir, 'admin.token')
    : config.admin.tokenFile;
}

/**
 * Reads the token, and makes it first where there is none: 32 random bytes in hex, mode 0600.
 *
 * @throws {UnderstudyError} `UND_ADMIN_TOKEN` when it cannot be read or made, or has under 16 characters
 */
export function readAdminToken(config: Pick<Config, 'admin' | 'dataDir'>): AdminToken {
  const file = adminTokenFile(config);
  try {
    const token = readOrMake(file);
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${file} holds more than one word`);
    return { file, token, exposed: (statSync(file).mode & 0o077) !== 0 };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_ADMIN_TOKEN', `No admin token: ${why}.`, { cause });
  }
}

function readOrMake(file: string): string {
  try {
    return readSecretFile(file);
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
  }
  makeSecretFile(file);
  return readSecretFile(file);
}

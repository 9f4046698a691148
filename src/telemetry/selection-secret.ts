/** The experiment's selection secret: shared by all processes of an instance, and by all its replicas. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import type { RunFolder } from './run-folder.ts';

/**
 * Reads the configured secret file, or the run folder's, which whoever comes first makes (32 random bytes
 * in hex, mode 0600). A made secret appears whole or not at all: it is written beside and linked to its
 * name, since with O_EXCL alone the second process could read it half written.
 *
 * @returns the secret, trimmed, 16 to 1,024 characters
 * @throws {UnderstudyError} `UND_SELECTION_SECRET` when it cannot be read or made, or is too short
 */
export function readSelectionSecret(config: Pick<Config, 'mirror'>, folder: RunFolder): string {
  const configured = config.mirror.selectionSecretFile;
  if (configured !== '') return readSecret(configured);
  try {
    return readSecret(folder.selectionSecret);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  makeSecret(folder.selectionSecret);
  return readSecret(folder.selectionSecret);
}

function readSecret(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new UnderstudyError('UND_SELECTION_SECRET', `Cannot read ${path}.`, { cause });
  }
  if (text.length >= LIMITS.secretCharactersMin && text.length <= LIMITS.secretCharactersMax) {
    return text;
  }
  const { secretCharactersMin: min, secretCharactersMax: max } = LIMITS;
  throw new UnderstudyError(
    'UND_SELECTION_SECRET',
    `${path} holds ${text.length} characters; expected ${min} to ${max}.`,
  );
}

function makeSecret(path: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      writeFileSync(fd, `${randomBytes(32).toString('hex')}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    try {
      linkSync(draft, path);
    } finally {
      unlinkSync(draft);
    }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return;
    throw new UnderstudyError('UND_SELECTION_SECRET', `Cannot make ${path}.`, { cause });
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

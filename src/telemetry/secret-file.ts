/** Files that hold one secret, mode 0600, made by whoever comes first. */
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

/**
 * @returns the file's text, trimmed
 * @throws {Error} when it cannot be read, or has not LIMITS.secretCharactersMin to …Max characters
 */
export function readSecretFile(path: string): string {
  const text = readFileSync(path, 'utf8').trim();
  const { secretCharactersMin: min, secretCharactersMax: max } = LIMITS;
  if (text.length >= min && text.length <= max) return text;
  throw new Error(`${path} holds ${text.length} characters; expected ${min} to ${max}`);
}

/**
 * Makes the file with 32 random bytes in hex where it is missing. It appears whole or not at all: it is
 * written beside and linked to its name, since with O_EXCL alone a second process could read half of it.
 *
 * @throws {Error} when it cannot be made
 */
export function makeSecretFile(path: string): void {
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
  } catch (error) {
    if (!isFileError(error, 'EEXIST')) throw error;
  }
}

/** Whether `error` is a failed system call with this code: `ENOENT`, `EEXIST` … */
export function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

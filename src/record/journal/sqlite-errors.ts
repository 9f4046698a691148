/** What a failure of SQLite means for the journal. Source: sqlite.org/rescode.html, primary codes. */
import { type ErrorCode, UnderstudyError } from '../../errors.ts';

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
export const SQLITE_FULL = 13;

/** The primary result code, or 0 for an error that SQLite did not make. */
export function sqliteCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error)) return 0;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

/**
 * Whether the disk failed. A commit that could not be synced may stand in the WAL whole, and be there when the file is
 * opened again.
 */
export function isIoError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_IOERR;
}

/** Whether the file itself is damaged: trying again cannot help, setting it aside can. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    code === SQLITE_CORRUPT || code === SQLITE_NOTADB || codeOf(error) === 'UND_JOURNAL_CORRUPT'
  );
}

/** What a reader throws instead of an error of SQLite: damage with the file and what helps, all else as it is. */
export function namingDamage(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof UnderstudyError || !isDamage(error))
    return error;
  const message = `${path} is damaged (${error.message}); understudy journal repair makes a fresh one of what can be read.`;
  return new UnderstudyError('UND_JOURNAL_CORRUPT', message, { cause: error });
}

/** The code an operator sees: our own where the error has one, a failing disk otherwise. */
export function journalErrorCode(error: unknown): ErrorCode {
  if (isDamage(error)) return 'UND_JOURNAL_CORRUPT';
  return codeOf(error) ?? 'UND_JOURNAL_DISK';
}

function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof UnderstudyError ? error.code : undefined;
}

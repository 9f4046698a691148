/** Typed access to rows of node:sqlite. A column of another type is a broken journal: it throws. */
import type { SQLOutputValue } from 'node:sqlite';
import { UnderstudyError } from '../../errors.ts';

export type SqliteRow = Readonly<Record<string, SQLOutputValue>>;

/** @throws {UnderstudyError} `UND_JOURNAL_CORRUPT` when the column is not text */
export function textOf(row: SqliteRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new UnderstudyError('UND_JOURNAL_CORRUPT', `The journal's column ${column} is not text.`);
}

/** @throws {UnderstudyError} `UND_JOURNAL_CORRUPT` when the column is not a number */
export function numberOf(row: SqliteRow | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value === 'number') return value;
  throw new UnderstudyError('UND_JOURNAL_CORRUPT', `The journal's column ${column} is no number.`);
}

/** The column's text as a member of a closed set. Same error as `textOf`. */
export function memberOf<T extends string>(row: SqliteRow, column: string, of: readonly T[]): T {
  const value = textOf(row, column);
  const member = of.find((candidate) => candidate === value);
  if (member !== undefined) return member;
  throw new UnderstudyError('UND_JOURNAL_CORRUPT', `The journal's ${column} is unknown.`);
}

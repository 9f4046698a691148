/** Which journal a command means: that of an instance, of a data folder, or a file by itself. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UnderstudyError } from '../../errors.ts';
import { journalPath } from '../../record/journal/journal-file.ts';
import type { InstanceOptions } from './instance.ts';
import { findDataFolder } from './pairs.ts';

export interface JournalOptions extends InstanceOptions {
  /** Data folder, where there is no running instance to ask. */
  readonly data?: string;
  /** A journal that lies somewhere else: a backup, one that was set aside. */
  readonly file?: string;
}

/**
 * @returns path of the file
 * @throws {UnderstudyError} `UND_JOURNAL_MISSING` there is none; `UND_ADMIN_UNREACHABLE` as `findDataFolder`
 */
export async function findJournal(options: JournalOptions): Promise<string> {
  const { file } = options;
  const path = file === undefined ? journalPath(await findDataFolder(options)) : resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false) return path;
  const message = `There is no journal at ${path}: name its folder with --data, or the file with --file.`;
  throw new UnderstudyError('UND_JOURNAL_MISSING', message);
}

/** `understudy journal repair`: a fresh journal of what can be read of a damaged one. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FolderLock } from '../../record/journal/folder-lock.ts';
import { journalPath } from '../../record/journal/journal-file.ts';
import { type Salvage, salvageJournal } from '../../record/journal/journal-salvage.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { targetError } from './byte-output.ts';
import { findJournal, type JournalOptions } from './journal-place.ts';

export interface RepairOptions extends JournalOptions {
  /** A folder: it is made, and must have no journal. */
  readonly to: string;
  readonly json: boolean;
}

/**
 * The damaged journal stays as it is.
 *
 * @returns exit code: 1 where nothing could be read
 * @throws {UnderstudyError} `UND_JOURNAL_TARGET`; `UND_JOURNAL_LOCKED` that of a running instance; as `findJournal`
 */
export async function repairJournal(options: RepairOptions): Promise<number> {
  const from = await findJournal(options);
  const folder = resolve(options.to);
  const target = journalPath(folder);
  if (existsSync(target)) throw targetError(target, { code: 'EEXIST' });
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw targetError(folder, cause);
  }
  const lock = options.file === undefined ? new FolderLock(dirname(from)) : null;
  try {
    const salvage = salvageJournal(from, target);
    const text = options.json ? toPrintableJson(salvage) : renderSalvage(salvage).join('\n');
    process.stdout.write(`${text}\n`);
    if (salvage.pairs > 0 || salvage.lost === 0) {
      process.stderr.write(`The new journal is ${target}; ${from} is as it was.\n`);
      return 0;
    }
    for (const name of ['', '-wal', '-shm']) rmSync(target + name, { force: true });
    return 1;
  } finally {
    lock?.release();
  }
}

function renderSalvage({ pairs, carved, lost, spoilt, tables }: Salvage): string[] {
  const notes = [
    ...(carved > 0 ? [`${carved} by their bytes alone`] : []),
    ...(spoilt > 0 ? [`${spoilt} spoilt records left out`] : []),
  ];
  const lines = [`${pairs} pairs read${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`];
  lines.push(lost === null ? 'how many are lost cannot be told' : `${lost} pairs lost`);
  for (const [table, what] of Object.entries(tables)) {
    if (what !== 'read') lines.push(`${table}: ${what}`);
  }
  return lines;
}

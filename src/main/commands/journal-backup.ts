/** `understudy journal backup`: a copy that is whole, made while the instance records. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { FolderLock } from '../../record/journal/folder-lock.ts';
import { backUp, separate } from '../../record/journal/journal-backup.ts';
import { isSound } from '../../record/journal/journal-check.ts';
import { readJournalFile } from '../../record/journal/journal-file.ts';
import { type JournalSummary, summariseJournal } from '../../record/journal/journal-summary.ts';
import { isDamage } from '../../record/journal/sqlite-errors.ts';
import { sendCommand } from '../../telemetry/status-socket.ts';
import { bytesInWords } from '../bytes-in-words.ts';
import { printable } from '../printable.ts';
import { targetError } from './byte-output.ts';
import { untilDone } from './chore.ts';
import { findRunFolder } from './instance.ts';
import { findJournal, type JournalOptions } from './journal-place.ts';

export interface BackupOptions extends JournalOptions {
  readonly to: string;
}

/**
 * The mirror copies its own journal, so that no reader holds the WAL; the copy is checked and then given its name.
 *
 * @throws {UnderstudyError} `UND_JOURNAL_TARGET` it is there already, or its name has a control character; `UND_JOURNAL_LOCKED` `--data` of a running
 *   instance; `UND_JOURNAL_CHORE` the copy was not made or is not sound; as `findJournal`
 */
export async function backUpJournal(options: BackupOptions): Promise<void> {
  const target = resolve(options.to);
  const draft = `${target}.part`;
  // The mirror is told of it in one line.
  if (/\p{Cc}/u.test(target)) {
    const message = `${printable(target)}: the name of a backup has no line feed or other control character.`;
    throw new UnderstudyError('UND_JOURNAL_TARGET', message);
  }
  if (existsSync(target)) throw targetError(target, { code: 'EEXIST' });
  makeDraft(draft);
  try {
    if (options.data === undefined && options.file === undefined) await byMirror(draft, options);
    else await byOurselves(draft, options);
    const { pairs } = settle(draft);
    renameSync(draft, target);
    sync(dirname(target));
    const size = bytesInWords(statSync(target).size);
    process.stdout.write(`${pairs.held} pairs, ${size}, checked: ${target}\n`);
  } finally {
    for (const name of ['', '-wal', '-shm', '-journal']) rmSync(draft + name, { force: true });
  }
}

async function byMirror(draft: string, options: BackupOptions): Promise<void> {
  const socket = (await findRunFolder(options)).statusSocket('mirror');
  const id = randomBytes(4).toString('hex');
  await sendCommand(socket, `backup ${id} ${draft}`, LIMITS.adminRequestMs);
  await untilDone(socket, id, () => statSync(draft, { throwIfNoEntry: false })?.size);
}

async function byOurselves(draft: string, options: BackupOptions): Promise<void> {
  const path = await findJournal(options);
  const lock = options.file === undefined ? new FolderLock(dirname(path)) : null;
  try {
    const db = readJournalFile(path);
    try {
      await backUp(db, draft);
    } finally {
      db.close();
    }
  } finally {
    lock?.release();
  }
}

/** The draft is its owner's alone, whoever writes it. */
function makeDraft(draft: string): void {
  try {
    closeSync(openSync(draft, 'wx', 0o600));
  } catch (cause) {
    throw targetError(draft, cause);
  }
}

/** One file without companions, checked and on disk. */
function settle(draft: string): JournalSummary {
  let summary: JournalSummary;
  try {
    makeItsOwn(draft);
    summary = summariseJournal(draft);
  } catch (error) {
    throw isDamage(error) ? notSound(error) : error;
  }
  if (!isSound(draft) || summary.addsUp === false) throw notSound();
  sync(draft);
  return summary;
}

function makeItsOwn(draft: string): void {
  const db = new DatabaseSync(draft);
  try {
    db.exec('PRAGMA journal_mode = DELETE');
    separate(db);
  } finally {
    db.close();
  }
}

function notSound(cause?: unknown): UnderstudyError {
  const message = 'The copy is not sound, so it was not kept: understudy journal inspect --check.';
  return new UnderstudyError('UND_JOURNAL_CHORE', message, { cause });
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

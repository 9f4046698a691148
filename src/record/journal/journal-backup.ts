/** A copy of a journal that is in use. */

import { randomUUID } from 'node:crypto';
import { backup, type DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';

const RETRY_MS = 20;

/**
 * Copies the journal as it is at the end, page by page; commits of `db` go on meanwhile, and are in it.
 *
 * Node copies in a thread of its own. A first step that comes in the middle of a commit is refused by SQLite (busy),
 * and Node says of it that there is no error (nodejs/node, `BackupJob`): then it begins again.
 *
 * @param path - absolute; no file, or an empty one
 * @throws errors of SQLite as they are, busy after LIMITS.backupPatienceMs
 */
export async function backUp(db: DatabaseSync, path: string): Promise<void> {
  const until = performance.now() + LIMITS.backupPatienceMs;
  for (;;) {
    try {
      await backup(db, path, { rate: LIMITS.backupPages });
      return;
    } catch (error) {
      if (!isRefused(error) || performance.now() > until) throw error;
      await sleep(RETRY_MS);
    }
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 0;
}

/**
 * Makes a copy a journal of its own. Put in the place of the original, it goes on with sequences that mean other pairs
 * there: whoever has read the original begins anew, and knows pairs again by their ids.
 */
export function separate(copy: DatabaseSync): void {
  const put = copy.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
  put.run('generation', randomUUID());
  put.run('salvaged', 'yes');
}

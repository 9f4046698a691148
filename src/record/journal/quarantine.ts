/** A damaged journal is set aside, never deleted at once: somebody may want to see what happened. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LIMITS } from '../../config/defaults.ts';

/**
 * Renames the journal and its companions to `journal.db.quarantined-TIME`; keeps the newest three.
 *
 * @param path - of the journal, closed
 * @param now - when
 * @returns the new path
 * @throws errors of the file system
 */
export function quarantine(path: string, now: Date): string {
  const aside = `${path}.quarantined-${now.toISOString().replaceAll(':', '-')}`;
  renameSync(path, aside);
  for (const companion of ['-wal', '-shm']) moveIfThere(path + companion, aside + companion);
  const folder = dirname(path);
  const prefix = `${basename(path)}.quarantined-`;
  const all = readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith('Z'));
  for (const name of all.sort().slice(0, -LIMITS.journalsQuarantined)) {
    for (const companion of ['', '-wal', '-shm']) {
      rmSync(join(folder, name + companion), { recursive: true, force: true });
    }
  }
  return aside;
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

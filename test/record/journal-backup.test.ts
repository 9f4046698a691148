import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { backUp } from '../../src/record/journal/journal-backup.ts';
import { temporaryFolder } from './temporary.ts';

test('a backup that begins in the middle of a commit has what was committed', async () => {
  const folder = temporaryFolder();
  const db = new DatabaseSync(join(folder, 'journal'));
  db.exec(
    'PRAGMA journal_mode = WAL; CREATE TABLE t (n); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)',
  );
  const path = join(folder, 'copy');
  const copied = backUp(db, path);
  await sleep(100);
  db.exec('COMMIT');
  await copied;
  const copy = new DatabaseSync(path, { readOnly: true });
  expect(copy.prepare('SELECT n FROM t').all()).toEqual([{ n: 1 }]);
  copy.close();
  db.close();
});

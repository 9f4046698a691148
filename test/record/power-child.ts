/**
 * Writes a journal, batch after batch, and says after each commit how many pairs it holds. Run under strace, its system
 * calls tell what a machine that loses power would still have. Arguments: folder, batches, `full` or `normal`.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { ledgerOf } from './entries.ts';
import { POWER_ROOM, powerEntry } from './power-loss.ts';

const [folder = '', batches = '1', synchronous = 'full'] = process.argv.slice(2);
if (synchronous === 'normal') {
  // The planted fault: a commit that does not wait for the disk.
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function weakened(sql: string): void {
    exec.call(this, sql.replace('synchronous = FULL', 'synchronous = NORMAL'));
  };
}
const said = openSync(join(folder, 'said'), 'w');
const journal = new Journal(journalPath(folder), POWER_ROOM);
let seq = 0;
for (let number = 1; number <= Number(batches); number += 1) {
  const entries = Array.from({ length: 1 + ((number * 7) % 20) }, () => {
    seq += 1;
    return powerEntry(seq);
  });
  const published = number % 3 === 0 ? [seq - 20, seq - 19].filter((n) => n > 0) : [];
  const confirmation = { generation: journal.generation, number, published, dead: [] };
  const batch = { session: 'power', number, entries, counts: [], ledgers: [ledgerOf(seq)] };
  journal.commit(batch, [confirmation], Date.now());
  writeSync(said, `said ${seq}\n`);
}

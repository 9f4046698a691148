/**
 * A mirror that is killed: records pairs without end and writes the id of each one that was acknowledged.
 * Arguments: data folder, first sequence, file to write to.
 */
import { openSync, writeSync } from 'node:fs';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { openRecorder } from '../../src/record/recorder.ts';
import { entryOf, ListLog, ledgerOf, legOf } from './entries.ts';

const [dataDir = '', first = '1', said = ''] = process.argv.slice(2);
const file = openSync(said, 'w');
const config = { dataDir, instance: 'crash', journal: DEFAULTS.journal, kafka: null };
const recorder = await openRecorder(
  config,
  // Written at once: a killed process takes no buffer along.
  (entry, state) => writeSync(file, `${state} ${entry.id}\n`),
  new ListLog(),
);
let seq = Number(first);
function feed(): void {
  for (let i = 0; i < 40; i += 1) {
    recorder.record(entryOf(seq));
    seq += 1;
  }
  recorder.count(legOf(), 'not_selected', '', 3);
  recorder.ledger(ledgerOf(seq - 1));
  setTimeout(feed, 1);
}
feed();

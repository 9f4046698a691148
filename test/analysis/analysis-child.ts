/**
 * An analysis that is killed: reads a journal in small commits until it has all of it. Arguments: data folder, and the
 * configuration as JSON. Says `ready` when it begins, `done` at the end.
 */
import { writeSync } from 'node:fs';
import { Experiments } from '../../src/analysis/experiments.ts';
import { JournalSource } from '../../src/analysis/journal-source.ts';
import { AnalysisStore } from '../../src/analysis/store.ts';
import type { Config } from '../../src/config/types.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { START_MS } from './pairs.ts';

const [dataDir = '', config = '{}'] = process.argv.slice(2);
const reader = JournalReader.open(dataDir);
const store = AnalysisStore.open(dataDir);
const source = new JournalSource(reader, store.position('journal'));
const experiments = new Experiments(store, JSON.parse(config) as Config, {
  books: reader.books(),
  nowMs: START_MS,
  onEvent: () => undefined,
});
// Written at once: a killed process takes no buffer along.
writeSync(1, 'ready\n');
for (let done = false; !done; ) {
  const page = source.next();
  for (const pair of page.pairs) experiments.add(pair);
  experiments.commit({ journal: source.position });
  done = page.done;
}
experiments.account(reader.books(), START_MS + 1_000_000, source.missed);
experiments.commit({ journal: source.position });
store.end();
reader.close();
writeSync(1, 'done\n');

/** What a pair costs in the journal alone, by pairs of a transaction and by what SQLite waits for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { type Cost, middleOf, startMeter } from './cost.ts';
import { JOURNAL_OPTIONS, pairEntry } from './pairs.ts';

export const POLICIES = ['FULL', 'NORMAL', 'OFF'] as const;
export const BATCHES = [1, 10, 100, 500, 2_000] as const;
const RUNS = 3;
/** Small batches are slow: fewer pairs are enough. */
const TRANSACTIONS_MAX = 1_000;

export type SyncPolicy = (typeof POLICIES)[number];

export interface JournalCost {
  readonly policy: SyncPolicy;
  readonly batch: number;
  readonly cost: Cost;
}

/** @param folder - on the disk that is meant; @param pairs - of one run at most */
export function measureJournal(folder: string, pairs: number): JournalCost[] {
  return POLICIES.flatMap((policy) =>
    BATCHES.map((batch) => {
      const count = Math.min(pairs, batch * TRANSACTIONS_MAX);
      const runs = Array.from({ length: RUNS }, () => writeOnce(folder, { policy, batch, count }));
      return { policy, batch, cost: middleOf(runs) };
    }),
  );
}

function writeOnce(
  folder: string,
  { policy, batch, count }: { policy: SyncPolicy; batch: number; count: number },
): Cost {
  const dataDir = mkdtempSync(join(folder, 'journal-'));
  const journal = withPolicy(policy, () => new Journal(journalPath(dataDir), JOURNAL_OPTIONS));
  try {
    const entries = Array.from({ length: count }, (_, i) => pairEntry('bench', i + 1));
    const meter = startMeter();
    for (let at = 0; at < count; at += batch) {
      const some = entries.slice(at, at + batch);
      const number = at + 1;
      journal.commit(
        { session: 's', number, entries: some, counts: [], ledgers: [] },
        [],
        Date.now(),
      );
    }
    return meter(count);
  } finally {
    journal.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** The product knows FULL alone; another one is said behind it. */
function withPolicy<T>(policy: SyncPolicy, open: () => T): T {
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql: string): void {
    exec.call(this, sql);
    if (sql.includes('synchronous = FULL')) exec.call(this, `PRAGMA synchronous = ${policy}`);
  };
  try {
    return open();
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}

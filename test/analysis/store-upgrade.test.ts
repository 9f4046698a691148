/** A file of the analysis of schema 1 goes on: states, positions and cuts are kept, and outcomes have their place. */
import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { AnalysisStore } from '../../src/analysis/store.ts';
import { analysisPath } from '../../src/analysis/store-file.ts';
import { contentOf, JournalRig, traffic } from './journal-rig.ts';
import { START_MS } from './pairs.ts';

/** As version 1 made it, before there were outcomes. */
const SCHEMA_1 = `
  CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment TEXT NOT NULL, candidate TEXT NOT NULL, hash TEXT NOT NULL, profile TEXT NOT NULL,
    plan TEXT NOT NULL, baseline TEXT NOT NULL,
    started_by TEXT NOT NULL, reason TEXT NOT NULL,
    closed_at TEXT NOT NULL DEFAULT '', closed_reason TEXT NOT NULL DEFAULT ''
  );
  CREATE TABLE states (
    attempt INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, stretch INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (attempt, kind, key, stretch)
  ) WITHOUT ROWID;
  CREATE TABLE sources (name TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE coverage (
    candidate TEXT NOT NULL, epoch TEXT NOT NULL, route TEXT NOT NULL, hour INTEGER NOT NULL,
    size_class TEXT NOT NULL,
    observed INTEGER NOT NULL, lost INTEGER NOT NULL, breaker_open INTEGER NOT NULL,
    PRIMARY KEY (candidate, epoch, route, hour, size_class)
  ) WITHOUT ROWID;
  CREATE TABLE cuts (
    attempt INTEGER NOT NULL, cut_ms INTEGER NOT NULL, coverage TEXT NOT NULL,
    PRIMARY KEY (attempt, cut_ms)
  ) WITHOUT ROWID;
`;
const TABLES = ['attempts', 'states', 'sources', 'coverage', 'cuts'];

/** Makes a file of the present schema one of schema 1 with the same content. */
function toSchema1(path: string): void {
  const old = `${path}.1`;
  const db = new DatabaseSync(old);
  db.exec(`${SCHEMA_1} ATTACH '${path}' AS now`);
  for (const table of TABLES) db.exec(`INSERT INTO ${table} SELECT * FROM now.${table}`);
  db.exec('DETACH now; PRAGMA user_version = 1');
  db.close();
  for (const more of ['', '-wal', '-shm']) rmSync(`${path}${more}`, { force: true });
  renameSync(old, path);
}

test('what a file of schema 1 holds is kept, and more pairs give what one run would have given', () => {
  const [before, after] = [traffic(0, 3_000), traffic(3_000, 6_000)];
  const [upgraded, whole] = [new JournalRig(), new JournalRig()];
  for (const rig of [upgraded, whole]) {
    rig.start();
    rig.write(before);
    rig.read(START_MS + 40_000);
  }
  upgraded.stop();
  const path = analysisPath(upgraded.config.dataDir);
  toSchema1(path);
  // A reader does not change the file: a report can be had before the analysis is started again.
  const reader = AnalysisStore.read(upgraded.config.dataDir);
  const [attempt] = reader.attempts();
  expect(attempt && reader.load(attempt).seen.size).toBe(3_000);
  reader.end();
  upgraded.start(START_MS + 50_000);
  const verdicts = [upgraded, whole].map((rig) => {
    rig.write(after);
    return rig.read(START_MS + 200_000);
  });
  expect(verdicts[0]).toMatchObject({ verdict: 'PASS', pairs: 6_000, attempts: 1 });
  expect(verdicts[0]).toEqual(verdicts[1]);
  expect(contentOf(upgraded) === contentOf(whole)).toBe(true);
  const db = new DatabaseSync(path, { readOnly: true });
  expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 });
  db.close();
  expect(upgraded.store.labels.count(1)).toBe(0);
});

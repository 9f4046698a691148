/** Erasure in the analysis: nothing of a pair stays in its file, and what is kept goes on as before. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { AnalysisStore } from '../../src/analysis/store.ts';
import { analysisPath } from '../../src/analysis/store-file.ts';
import { findTraces } from '../../src/record/journal/key-traces.ts';
import type { JournalRig } from './journal-rig.ts';
import { pairOf, START_MS } from './pairs.ts';
import { outcomeRig } from './quality/outcomes.ts';

const LATER_MS = START_MS + 1_000_000;
const GONE = 'e1.17/next';
const ERASED = { id: GONE, join: 'loan-17' };

/** Pairs that differ and wait for outcomes; one of them is of Jane Doe. */
function analysed(): JournalRig {
  const rig = outcomeRig();
  rig.start();
  rig.write(
    Array.from({ length: 30 }, (_, seq) =>
      pairOf({
        seq,
        candidate: { score: seq === 17 ? 0.9 : 0.5, label: 'bad' },
        captured: { '/tier': seq === 17 ? 'Jane Doe' : 'gold' },
        change: { join: `loan-${seq}` },
      }),
    ),
  );
  rig.read(LATER_MS);
  return rig;
}

function bytesOf({ config }: JournalRig): string {
  return readdirSync(config.dataDir)
    .filter((name) => name.startsWith('analysis.sqlite'))
    .map((name) => readFileSync(join(config.dataDir, name), 'latin1'))
    .join('\n');
}

function waiting({ config }: JournalRig): number {
  const store = AnalysisStore.read(config.dataDir);
  const count = store.labels.count(store.attempts().at(-1)?.id ?? 0);
  store.end();
  return count;
}

test('samples, examples and pairs that wait for outcomes have it no more, on disk and in memory', () => {
  const rig = analysed();
  const { dataDir } = rig.config;
  expect(waiting(rig)).toBe(30);
  expect(bytesOf(rig)).toContain('Jane Doe');
  expect(findTraces(dataDir, 'a key', [GONE])).toContainEqual(
    expect.objectContaining({ file: expect.stringMatching(/^analysis\.sqlite/) }),
  );
  rig.experiments.erase([ERASED]);
  expect(waiting(rig)).toBe(29);
  for (const trace of ['Jane Doe', GONE, 'loan-17']) expect(bytesOf(rig)).not.toContain(trace);
  expect(findTraces(dataDir, 'a key', [GONE, 'e1.99/next'])).toEqual([]);
  expect(findTraces(dataDir, 'a key', ['e1.18/next'])).not.toEqual([]);
  // What is in memory is written again with the next pair.
  rig.write([pairOf({ seq: 40, candidate: { score: 0.6, label: 'bad' } })]);
  rig.read(LATER_MS + 1);
  for (const trace of ['Jane Doe', GONE, 'loan-17']) expect(bytesOf(rig)).not.toContain(trace);
});

test('a reader that holds the WAL is named, and the next erasure ends it', () => {
  const rig = analysed();
  const reader = new DatabaseSync(analysisPath(rig.config.dataDir), { readOnly: true });
  onTestFinished(() => reader.close());
  const rows = reader.prepare('SELECT * FROM outcomes').iterate();
  rows.next();
  const erase = (): void => rig.experiments.erase([ERASED]);
  expect(erase).toThrow(expect.objectContaining({ code: 'UND_JOURNAL_TRACES' }));
  expect(findTraces(rig.config.dataDir, 'a key', [GONE])).not.toEqual([]);
  rows.return?.();
  erase();
  expect(findTraces(rig.config.dataDir, 'a key', [GONE])).toEqual([]);
});

test('outcomes that came for them go, too, by join value and by exchange; those of others stay', () => {
  const rig = analysed();
  const outcomes = ['loan-17', 'loan-18', 'e1.17', 'e1.18'].map((key) => {
    return { key, label: 'repaid', atMs: null };
  });
  rig.store.labels.take(outcomes, LATER_MS);
  rig.experiments.erase([ERASED]);
  expect(rig.store.labels.size).toBe(2);
  for (const trace of ['loan-17', 'e1.17']) expect(bytesOf(rig)).not.toContain(trace);
  // Another entity's pair waits for the outcome of the same join value.
  rig.experiments.erase([{ id: 'e1.99/next', join: 'loan-18' }]);
  expect(rig.store.labels.size).toBe(2);
});

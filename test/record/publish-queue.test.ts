import { afterEach, beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { Journal } from '../../src/record/journal.ts';
import { journalPath } from '../../src/record/journal-file.ts';
import { JournalReader } from '../../src/record/journal-reader.ts';
import { PublishQueue } from '../../src/record/publish-queue.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

let journal: Journal;
let reader: JournalReader;
beforeEach(() => {
  const folder = temporaryFolder();
  const options = { maxBytes: 2 ** 30, retentionMs: 86_400_000, outbox: true };
  journal = new Journal(journalPath(folder), options);
  reader = JournalReader.open(folder);
});
afterEach(() => {
  reader.close();
  journal.close();
});

let number = 0;
function commit(entries: readonly PairEntry[]): void {
  number += 1;
  journal.commit({ session: 's', number, entries, counts: [], ledgers: [] }, [], Date.now());
}

function pairs(first: number, count: number): PairEntry[] {
  return Array.from({ length: count }, (_, i) => entryOf(first + i));
}

function confirm(seqs: readonly number[]): void {
  const confirmation = { generation: journal.generation, number: 1, published: seqs, dead: [] };
  number += 1;
  const batch = { session: 's', number, entries: [], counts: [], ledgers: [] };
  journal.commit(batch, [confirmation], Date.now());
}

test('live pairs overtake a backlog, which gets a share of each batch', () => {
  commit(pairs(1, 10_000));
  const queue = new PublishQueue(() => 0, 1_000_000);
  queue.fill(reader, 0);
  const batch = queue.take(0).map(({ seq }) => seq);
  const live = batch.filter((seq) => seq > 10_000 - LIMITS.publisherLivePairs);
  expect(batch).toHaveLength(500);
  expect(live).toHaveLength(375);
  expect(Math.min(...batch)).toBe(1);
});

test('everything is taken once, however full partitions are, and nothing is forgotten', () => {
  commit(pairs(1, 6_000));
  const queue = new PublishQueue((key) => Number(key.split('.')[1]) % 3, 1_000_000);
  const taken: number[] = [];
  let nowMs = 0;
  // Partition 1 is stuck for a while: its lanes fill up, the others go on.
  for (let round = 0; round < 200 && taken.length < 6_500; round += 1) {
    nowMs += LIMITS.publisherPassMs;
    queue.fill(reader, nowMs);
    if (round === 30) {
      expect(taken.filter((seq) => seq % 3 !== 1)).toHaveLength(4_000);
      expect(taken.filter((seq) => seq % 3 === 1)).toHaveLength(0);
      commit(pairs(6_001, 500));
    }
    for (const partition of queue.partitions()) {
      if (partition === 1 && round < 31) continue;
      const seqs = queue.take(partition).map(({ seq }) => seq);
      taken.push(...seqs);
      confirm(seqs);
      queue.release(seqs);
    }
  }
  expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 6_500 }, (_, i) => i + 1));
  expect(queue.held).toBe(0);
});

test('a live pair that a full partition has no room for is found again later', () => {
  const queue = new PublishQueue(() => 0, 1_000_000);
  queue.fill(reader, 0); // there is no backlog, and it has seen that
  commit(pairs(1, 1_500));
  for (let i = 0; i < 5; i += 1) queue.fill(reader, 1);
  expect(queue.held).toBe(LIMITS.publisherQueuedPairs);
  const taken: number[] = [];
  for (let nowMs = 2; nowMs < 20_000; nowMs += 1_000) {
    const seqs = queue.take(0).map(({ seq }) => seq);
    taken.push(...seqs);
    confirm(seqs);
    queue.release(seqs);
    queue.fill(reader, nowMs);
  }
  expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 1_500 }, (_, i) => i + 1));
});

test('a batch stays within its bytes, and a repeated one is the same', () => {
  const large = pairs(1, 20).map((entry) => ({ ...entry, json: 'x'.repeat(30_000) }));
  commit(large);
  const queue = new PublishQueue(() => 0, 100_000);
  queue.fill(reader, 0);
  const batch = queue.take(0);
  expect(batch.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  queue.repeat(0, batch);
  expect(queue.take(0)).toBe(batch);
});

test('a pair larger than a batch may be is set apart', () => {
  commit([entryOf(1), entryOf(2, { json: 'x'.repeat(5_000) }), entryOf(3)]);
  const queue = new PublishQueue(() => 0, 4_000);
  queue.fill(reader, 0);
  expect(queue.takeOversized().map(({ seq }) => seq)).toEqual([2]);
  expect(queue.take(0).map(({ seq }) => seq)).toEqual([1, 3]);
});

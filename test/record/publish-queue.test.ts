import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { jsonSerializer, type PairSerializer } from '../../src/record/publisher/pair-serializer.ts';
import {
  PublishQueue,
  type PublishQueueOptions,
} from '../../src/record/publisher/publish-queue.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { EPOCH, entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

let journal: Journal;
let reader: JournalReader;
beforeEach(() => {
  const folder = temporaryFolder();
  const options = {
    maxBytes: 2 ** 30,
    retentionMs: 86_400_000,
    maxAgeMs: 0,
    whenFull: 'drop_newest' as const,
    outbox: true,
  };
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

function queueOf(changes: Partial<PublishQueueOptions> = {}): PublishQueue {
  return new PublishQueue({
    partitionOf: () => 0,
    serializer: jsonSerializer,
    maxBytes: 1_000_000,
    maxPairs: 500,
    lingerMs: 0,
    ...changes,
  });
}

test('live pairs overtake a backlog, which gets a share of each batch', () => {
  commit(pairs(1, 10_000));
  const queue = queueOf();
  queue.fill(reader, 0);
  const batch = queue.take(0).map(({ seq }) => seq);
  const live = batch.filter((seq) => seq > 10_000 - LIMITS.publisherLivePairs);
  expect(batch).toHaveLength(500);
  expect(live).toHaveLength(375);
  expect(Math.min(...batch)).toBe(1);
});

test('a backlog has its share of the smallest batch, too', () => {
  commit(pairs(1, 3_000));
  const queue = queueOf({ maxPairs: 2 });
  queue.fill(reader, 0);
  expect(queue.take(0).map(({ seq }) => seq)).toEqual([1_001, 1]);
});

test('everything is taken once, however full partitions are, and nothing is forgotten', () => {
  commit(pairs(1, 6_000));
  const queue = queueOf({ partitionOf: (key) => Number(key.split('.')[1]) % 3 });
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

/** All but the first pair are for partition 0. */
const onOne = (key: string): number => (key === `${EPOCH}.1` ? 1 : 0);

test('a live pair that a full partition has no room for is found again later', () => {
  const queue = queueOf({ partitionOf: onOne });
  queue.fill(reader, 0); // there is no backlog, and it has seen that
  commit(pairs(1, 1_500));
  for (let i = 0; i < 5; i += 1) queue.fill(reader, 1);
  expect(queue.held).toBe(1 + LIMITS.publisherQueuedPairs);
  const taken: number[] = [];
  for (let nowMs = 2; nowMs < 20_000; nowMs += 1_000) {
    const seqs = [0, 1].flatMap((partition) => queue.take(partition).map(({ seq }) => seq));
    taken.push(...seqs);
    confirm(seqs);
    queue.release(seqs);
    queue.fill(reader, nowMs);
  }
  expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 1_500 }, (_, i) => i + 1));
});

test.each([
  ['of all partitions', (key: string) => Number(key.split('.')[1]) % 3],
  ['of one partition, the others have none', onOne],
])('what there is no room for is not read over and over: %s', (_, partitionOf) => {
  commit(pairs(1, 10_000));
  const queue = queueOf({ partitionOf });
  const read = vi.spyOn(reader, 'unpublished');
  for (let i = 0; i < 100; i += 1) queue.fill(reader, 0);
  const filled = read.mock.calls.length;
  for (let i = 0; i < 100; i += 1) queue.fill(reader, 0);
  expect(read.mock.calls.length).toBe(filled);
  expect(filled).toBeLessThan(20);
  expect(queue.take(0)).toHaveLength(500);
  queue.fill(reader, 0);
  expect(read.mock.calls.length).toBeGreaterThan(filled);
});

test('what is behind the pairs of a stuck partition is found', () => {
  commit(pairs(2, 9_999)); // all for partition 0, which takes nothing out
  commit([entryOf(1)]);
  commit(pairs(10_001, 2_000));
  const queue = queueOf({ partitionOf: onOne });
  for (let nowMs = 0; nowMs < 5_000; nowMs += LIMITS.publisherReadAgainMs)
    queue.fill(reader, nowMs);
  expect(queue.take(1).map(({ id }) => id)).toEqual([`${EPOCH}.1/new`]);
});

test('a batch stays within its bytes, and a repeated one is the same', () => {
  const large = pairs(1, 20).map((entry) => ({ ...entry, json: 'x'.repeat(30_000) }));
  commit(large);
  const queue = queueOf({ maxBytes: 100_000 });
  queue.fill(reader, 0);
  const batch = queue.take(0);
  expect(batch.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  queue.repeat(0, batch);
  expect(queue.take(0)).toBe(batch);
});

test('a pair larger than a batch may be is set apart', () => {
  commit([entryOf(1), entryOf(2, { json: 'x'.repeat(5_000) }), entryOf(3)]);
  const queue = queueOf({ maxBytes: 4_000 });
  queue.fill(reader, 0);
  expect(queue.takePoison()).toEqual([
    { seq: 2, id: `${EPOCH}.2/new`, code: 'UND_KAFKA_RECORD_TOO_LARGE' },
  ]);
  expect(queue.take(0).map(({ seq }) => seq)).toEqual([1, 3]);
});

test('a pair that cannot be serialized is set apart, and keeps nothing back', () => {
  commit(pairs(1, 3));
  const serializer: PairSerializer = {
    toRecord: (pair) => {
      if (pair.seq === 2) throw new Error('no such schema');
      return jsonSerializer.toRecord(pair);
    },
  };
  const queue = queueOf({ serializer });
  queue.fill(reader, 0);
  const code = 'UND_KAFKA_RECORD_UNREADABLE';
  expect(queue.takePoison()).toEqual([{ seq: 2, id: `${EPOCH}.2/new`, code }]);
  expect(queue.takePoison()).toEqual([]);
  expect(queue.take(0).map(({ seq }) => seq)).toEqual([1, 3]);
});

test('live pairs wait for company: by time, by count, by bytes; a backlog and a repeat do not', () => {
  const queue = queueOf({ lingerMs: 50, maxPairs: 10, maxBytes: 100_000 });
  queue.fill(reader, 0);
  commit(pairs(1, 2));
  queue.fill(reader, 100);
  expect(queue.partitions(149)).toEqual([]);
  expect(queue.partitions(150)).toEqual([0]);
  expect(queue.partitions()).toEqual([0]);
  commit(pairs(3, 8));
  queue.fill(reader, 101);
  expect(queue.partitions(101)).toEqual([0]);
  const batch = queue.take(0);
  expect(batch).toHaveLength(10);
  expect(queue.partitions()).toEqual([]);
  queue.repeat(0, batch);
  expect(queue.partitions(101)).toEqual([0]);
  expect(queue.take(0)).toBe(batch);
  commit([entryOf(20, { json: 'x'.repeat(60_000) }), entryOf(21, { json: 'x'.repeat(60_000) })]);
  queue.fill(reader, 200);
  expect(queue.partitions(200)).toEqual([0]);
});

test('what is in the outbox again after a pass is found by another one', () => {
  commit(pairs(1, 3));
  const queue = queueOf();
  for (let nowMs = 0; nowMs < 5_000; nowMs += 1_000) queue.fill(reader, nowMs);
  queue.take(0);
  queue.release([1, 2, 3]);
  confirm([1, 3]); // the second one was a dead letter, and is to be sent again
  queue.fill(reader, 6_000);
  expect(queue.partitions()).toEqual([]);
  queue.rescan();
  queue.fill(reader, 6_001);
  expect(queue.take(0).map(({ seq }) => seq)).toEqual([2]);
});

describe('what is held is bounded, however many partitions are stuck:', () => {
  const byNumber = (key: string): number => Number(key.split('.')[1]) % 50;

  test('pairs', () => {
    commit(pairs(1, 30_000));
    const queue = queueOf({ partitionOf: byNumber });
    for (let nowMs = 0; nowMs < 100_000; nowMs += LIMITS.publisherPassMs) queue.fill(reader, nowMs);
    expect(queue.held).toBe(LIMITS.publisherHeldPairs);
  });

  test('bytes', () => {
    const large = pairs(1, 400).map((entry) => ({ ...entry, json: 'x'.repeat(200_000) }));
    commit(large);
    const queue = queueOf({ partitionOf: byNumber });
    for (let nowMs = 0; nowMs < 100_000; nowMs += LIMITS.publisherPassMs) queue.fill(reader, nowMs);
    expect(queue.held * 200_000).toBeLessThan(LIMITS.publisherQueuedBytes + 250_000);
    expect(queue.held * 200_000).toBeGreaterThan(LIMITS.publisherQueuedBytes - 250_000);
  });
});

test('what was evicted or erased meanwhile is not sent, waiting in whatever lane', () => {
  commit(pairs(1, 3_000));
  const queue = queueOf({ maxPairs: 100 });
  queue.fill(reader, 0);
  const underWay = queue.take(0);
  const failed = queue.take(0);
  queue.repeat(0, failed);
  for (const { key } of pairs(1, 3_000).filter((_, i) => i % 2 === 0)) {
    for (const _ of journal.erase(key)) break;
  }
  const held = queue.held;
  queue.dropGone(reader, 2_500);
  expect(queue.held).toBeLessThan(held);
  queue.dropGone(reader, 3_000);
  const sent: number[] = [];
  for (let nowMs = 0; nowMs < 20_000; nowMs += 1_000) {
    for (let batch = queue.take(0); batch.length > 0; batch = queue.take(0)) {
      const seqs = batch.map(({ seq }) => seq);
      sent.push(...seqs);
      confirm(seqs);
      queue.release(seqs);
    }
    queue.fill(reader, nowMs);
  }
  const before = new Set(underWay.map(({ seq }) => seq));
  const expected = Array.from({ length: 1_500 }, (_, i) => 2 * (i + 1));
  expect(sent.sort((a, b) => a - b)).toEqual(expected.filter((seq) => !before.has(seq)));
  queue.release([...before]);
  expect(queue.held).toBe(0);
});

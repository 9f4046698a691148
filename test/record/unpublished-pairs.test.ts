/** Pairs journaled while no Kafka is configured wait for it, within retention. */
import { expect, test } from 'vitest';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

const HOUR_MS = 3_600_000;
const MAX_BYTES = 64 * 2 ** 20;

let batches = 0;

/** Opens a journal, writes pairs of so long ago, confirms the first `published`, closes it. @returns the lag */
function session(
  folder: string,
  options: { outbox: boolean; pairs?: number[]; hoursAgo?: number; published?: number },
): number {
  const { outbox, pairs = [], hoursAgo = 0, published = 0 } = options;
  const room = {
    maxBytes: MAX_BYTES,
    retentionMs: 24 * HOUR_MS,
    maxAgeMs: 0,
    whenFull: 'drop_newest' as const,
    outbox,
  };
  const journal = new Journal(journalPath(folder), room);
  const timeMs = Date.now() - hoursAgo * HOUR_MS;
  const entries = pairs.map((seq) => entryOf(seq, { timeMs }));
  batches += 1;
  const batch = { session: 's', number: batches, entries, counts: [], ledgers: [] };
  const seqs = waiting(folder).slice(0, published);
  const { generation } = journal;
  journal.commit(batch, [{ generation, number: batches, published: seqs, dead: [] }], timeMs);
  const { lag } = journal;
  journal.close();
  return lag;
}

function waiting(folder: string): number[] {
  const reader = JournalReader.open(folder);
  try {
    return reader.unpublished(0, 1e9, 1_000).map(({ seq }) => seq);
  } finally {
    reader.close();
  }
}

test('when Kafka is switched on they are in the outbox, once, and not those published before', () => {
  const folder = temporaryFolder();
  expect(session(folder, { outbox: true, pairs: [1, 2, 3] })).toBe(3);
  // Two are published; Kafka goes, pairs come, also over a restart.
  expect(session(folder, { outbox: true, published: 2 })).toBe(1);
  expect(session(folder, { outbox: false, pairs: [4, 5] })).toBe(1);
  expect(session(folder, { outbox: false, pairs: [6] })).toBe(1);
  expect(waiting(folder)).toEqual([3]);
  expect(session(folder, { outbox: true })).toBe(4);
  expect(waiting(folder)).toEqual([3, 4, 5, 6]);
  expect(session(folder, { outbox: true, published: 4 })).toBe(0);
  // What was published is not taken up again at the next opening.
  expect(session(folder, { outbox: true, pairs: [7] })).toBe(1);
  expect(waiting(folder)).toEqual([7]);
});

test('those past retention stay out, and what retention took leaves no lag behind', () => {
  const folder = temporaryFolder();
  session(folder, { outbox: true, pairs: [1], hoursAgo: 30 });
  session(folder, { outbox: false, pairs: [2], hoursAgo: 30 });
  session(folder, { outbox: false, pairs: [3], hoursAgo: 1 });
  session(folder, { outbox: false, pairs: [4] });
  expect(session(folder, { outbox: true })).toBe(waiting(folder).length);
  const reader = JournalReader.open(folder);
  const kept = reader.unpublished(0, 1e9, 1_000).map(({ id }) => id);
  reader.close();
  expect(kept).toEqual([3, 4].map((seq) => entryOf(seq).id));
});

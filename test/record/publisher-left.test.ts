/** Pairs that leave while the publisher works: with a sink of our own, so that no broker is needed. */
import { expect, onTestFinished, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { UnderstudyError } from '../../src/errors.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { jsonSerializer } from '../../src/record/publisher/pair-serializer.ts';
import type { SinkRecord } from '../../src/record/publisher/pair-sink.ts';
import { Publisher } from '../../src/record/publisher/publisher.ts';
import { until } from '../support/until.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

function journalIn(folder: string): Journal {
  const journal = new Journal(journalPath(folder), {
    ...{ maxBytes: 2 ** 26, whenFull: 'drop_newest', retentionMs: 1e12, maxAgeMs: 0 },
    outbox: true,
  });
  onTestFinished(() => journal.close());
  const entries = [1, 2, 3, 4].map((seq) => entryOf(seq, { key: `k${seq}` }));
  journal.commit({ session: 's', number: 1, entries, counts: [], ledgers: [] }, [], Date.now());
  return journal;
}

test('erased pairs are not sent: neither those that wait, nor those of a batch that failed', async () => {
  const folder = temporaryFolder();
  const journal = journalIn(folder);
  const sends: { keys: string[]; end: PromiseWithResolvers<void> }[] = [];
  const publisher = new Publisher({
    instance: 'test',
    kafka: { ...DEFAULTS.kafka, maxBatchPairs: 2, lingerMs: 0 },
    reader: JournalReader.open(folder),
    serializer: jsonSerializer,
    sink: {
      open: async () => undefined,
      close: async () => undefined,
      partitionOf: () => 0,
      send: (topic: string, _: number, records: readonly SinkRecord[]) => {
        if (topic !== 'pairs') return Promise.resolve();
        const end = Promise.withResolvers<void>();
        sends.push({ keys: records.map(({ key }) => key), end });
        return end.promise;
      },
    },
    onConfirm: ({ number }) => publisher.confirmed([number]),
    ...{ onSuspect: () => undefined, onTrouble: () => undefined, onConnected: () => undefined },
  });
  publisher.journal(journal.generation);
  const running = publisher.run();
  await until('under way', () => sends.length === 1);
  for (const key of ['k1', 'k3']) for (const _ of journal.erase(key));
  publisher.left(Number.MAX_SAFE_INTEGER);
  // Until the batch has failed it may have looked: what failed is looked at by itself.
  await new Promise((resolve) => setImmediate(resolve));
  sends[0]?.end.reject(new UnderstudyError('UND_KAFKA_FAILED', 'planted'));
  await until('again', () => sends.length === 2);
  sends[1]?.end.resolve();
  await until('the rest', () => sends.length === 3);
  sends[2]?.end.resolve();
  await until('released', () => publisher.status().lag === 0);
  publisher.stop();
  await running;
  expect(sends.map(({ keys }) => keys)).toEqual([['k1', 'k2'], ['k2'], ['k4']]);
  expect(publisher.status()).toMatchObject({ published: 2, lag: 0 });
});

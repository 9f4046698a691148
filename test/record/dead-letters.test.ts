import { randomUUID } from 'node:crypto';
import {
  Admin,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
} from '@platformatic/kafka';
import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import type { DeadLetter } from '../../src/record/journal/journal-batch.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { sharedKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { EPOCH, entryOf } from './entries.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

const HOUR_MS = 3_600_000;
let dataDir: string;
beforeEach(() => {
  dataDir = temporaryFolder();
});

const TOO_LARGE = 'UND_KAFKA_RECORD_TOO_LARGE';
const letter = (seq: number): DeadLetter => ({ seq, id: `${EPOCH}.${seq}/new`, code: TOO_LARGE });

function deadIn(folder: string): string[] {
  const reader = JournalReader.open(folder);
  const ids = reader.deadLetters(0, 100).map(({ id, code }) => `${id} ${code}`);
  reader.close();
  return ids;
}

describe('the table in the journal', () => {
  const now = Date.now();
  function journalOf(outbox = true): Journal {
    const options = {
      maxBytes: 2 ** 26,
      retentionMs: HOUR_MS,
      maxAgeMs: 0,
      whenFull: 'drop_newest' as const,
      outbox,
    };
    return new Journal(journalPath(dataDir), options);
  }
  function commit(journal: Journal, entries: PairEntry[], dead: DeadLetter[], at = now): void {
    const batch = { session: '', number: 0, entries, counts: [], ledgers: [] };
    const { generation } = journal;
    journal.commit(batch, [{ generation, number: 1, published: [], dead }], at);
  }

  test('a retried one is in the outbox again, a dropped one is not; both left the table', () => {
    const journal = journalOf();
    commit(
      journal,
      [1, 2, 3].map((seq) => entryOf(seq)),
      [],
    );
    commit(journal, [], [1, 2, 3].map(letter));
    expect([journal.lag, journal.deadLetters]).toEqual([0, 3]);
    journal.settleDeadLetters('drop', 1);
    journal.settleDeadLetters('retry', 3);
    expect([journal.lag, journal.deadLetters]).toEqual([1, 1]);
    expect(deadIn(dataDir)).toEqual([`${EPOCH}.2/new ${TOO_LARGE}`]);
    const reader = JournalReader.open(dataDir);
    expect(reader.unpublished(0, 10, 10).map(({ seq }) => seq)).toEqual([3]);
    expect(reader.pairsAfter(0, 10)).toHaveLength(3);
    reader.close();
    journal.settleDeadLetters('retry', 0); // nobody's
    journal.settleDeadLetters('retry', 1); // no longer one
    expect([journal.lag, journal.deadLetters]).toEqual([1, 1]);
    journal.settleDeadLetters('retry', null);
    expect([journal.lag, journal.deadLetters]).toEqual([2, 0]);
    journal.close();
  });

  test('it leaves with its pair, when retention ends', () => {
    const journal = journalOf();
    commit(journal, [entryOf(1, { timeMs: now - 2 * HOUR_MS }), entryOf(2)], []);
    commit(journal, [], [letter(1), letter(2)]);
    commit(journal, [entryOf(3)], []);
    expect(deadIn(dataDir)).toEqual([`${EPOCH}.2/new ${TOO_LARGE}`]);
    journal.close();
  });

  test('a pair that was erased or evicted meanwhile leaves none behind', () => {
    const journal = journalOf();
    commit(journal, [entryOf(1, { key: 'gone' }), entryOf(2)], []);
    for (const _ of journal.erase('gone'));
    commit(journal, [], [letter(1), letter(2)]);
    expect(deadIn(dataDir)).toEqual([`${EPOCH}.2/new ${TOO_LARGE}`]);
    expect([journal.lag, journal.deadLetters]).toEqual([0, 1]);
    // Said again, by a publisher whose confirmation was lost on its way back.
    commit(journal, [], [letter(2)]);
    expect(journal.deadLetters).toBe(1);
    journal.close();
  });

  test('without Kafka nothing is put where nobody takes it out', () => {
    const withKafka = journalOf();
    commit(withKafka, [entryOf(1)], []);
    commit(withKafka, [], [letter(1)]);
    withKafka.close();
    const journal = journalOf(false);
    journal.settleDeadLetters('retry', null);
    expect([journal.lag, journal.deadLetters]).toEqual([0, 1]);
    journal.settleDeadLetters('drop', null);
    expect(journal.deadLetters).toBe(0);
    journal.close();
  });
});

const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else {
  test('a poison pair is tried once, keeps nothing back, and is sent when the topic takes it', async () => {
    const { brokers } = shared;
    const id = randomUUID();
    const kafka = {
      ...DEFAULTS.kafka,
      brokers,
      createTopics: true,
      pairsTopic: `pairs-${id}`,
      accountingTopic: `accounting-${id}`,
      partitions: 1,
      maxMessageBytes: 3_000,
    };
    const maker = await recorderIn(temporaryFolder(), { kafka });
    await until('made', () => maker.recorder.status().publisher?.state === 'connected');
    const { recorder } = await recorderIn(dataDir, { kafka: { ...kafka, maxMessageBytes: 9_000 } });
    const status = () => recorder.status().publisher;
    const large = entryOf(2, { json: JSON.stringify({ pad: 'x'.repeat(5_000) }) });
    const huge = entryOf(3, { json: JSON.stringify({ pad: 'x'.repeat(20_000) }) });
    const entries = [entryOf(1), large, huge, entryOf(4)];
    for (const entry of entries) recorder.record(entry);
    await until('settled', () => status()?.lag === 0 && status()?.published === 2);
    await until('counted', () => status()?.heldDeadLetters === 2);
    expect(deadIn(dataDir)).toEqual([`${large.id} ${TOO_LARGE}`, `${huge.id} ${TOO_LARGE}`]);
    expect(status()).toMatchObject({ state: 'connected', deadLetters: 2 });

    const admin = new Admin({ clientId: 'understudy-test', bootstrapBrokers: [...brokers] });
    const configOperation = IncrementalAlterConfigOperationTypes.SET;
    await admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: kafka.pairsTopic,
          configs: [{ name: 'max.message.bytes', configOperation, value: '1000000' }],
        },
      ],
    });
    await admin.close();
    recorder.settleDeadLetters('retry', null);
    await until('sent', () => status()?.published === 3);
    // The other one is over our own limit still.
    await until('refused again', () => status()?.heldDeadLetters === 1 && status()?.lag === 0);
    expect(deadIn(dataDir)).toEqual([`${huge.id} ${TOO_LARGE}`]);
    recorder.settleDeadLetters('drop', null);
    await until('forgotten', () => status()?.heldDeadLetters === 0);
    const read = await readWithKafkajs(brokers, kafka.pairsTopic);
    const sent = entries.filter((entry) => entry !== huge).map((entry) => entry.json);
    expect(read.map(({ value }) => value).sort()).toEqual(sent.sort());
  });
}

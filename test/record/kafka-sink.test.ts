import { randomUUID } from 'node:crypto';
import { Admin } from '@platformatic/kafka';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import type { UnderstudyError } from '../../src/errors.ts';
import { FileAuthenticator } from '../../src/record/kafka/kafka-security.ts';
import { KafkaSink } from '../../src/record/kafka/kafka-sink.ts';
import { recordBytes, type SinkRecord } from '../../src/record/publisher/pair-sink.ts';
import { sharedKafka } from '../services/kafka.ts';
import { kcatMissing, readWithKafkajs, readWithKcat } from '../services/kafka-readers.ts';

function configOf(brokers: readonly string[], changes: Partial<KafkaConfig> = {}): KafkaConfig {
  const id = randomUUID();
  const topics = { pairsTopic: `pairs-${id}`, accountingTopic: `accounting-${id}` };
  return { ...DEFAULTS.kafka, brokers, createTopics: true, ...topics, ...changes };
}

function recordOf(key: string, value: string): SinkRecord {
  return { key, value, headers: [['schema', 'understudy.pair/1']] };
}

/** Bytes of a topic on the broker's disk. */
async function logBytes(brokers: readonly string[], topic: string): Promise<number> {
  const clientId = 'understudy-test';
  const admin = new Admin({ clientId, bootstrapBrokers: [...brokers] });
  try {
    const dirs = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] });
    const topics = dirs.flatMap(({ results }) => results.flatMap((result) => result.topics));
    const found = topics.find(({ name }) => name === topic);
    return Number(found?.partitions[0]?.partitionSize ?? 0);
  } finally {
    await admin.close();
  }
}

const shared = await sharedKafka();
const noKcat = await kcatMissing();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else if (noKcat !== undefined) test.skip(noKcat.skipped, () => {});
else {
  const { brokers } = shared;
  const sinks: KafkaSink[] = [];
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  });

  function sinkOf(kafka: KafkaConfig, differences: string[] = []): KafkaSink {
    const onDifferences = (found: readonly string[]): void => {
      differences.push(...found);
    };
    const authenticator = new FileAuthenticator(kafka);
    const sink = new KafkaSink({ kafka, authenticator, onRetry: () => undefined, onDifferences });
    sinks.push(sink);
    return sink;
  }

  async function codeOf(promise: Promise<void>): Promise<string> {
    return promise.then(
      () => 'resolved',
      (error: UnderstudyError) => error.code,
    );
  }

  describe('topics', () => {
    test('are made as configured, where createTopics is on', async () => {
      const kafka = configOf(brokers, { partitions: 4, retentionMs: 3_600_000 });
      await sinkOf(kafka).open();
      const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      const topics = [kafka.pairsTopic, kafka.accountingTopic];
      const { topics: made } = await admin.fetchTopicMetadata({ topics });
      const configs = await admin.describeConfigs({
        resources: topics.map((name) => ({ type: 2, name })),
        includeSynonyms: false,
      });
      await admin.disconnect();
      expect(made.map(({ partitions }) => partitions.length)).toEqual([4, 4]);
      const value = (topic: string, name: string) =>
        configs.resources
          .find(({ resourceName }) => resourceName === topic)
          ?.configEntries.find(({ configName }) => configName === name)?.configValue;
      expect(value(kafka.pairsTopic, 'retention.ms')).toBe('3600000');
      expect(value(kafka.pairsTopic, 'cleanup.policy')).toBe('delete');
      expect(value(kafka.accountingTopic, 'cleanup.policy')).toBe('compact');
    });

    test('that are missing are named, where createTopics is off', async () => {
      const kafka = configOf(brokers, { createTopics: false });
      await expect(sinkOf(kafka).open()).rejects.toMatchObject({
        code: 'UND_KAFKA_TOPIC_MISSING',
        message: expect.stringContaining(kafka.pairsTopic),
      });
    });

    test('that differ from the configuration are reported, and used as they are', async () => {
      const kafka = configOf(brokers, { partitions: 2 });
      await sinkOf(kafka).open();
      const differences: string[] = [];
      const sink = sinkOf({ ...kafka, partitions: 3, retentionMs: 1 }, differences);
      await sink.open();
      expect(differences).toEqual([
        `${kafka.pairsTopic} has 2 partitions, not 3.`,
        `${kafka.pairsTopic} has retention.ms 604800000, not 1.`,
        `${kafka.accountingTopic} has 2 partitions, not 3.`,
      ]);
      await sink.send('pairs', 1, [recordOf('k', 'v')]);
    });
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'what was sent with compression %s is read by an independent client, and is compressed',
    async (compression) => {
      const kafka = configOf(brokers, { compression, partitions: 1 });
      const sink = sinkOf(kafka);
      await sink.open();
      const values = Array.from({ length: 100 }, (_, i) => `${i} ${'naïve '.repeat(200)}`);
      const records = values.map((value) => recordOf('k', value));
      await sink.send('pairs', 0, records);
      const read = await readWithKcat(brokers, kafka.pairsTopic);
      expect(read.map(({ value }) => value)).toEqual(values);
      // The broker keeps the batch as it came: its size tells whether it was compressed.
      const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
      expect((await logBytes(brokers, kafka.pairsTopic)) < bytes / 4).toBe(compression !== 'none');
    },
  );

  test('a key goes to the partition that Java’s hashing gives it', async () => {
    const kafka = configOf(brokers, { partitions: 7 });
    const sink = sinkOf(kafka);
    await sink.open();
    const keys = Array.from({ length: 200 }, (_, i) => `${randomUUID()}.${i}`);
    for (const key of keys) {
      await sink.send('pairs', sink.partitionOf('pairs', key), [recordOf(key, 'ours')]);
    }
    // kafkajs carries its own port of Java's murmur2.
    const client = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const messages = keys.map((key) => ({ key, value: 'theirs' }));
    await producer.send({ topic: kafka.pairsTopic, acks: -1, messages });
    await producer.disconnect();
    const read = await readWithKafkajs(brokers, kafka.pairsTopic);
    expect(read).toHaveLength(400);
    const places = Map.groupBy(read, ({ key }) => key);
    for (const found of places.values()) {
      expect(new Set(found.map(({ partition }) => partition)).size).toBe(1);
    }
    expect(new Set(read.map(({ partition }) => partition)).size).toBe(7);
  });

  test('a record that the broker finds too large is refused, and the sink goes on', async () => {
    const kafka = configOf(brokers, { maxMessageBytes: 2_000, partitions: 1 });
    const sink = sinkOf(kafka);
    await sink.open();
    await sink.send('pairs', 0, [recordOf('a', 'first')]);
    const large = recordOf('b', 'x'.repeat(10_000));
    expect(await codeOf(sink.send('pairs', 0, [large]))).toBe('UND_KAFKA_RECORD_TOO_LARGE');
    await sink.send('pairs', 0, [recordOf('c', 'second')]);
    const read = await readWithKafkajs(brokers, kafka.pairsTopic);
    expect(read.map(({ value }) => value)).toEqual(['first', 'second']);
  });
}

test('no broker is UND_KAFKA_UNREACHABLE, with what the system said', async () => {
  const kafka = configOf(['127.0.0.1:1']);
  const authenticator = new FileAuthenticator(kafka);
  const silent = { onRetry: () => undefined, onDifferences: () => undefined };
  const sink = new KafkaSink({ kafka, authenticator, ...silent });
  await expect(sink.open()).rejects.toMatchObject({
    code: 'UND_KAFKA_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import type { UnderstudyError } from '../../src/errors.ts';
import { KafkaSink } from '../../src/record/kafka-sink.ts';
import type { SinkRecord } from '../../src/record/pair-sink.ts';
import { sharedKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';

function configOf(brokers: readonly string[], changes: Partial<KafkaConfig> = {}): KafkaConfig {
  const id = randomUUID();
  const topics = { pairsTopic: `pairs-${id}`, accountingTopic: `accounting-${id}` };
  return { ...DEFAULTS.kafka, brokers, createTopics: true, ...topics, ...changes };
}

function recordOf(key: string, value: string): SinkRecord {
  return { key, value, headers: [['schema', 'understudy.pair/1']] };
}

const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
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
    const sink = new KafkaSink({ kafka, onRetry: () => undefined, onDifferences });
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
    expect(await codeOf(sink.send('pairs', 0, [large]))).toBe('UND_KAFKA_RECORD_REFUSED');
    await sink.send('pairs', 0, [recordOf('c', 'second')]);
    const read = await readWithKafkajs(brokers, kafka.pairsTopic);
    expect(read.map(({ value }) => value)).toEqual(['first', 'second']);
  });
}

test('no broker is UND_KAFKA_UNREACHABLE, with what the system said', async () => {
  const kafka = configOf(['127.0.0.1:1']);
  const sink = new KafkaSink({ kafka, onRetry: () => undefined, onDifferences: () => undefined });
  await expect(sink.open()).rejects.toMatchObject({
    code: 'UND_KAFKA_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

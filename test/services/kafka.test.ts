import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, test } from 'vitest';
import { sharedKafka, startKafka } from './kafka.ts';
import { kcatMissing, type ReadMessage, readWithKafkajs, readWithKcat } from './kafka-readers.ts';

const PARTITIONS = 3;
const MESSAGES = 50;

/** Creates a topic and writes messages with keys and headers to it; returns its name. */
async function writeTopic(brokers: string[]): Promise<string> {
  const topic = `test-${randomUUID()}`;
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  // The broker itself drops what a producer repeats because it was not answered in time.
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
    await producer.connect();
    await producer.send({
      topic,
      acks: -1,
      messages: Array.from({ length: MESSAGES }, (_, i) => ({
        key: `key-${i}`,
        value: JSON.stringify({ i, text: 'naïve — ünïcode "quoted"' }),
        headers: { kind: 'pair', nr: String(i) },
      })),
    });
  } finally {
    await producer.disconnect();
    await admin.disconnect();
  }
  return topic;
}

function expectAllMessages(messages: ReadMessage[]): void {
  const numbers = messages.map(({ value }) => JSON.parse(value ?? '').i);
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: MESSAGES }, (_, i) => i));
  expect(new Set(messages.map(({ partition }) => partition)).size).toBe(PARTITIONS);
  for (const { key, value, headers } of messages) {
    const { i, text } = JSON.parse(value ?? '');
    expect({ key, headers, text }).toEqual({
      key: `key-${i}`,
      headers: { kind: 'pair', nr: String(i) },
      text: 'naïve — ünïcode "quoted"',
    });
  }
}

const noKcat = await kcatMissing();
const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else if (noKcat !== undefined) test.skip(noKcat.skipped, () => {});
else {
  describe('the broker shared by a test run', () => {
    test('is one and the same for whoever asks', async () => {
      expect(await sharedKafka()).toEqual(shared);
    });

    test('gives both readers the same messages, keys, headers, partitions and offsets', async () => {
      const topic = await writeTopic(shared.brokers);
      const byKcat = await readWithKcat(shared.brokers, topic);
      expectAllMessages(byKcat);
      expect(await readWithKafkajs(shared.brokers, topic)).toEqual(byKcat);
    });

    test('has a topic only once it was created', async () => {
      await expect(readWithKcat(shared.brokers, `missing-${randomUUID()}`)).rejects.toThrow(
        /Unknown topic or partition/,
      );
    });
  });
}

const own = await startKafka();
if ('skipped' in own) test.skip(own.skipped, () => {});
else {
  describe('a broker of its own', () => {
    afterAll(() => own.stop());

    test('keeps its messages over SIGKILL and a restart', { timeout: 90_000 }, async () => {
      const topic = await writeTopic(own.brokers);
      await own.kill();
      await expect(readWithKafkajs(own.brokers, topic)).rejects.toThrow(/ECONNREFUSED/);
      await own.restart();
      expectAllMessages(await readWithKafkajs(own.brokers, topic));
    });
  });
}

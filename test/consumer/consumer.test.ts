/** The library against a real broker: K-12, offsets, both topics. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { PairConsumer, type ReadOutcome } from '../../src/consumer/consumer.ts';
import { pairOf } from '../demo/pairs.ts';
import { sharedKafka } from '../services/kafka.ts';

const PARTITIONS = 3;
const epoch = '0dglo0hfuebnkc51ks97';
const sample = {
  ...pairOf({ loan: 'lc-1', incumbent: [0.2, 'good'], candidate: [0.3, 'good'] }),
  id: `${epoch}.1/boosting`,
  epoch,
  key: `${epoch}.1`,
};

/** Pair number seq, of a key that alternates over the partitions. */
function pairNumber(seq: number): string {
  const key = `${sample.epoch}.${seq}`;
  return JSON.stringify({ ...sample, id: `${key}/boosting`, seq, key });
}

const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else {
  const { brokers } = shared;

  async function topicWith(
    messages: readonly { partition: number; value: string | Buffer | null }[],
  ): Promise<string> {
    const topic = `consumer-${randomUUID()}`;
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    const producer = kafka.producer();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '20000000' }];
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, configEntries }] });
    await producer.connect();
    for (const message of messages) await producer.send({ topic, acks: -1, messages: [message] });
    await producer.disconnect();
    await admin.disconnect();
    return topic;
  }

  test('K-12: poison between pairs is skipped and counted, and no partition sticks', async () => {
    const poison = [
      'no json',
      '{"schema":"understudy.pair/1"',
      JSON.stringify({ ...sample, schema: 'understudy.pair/0' }),
      JSON.stringify({ ...sample, schema: 'understudy.pair/7' }),
      Buffer.alloc(10_000_000, '7'),
      Buffer.from([0xff, 0x00]),
      null,
    ];
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => [
      { partition, value: pairNumber(10 + partition) },
      ...poison.map((value) => ({ partition, value })),
      { partition, value: pairNumber(10 + partition) },
      { partition, value: pairNumber(20 + partition) },
    ]).flat();
    const topic = await topicWith(messages);
    const skipped: ReadOutcome['kind'][] = [];
    const consumer = new PairConsumer({
      brokers,
      topic,
      groupId: randomUUID(),
      until: 'end',
      onSkipped: ({ kind }, place) => {
        expect(place.topic).toBe(topic);
        skipped.push(kind);
      },
    });
    const seqs: number[] = [];
    for await (const { pair } of consumer) seqs.push(pair.seq);
    expect(seqs.sort()).toEqual([10, 11, 12, 20, 21, 22]);
    expect(consumer.counts).toEqual({
      pair: 6,
      duplicate: 3,
      conflict: 0,
      unknown_schema: 6,
      tombstone: 3,
      malformed: 12,
    });
    expect(skipped).toHaveLength(24);
  });

  test('offsets are the caller’s: the next one of the group goes on behind what was committed', async () => {
    const values = Array.from({ length: 30 }, (_, i) => pairNumber(i + 1));
    const topic = await topicWith(values.map((value) => ({ partition: 1, value })));
    const groupId = randomUUID();
    const first = new PairConsumer({ brokers, topic, groupId });
    for await (const { pair, place } of first) {
      if (pair.seq === 12) await first.commit(place);
      if (pair.seq === 20) break;
    }
    const second = new PairConsumer({ brokers, topic, groupId, until: 'end' });
    const seqs: number[] = [];
    for await (const { pair } of second) seqs.push(pair.seq);
    expect(seqs).toEqual(Array.from({ length: 18 }, (_, i) => i + 13));
    const none = new PairConsumer({
      brokers,
      topic,
      groupId: randomUUID(),
      from: 'latest',
      until: 'end',
    });
    for await (const { pair } of none) throw new Error(`got ${pair.id}`);
  });
}

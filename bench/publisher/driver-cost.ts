/** What a pair costs in the publisher's driver, by compression; beside what a user would write first with kafkajs. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaConfig } from '../../src/config/types.ts';
import { FileAuthenticator } from '../../src/record/kafka/kafka-security.ts';
import { KafkaSink } from '../../src/record/kafka/kafka-sink.ts';
import { jsonSerializer } from '../../src/record/publisher/pair-serializer.ts';
import type { SinkRecord } from '../../src/record/publisher/pair-sink.ts';
import { type Cost, middleOf, startMeter } from './cost.ts';
import { CANDIDATE, EXPERIMENT, keyOf, pairJson } from './pairs.ts';

export const COMPRESSIONS = ['none', 'lz4', 'snappy', 'gzip', 'zstd'] as const;
const RUNS = 3;
/** One send a pair is slow: so many are enough. */
const SINGLE_PAIRS = 3_000;
const SINGLE_AT_ONCE = 50;

export interface DriverInput {
  readonly kafka: KafkaConfig;
  readonly pairs: number;
}

export interface DriverCost {
  readonly name: string;
  readonly cost: Cost;
}

/** Everything in turn, run after run, so that the machine is the same for all. */
export async function measureDriver({ kafka, pairs }: DriverInput): Promise<DriverCost[]> {
  const records = Array.from({ length: pairs }, (_, i) => recordOf(i + 1));
  const runs = new Map<string, Cost[]>();
  const note = (name: string, cost: Cost): void => {
    runs.set(name, [...(runs.get(name) ?? []), cost]);
  };
  // The first run warms up, and is left out.
  for (let run = 0; run <= RUNS; run += 1) {
    const skip = run === 0;
    for (const compression of COMPRESSIONS) {
      const cost = await ours(
        { ...kafka, compression, pairsTopic: `bench-${randomUUID()}` },
        records,
      );
      if (!skip) note(`understudy, ${compression}`, cost);
    }
    const topic = `bench-${randomUUID()}`;
    const { batches, single } = await kafkajs({ ...kafka, pairsTopic: topic }, records);
    if (skip) continue;
    note(`kafkajs, batches of ${kafka.maxBatchPairs}`, batches);
    note('kafkajs, one send a pair', single);
  }
  return Array.from(runs, ([name, costs]) => ({ name, cost: middleOf(costs) }));
}

function recordOf(seq: number): SinkRecord {
  const key = keyOf('bench', seq);
  const json = pairJson('bench', seq, Date.now());
  const id = `${key}/${CANDIDATE}`;
  return jsonSerializer.toRecord({
    seq,
    id,
    key,
    candidate: CANDIDATE,
    experiment: EXPERIMENT,
    json,
  });
}

function batchesOf(records: readonly SinkRecord[], size: number): SinkRecord[][] {
  const count = Math.ceil(records.length / size);
  return Array.from({ length: count }, (_, i) => records.slice(i * size, (i + 1) * size));
}

/** As the publisher does it: one batch in flight a partition. */
async function ours(kafka: KafkaConfig, records: readonly SinkRecord[]): Promise<Cost> {
  const silent = { onRetry: () => undefined, onDifferences: () => undefined };
  const sink = new KafkaSink({ kafka, authenticator: new FileAuthenticator(kafka), ...silent });
  await sink.open();
  const batches = batchesOf(records, kafka.maxBatchPairs);
  // Connects, and asks for its producer id.
  await sink.send('pairs', 0, records.slice(0, 10));
  const meter = startMeter();
  const lanes = Array.from({ length: kafka.partitions }, async (_, partition) => {
    for (let i = partition; i < batches.length; i += kafka.partitions) {
      await sink.send('pairs', partition, batches[i] ?? []);
    }
  });
  await Promise.all(lanes);
  const cost = meter(records.length);
  await sink.close();
  return cost;
}

async function kafkajs(
  kafka: KafkaConfig,
  records: readonly SinkRecord[],
): Promise<{ batches: Cost; single: Cost }> {
  const sink = await makeTopic(kafka);
  await sink.close();
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  const producer = client.producer();
  await producer.connect();
  const topic = kafka.pairsTopic;
  const messages = records.map(({ key, value, headers }) => ({
    key,
    value,
    headers: Object.fromEntries(headers),
  }));
  await producer.send({ topic, acks: -1, messages: messages.slice(0, 10) });
  const batching = startMeter();
  for (let i = 0; i < messages.length; i += kafka.maxBatchPairs) {
    const some = messages.slice(i, i + kafka.maxBatchPairs);
    await producer.send({ topic, acks: -1, messages: some });
  }
  const batches = batching(messages.length);
  const few = messages.slice(0, SINGLE_PAIRS);
  const singly = startMeter();
  for (let i = 0; i < few.length; i += SINGLE_AT_ONCE) {
    const some = few.slice(i, i + SINGLE_AT_ONCE);
    await Promise.all(some.map((one) => producer.send({ topic, acks: -1, messages: [one] })));
  }
  const single = singly(few.length);
  await producer.disconnect();
  return { batches, single };
}

async function makeTopic(kafka: KafkaConfig): Promise<KafkaSink> {
  const silent = { onRetry: () => undefined, onDifferences: () => undefined };
  const sink = new KafkaSink({ kafka, authenticator: new FileAuthenticator(kafka), ...silent });
  await sink.open();
  return sink;
}

/**
 * What a pair costs on its way to Kafka: the publisher's driver by compression, beside what a user would write
 * first with kafkajs. One broker, made for it; batches of 500, acks=all, three partitions.
 *
 *   npm run bench:publisher -- --pairs 50000
 *
 * CPU is that of this process (the broker is another one), so other work on the machine disturbs it less than
 * pairs a second, which the broker limits as well.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { DEFAULTS } from '../src/config/defaults.ts';
import type { KafkaConfig } from '../src/config/types.ts';
import { FileAuthenticator } from '../src/record/kafka-security.ts';
import { KafkaSink } from '../src/record/kafka-sink.ts';
import type { SinkRecord } from '../src/record/pair-sink.ts';
import { startKafka } from '../test/services/kafka.ts';

const PARTITIONS = 3;
const BATCH = 500;
const IDLE_MS = 10_000;
/** One send a pair is slow: so many are enough. */
const SINGLE_PAIRS = 3_000;
const SINGLE_AT_ONCE = 50;

interface Measured {
  readonly pairs: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** About 1 KiB of JSON, as pairs are: the same words, other numbers. */
function recordOf(seq: number): SinkRecord {
  const key = `0dglo0hfuebnkc51ks97.${seq}`;
  const side = () => ({
    status: 200,
    first_byte_ms: Math.random() * 10,
    latency_ms: Math.random() * 10,
    model_version: 'lending-club-lr-1',
    predictions: [{ score: Math.random(), label: Math.random() < 0.5 ? 'good' : 'bad' }],
  });
  const value = JSON.stringify({
    schema: 'understudy.pair/1',
    id: `${key}/boosting`,
    instance: 'vm/gw0',
    epoch: '0dglo0hfuebnkc51ks97',
    seq,
    time: new Date().toISOString(),
    experiment: 'lending-club-demo',
    route: 'score',
    key,
    captured: { '/funded_amnt': seq % 40_000, '/term': 'term_60', '/sub_grade': 'D1' },
    selection: { u: Math.random(), probability: 1, rule: 'default', settings_version: 0 },
    request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 440 },
    flags: [],
    incumbent: side(),
    candidate: { name: 'boosting', role: 'candidate', queue_ms: Math.random(), ...side() },
    divergence: {
      score_delta_max: Math.random(),
      label_flips: 0,
      outside_tolerance: 1,
      fields: [],
    },
    state: 'paired',
  });
  const headers = [
    ['schema', 'understudy.pair/1'],
    ['id', `${key}/boosting`],
    ['experiment', 'lending-club-demo'],
    ['candidate', 'boosting'],
  ] as const;
  return { key, value, headers };
}

async function measure(pairs: number, run: () => Promise<unknown>): Promise<Measured> {
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startMs) / 1_000;
  return { pairs, seconds, cpuSeconds: (user + system) / 1e6 };
}

function batchesOf(records: readonly SinkRecord[]): SinkRecord[][] {
  const count = Math.ceil(records.length / BATCH);
  return Array.from({ length: count }, (_, i) => records.slice(i * BATCH, (i + 1) * BATCH));
}

/** As the publisher does it: one batch in flight a partition. */
async function sendAll(sink: KafkaSink, records: readonly SinkRecord[]): Promise<void> {
  const batches = batchesOf(records);
  const lanes = Array.from({ length: PARTITIONS }, async (_, partition) => {
    for (let i = partition; i < batches.length; i += PARTITIONS) {
      await sink.send('pairs', partition, batches[i] ?? []);
    }
  });
  await Promise.all(lanes);
}

function print(name: string, { pairs, seconds, cpuSeconds }: Measured): void {
  const micros = ((cpuSeconds / pairs) * 1e6).toFixed(1).padStart(7);
  const rate = Math.round(pairs / seconds)
    .toLocaleString('en')
    .padStart(9);
  const core = Math.round(pairs / cpuSeconds)
    .toLocaleString('en')
    .padStart(9);
  console.log(`${name.padEnd(32)} ${micros} µs CPU a pair  ${core} a core-second  ${rate} pairs/s`);
}

async function kafkajs(brokers: string[], topic: string, records: readonly SinkRecord[]) {
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = records.map(({ key, value, headers }) => ({
    key,
    value,
    headers: Object.fromEntries(headers),
  }));
  const batches = await measure(records.length, async () => {
    for (let i = 0; i < messages.length; i += BATCH) {
      await producer.send({ topic, acks: -1, messages: messages.slice(i, i + BATCH) });
    }
  });
  print('kafkajs, batches of 500', batches);
  const few = messages.slice(0, SINGLE_PAIRS);
  const single = await measure(few.length, async () => {
    for (let i = 0; i < few.length; i += SINGLE_AT_ONCE) {
      const some = few.slice(i, i + SINGLE_AT_ONCE);
      await Promise.all(some.map((one) => producer.send({ topic, acks: -1, messages: [one] })));
    }
  });
  print('kafkajs, one send a pair', single);
  await producer.disconnect();
}

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '50000' } } });
const broker = await startKafka();
if ('skipped' in broker) {
  console.error(broker.skipped);
  process.exitCode = 1;
} else {
  try {
    const records = Array.from({ length: Number(values.pairs) }, (_, i) => recordOf(i + 1));
    const bytes = records.reduce((sum, { value }) => sum + value.length, 0) / records.length;
    console.log(`${records.length} pairs of ${Math.round(bytes)} bytes, Node ${process.version}`);
    for (const compression of ['none', 'lz4', 'snappy', 'gzip', 'zstd'] as const) {
      const pairsTopic = `bench-${randomUUID()}`;
      const kafka: KafkaConfig = {
        ...DEFAULTS.kafka,
        brokers: broker.brokers,
        createTopics: true,
        pairsTopic,
        partitions: PARTITIONS,
        compression,
      };
      const silent = { onRetry: () => undefined, onDifferences: () => undefined };
      const sink = new KafkaSink({ kafka, authenticator: new FileAuthenticator(kafka), ...silent });
      await sink.open();
      await sendAll(sink, records.slice(0, 10 * BATCH)); // warm
      print(
        `understudy, ${compression}`,
        await measure(records.length, () => sendAll(sink, records)),
      );
      if (compression === 'none') {
        const idle = await measure(1, () => sleep(IDLE_MS));
        console.log(`  idle: ${((idle.cpuSeconds / idle.seconds) * 100).toFixed(2)} % of a core`);
        await kafkajs([...broker.brokers], pairsTopic, records);
      }
      await sink.close();
    }
  } finally {
    await broker.stop();
  }
}

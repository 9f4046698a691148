import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';
import { sharedKafka, startKafka } from '../services/kafka.ts';
import {
  kcatMissing,
  type ReadMessage,
  readWithKafkajs,
  readWithKcat,
} from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { EPOCH, entryOf, ledgerOf, legOf } from './entries.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = temporaryFolder();
});

function kafkaOf(brokers: readonly string[], changes: Partial<KafkaConfig> = {}): KafkaConfig {
  const id = randomUUID();
  const topics = { pairsTopic: `pairs-${id}`, accountingTopic: `accounting-${id}` };
  return { ...DEFAULTS.kafka, brokers, createTopics: true, ...topics, ...changes };
}

/** All were read, duplicates only with equal bytes, one key on one partition. */
function expectDelivered(read: readonly ReadMessage[], entries: readonly PairEntry[]): void {
  const byId = Map.groupBy(read, ({ headers }) => headers.id ?? '');
  expect(Array.from(byId.keys()).sort()).toEqual(entries.map(({ id }) => id).sort());
  for (const { id, key, json, leg, experiment } of entries) {
    const copies = byId.get(id) ?? [];
    const [first] = copies;
    for (const copy of copies) {
      expect(copy).toMatchObject({ key, value: json, partition: first?.partition });
      expect(copy.headers).toEqual({
        schema: 'understudy.pair/1',
        id,
        experiment,
        candidate: leg.candidate,
      });
    }
  }
  const byKey = Map.groupBy(read, ({ key }) => key);
  for (const copies of byKey.values()) {
    expect(new Set(copies.map(({ partition }) => partition)).size).toBe(1);
  }
}

/** Two candidates for each exchange: two pairs with one key. */
function entriesFrom(first: number, count: number): PairEntry[] {
  return Array.from({ length: count }, (_, i) =>
    ['new', 'newer'].map((candidate) => entryOf(first + i, { leg: legOf(EPOCH, candidate) })),
  ).flat();
}

const shared = await sharedKafka();
const noKcat = await kcatMissing();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else if (noKcat !== undefined) test.skip(noKcat.skipped, () => {});
else {
  const { brokers } = shared;

  test('each pair is published, key and headers with it, as two independent readers see', async () => {
    const kafka = kafkaOf(brokers);
    const { recorder, outcomes } = await recorderIn(dataDir, { kafka });
    const entries = entriesFrom(1, 1_000);
    for (const entry of entries) recorder.record(entry);
    await until('published', () => recorder.status().publisher?.published === entries.length);
    await until('confirmed', () => recorder.status().publisher?.lag === 0);
    expect(recorder.status().publisher).toMatchObject({ state: 'connected', deadLetters: 0 });
    expect(outcomes.count('paired')).toBe(entries.length);
    const byKcat = await readWithKcat(brokers, kafka.pairsTopic);
    expectDelivered(byKcat, entries);
    expect(byKcat).toHaveLength(entries.length);
    expect(await readWithKafkajs(brokers, kafka.pairsTopic)).toEqual(byKcat);
  });

  test('closing sends what is left, and the last accounts', async () => {
    const kafka = kafkaOf(brokers, { accountingIntervalMs: 3_600_000 });
    const { recorder } = await recorderIn(dataDir, { kafka });
    await until('connected', () => recorder.status().publisher?.state === 'connected');
    const entries = entriesFrom(1, 50);
    for (const entry of entries) recorder.record(entry);
    recorder.count(legOf(), 'shed', 'in_flight', 2);
    recorder.ledger(ledgerOf(52, { state: 'clean' }));
    await recorder.close();
    expectDelivered(await readWithKafkajs(brokers, kafka.pairsTopic), entries);
    const accounts = await readWithKafkajs(brokers, kafka.accountingTopic);
    const last = new Map(accounts.map(({ key, value }) => [key, JSON.parse(value ?? '')]));
    expect(last.get(JSON.stringify(['legs', EPOCH, 'new', 'score']))).toMatchObject({
      states: [
        { state: 'paired', reason: '', count: 50 },
        { state: 'shed', reason: 'in_flight', count: 2 },
      ],
    });
    expect(last.get(JSON.stringify(['exchanges', EPOCH, 'score']))).toMatchObject({
      epoch_state: 'clean',
      states: [
        { state: 'offered', count: 52 },
        { state: 'seen', count: 52 },
      ],
    });
    const reader = JournalReader.open(dataDir);
    expect(reader.lastUnpublished()).toBe(0);
    reader.close();
  });

  test('a pair too large for the topic is a dead letter; its neighbours arrive', async () => {
    const kafka = kafkaOf(brokers, { maxMessageBytes: 3_000, partitions: 1 });
    const { recorder } = await recorderIn(dataDir, { kafka });
    const large = entryOf(500, { json: JSON.stringify({ pad: 'x'.repeat(5_000) }) });
    const entries = [...entriesFrom(1, 30), large, ...entriesFrom(600, 30)];
    for (const entry of entries) recorder.record(entry);
    const small = entries.filter((entry) => entry !== large);
    await until('dead', () => recorder.status().publisher?.deadLetters === 1);
    await until('all settled', () => recorder.status().publisher?.lag === 0);
    // Lag is the recorder thread's word, what follows the publisher's, which may come a little later.
    await until('all told', () => recorder.status().publisher?.published === small.length);
    expect(recorder.status().publisher?.state).toBe('connected');
    expectDelivered(await readWithKafkajs(brokers, kafka.pairsTopic), small);
  });

  test('a pair that only the broker finds too large is found by halves', async () => {
    const made = kafkaOf(brokers, { maxMessageBytes: 3_000, partitions: 1 });
    const first = await recorderIn(temporaryFolder(), { kafka: made });
    await until('made', () => first.recorder.status().publisher?.state === 'connected');
    const kafka = { ...made, maxMessageBytes: 1_000_000 };
    const { recorder, log } = await recorderIn(dataDir, { kafka });
    const large = entryOf(500, { json: JSON.stringify({ pad: 'x'.repeat(5_000) }) });
    const entries = [...entriesFrom(1, 30), large, ...entriesFrom(600, 30)];
    for (const entry of entries) recorder.record(entry);
    await until('dead', () => recorder.status().publisher?.deadLetters === 1);
    await until('all settled', () => recorder.status().publisher?.lag === 0);
    const small = entries.filter((entry) => entry !== large);
    expectDelivered(await readWithKafkajs(brokers, kafka.pairsTopic), small);
    expect(log.lines.join('\n')).toMatch(/max.message.bytes 3100, not 1000100/);
  });

  test('a topic that is missing is said, and made up for once it is there', async () => {
    const kafka = kafkaOf(brokers, { createTopics: false });
    const { recorder, log } = await recorderIn(dataDir, { kafka });
    const entries = entriesFrom(1, 10);
    for (const entry of entries) recorder.record(entry);
    const status = () => recorder.status().publisher;
    await until('said', () => status()?.error === 'UND_KAFKA_TOPIC_MISSING');
    await until('counted', () => status()?.lag === entries.length);
    expect(log.lines.join('\n')).toContain(kafka.pairsTopic);
    const maker = await recorderIn(temporaryFolder(), { kafka: { ...kafka, createTopics: true } });
    await until('made', () => maker.recorder.status().publisher?.state === 'connected');
    await until('published', () => status()?.published === entries.length);
    expectDelivered(await readWithKafkajs(brokers, kafka.pairsTopic), entries);
  });
}

const own = 'skipped' in shared ? shared : await startKafka();
if ('skipped' in own) test.skip(own.skipped, () => {});
else {
  describe('a broker that is killed', () => {
    afterAll(() => own.stop());

    test('costs nothing: all is there afterwards', { timeout: 120_000 }, async () => {
      const kafka = kafkaOf(own.brokers, { sendTimeoutMs: 5_000, partitions: 3 });
      const { recorder, outcomes, log } = await recorderIn(dataDir, { kafka });
      const status = () => recorder.status().publisher;
      await until('connected', () => status()?.state === 'connected');
      const entries: PairEntry[] = [];
      const feed = setInterval(() => {
        const more = entriesFrom(entries.length + 1, 20);
        entries.push(...more);
        for (const entry of more) recorder.record(entry);
      }, 10);
      await until('some published', () => (status()?.published ?? 0) > 200);
      await own.kill();
      await until('noticed', () => status()?.state === 'failing');
      const during = entries.length;
      await until('past a deadline', () => log.lines.join('\n').includes('UND_KAFKA_TIMEOUT'));
      await own.restart();
      await until('back', () => status()?.state === 'connected', 60_000);
      clearInterval(feed);
      await until('caught up', () => status()?.lag === 0, 60_000);
      expect(entries.length).toBeGreaterThan(during);
      expect(outcomes.count('paired')).toBe(entries.length);
      const read = await readWithKcat(own.brokers, kafka.pairsTopic);
      expectDelivered(read, entries);
      expect(log.lines.join('\n')).toMatch(/Not publishing/);
    });
  });
}

test('with no broker at start, pairs are recorded, the lag is counted, the end is quick', async () => {
  const { recorder, outcomes } = await recorderIn(dataDir, { kafka: kafkaOf(['127.0.0.1:1']) });
  const entries = entriesFrom(1, 10);
  for (const entry of entries) recorder.record(entry);
  const status = () => recorder.status().publisher;
  await until('failing', () => status()?.error === 'UND_KAFKA_UNREACHABLE');
  await until('counted', () => status()?.lag === entries.length);
  const start = performance.now();
  await recorder.close();
  expect(performance.now() - start).toBeLessThan(3_000);
  expect(outcomes.count('paired')).toBe(entries.length);
});

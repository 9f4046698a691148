/**
 * Two independent readers of a topic: Debian's kcat (librdkafka, C) and kafkajs (JavaScript). What
 * both of them read was really there.
 */
import { randomUUID } from 'node:crypto';
import { type Batch, type IHeaders, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { runForLines, runScript } from './run-script.ts';
import { missingService, type Skipped } from './skipped.ts';

/** One message as a reader saw it; text is UTF-8, a missing header value an empty string. */
export interface ReadMessage {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly partition: number;
  readonly offset: number;
  /** Unix ms; of our producer: when the record was sent first. */
  readonly timestampMs: number;
}

/** Options of both readers. */
export interface ReadOptions {
  /** After this long the read fails (default 30,000). */
  readonly timeoutMs?: number;
}

/**
 * Says whether kcat is there.
 *
 * @returns what is missing, or undefined
 * @throws {Error} with `CI=true` if it is missing
 */
export async function kcatMissing(): Promise<Skipped | undefined> {
  try {
    await runScript('kcat', ['-V']);
    return undefined;
  } catch {
    return missingService('kcat', 'install it with "apt-get install kcat"');
  }
}

/**
 * Reads a topic with kcat, from the first message of each partition to what is the last one when it
 * gets there.
 *
 * @returns the messages by partition and offset
 * @throws {Error} if the topic is missing, the brokers do not answer, or time runs out
 */
export async function readWithKcat(
  brokers: readonly string[],
  topic: string,
  options: ReadOptions = {},
): Promise<ReadMessage[]> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  // -J: a JSON envelope for each message, a line each; -e: end at the end of all partitions.
  const args = ['-C', '-b', brokers.join(','), '-t', topic, '-o', 'beginning', '-e', '-q', '-J'];
  const messages: ReadMessage[] = [];
  const onLine = (line: string): void => {
    if (line !== '') messages.push(parseEnvelope(line));
  };
  await runForLines('kcat', args, { timeoutMs, onLine });
  return inOrder(messages);
}

/**
 * Reads a topic with kafkajs, from the first message of each partition to what is the last one at
 * the call. Not for topics with transactions: their markers use up offsets.
 *
 * @returns the messages by partition and offset
 * @throws {Error} if the topic is missing, the brokers do not answer, or time runs out
 */
export async function readWithKafkajs(
  brokers: readonly string[],
  topic: string,
  options: ReadOptions = {},
): Promise<ReadMessage[]> {
  const kafka = new Kafka({
    clientId: 'understudy-test-reader',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
  });
  const ends = await endOffsets(kafka, topic);
  if (ends.size === 0) return [];
  const consumer = kafka.consumer({ groupId: `understudy-test-${randomUUID()}` });
  const messages: ReadMessage[] = [];
  const { promise: complete, resolve, reject } = Promise.withResolvers<void>();
  const deadline = setTimeout(() => {
    const left = [...ends].map(([partition, end]) => `partition ${partition} up to ${end}`);
    reject(new Error(`kafkajs did not read ${topic} to its end: ${left.join(', ')} is missing`));
  }, options.timeoutMs ?? 30_000);
  const take = async ({ batch }: { batch: Batch }): Promise<void> => {
    const end = ends.get(batch.partition);
    if (end === undefined) return;
    const wanted = batch.messages.filter((message) => Number(message.offset) < end);
    messages.push(...wanted.map((message) => toReadMessage(batch.partition, message)));
    if (Number(batch.lastOffset()) >= end - 1) ends.delete(batch.partition);
    if (ends.size === 0) resolve();
  };
  try {
    // What kafkajs can retry it does itself, say while the group coordinator still loads.
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) reject(payload.error);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch: take });
    await complete;
  } finally {
    clearTimeout(deadline);
    await consumer.disconnect();
  }
  return inOrder(messages);
}

/** The end offset of each partition that is not empty. */
async function endOffsets(kafka: Kafka, topic: string): Promise<Map<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    const filled = offsets.filter(({ low, high }) => low !== high);
    return new Map(filled.map(({ partition, high }) => [partition, Number(high)]));
  } finally {
    await admin.disconnect();
  }
}

function inOrder(messages: ReadMessage[]): ReadMessage[] {
  return messages.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function toReadMessage(partition: number, message: KafkaMessage): ReadMessage {
  return {
    key: message.key?.toString() ?? null,
    value: message.value?.toString() ?? null,
    headers: toHeaders(message.headers ?? {}),
    partition,
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
  };
}

function toHeaders(headers: IHeaders): Record<string, string> {
  const entries = Object.entries(headers);
  return Object.fromEntries(entries.map(([name, value]) => [name, value?.toString() ?? '']));
}

/** kcat: `{"partition":0,"offset":0,"headers":["name","value"],"key":"k","payload":"v",…}`. */
function parseEnvelope(line: string): ReadMessage {
  const envelope: Record<string, unknown> = JSON.parse(line);
  const { key, payload, headers, partition, offset, ts } = envelope;
  const flat: unknown[] = Array.isArray(headers) ? headers : [];
  const pairs = flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : []));
  return {
    key: typeof key === 'string' ? key : null,
    value: typeof payload === 'string' ? payload : null,
    headers: Object.fromEntries(pairs),
    partition: Number(partition),
    offset: Number(offset),
    timestampMs: Number(ts),
  };
}

/**
 * The Kafka driver: @platformatic/kafka behind the port of PairSink. Each line that looks odd answers a fault
 * that was reproduced with this client (docs/decisions.md).
 */
import { compatibilityPartitioner, type MessageToProduce, Producer } from '@platformatic/kafka';
import { LIMITS } from '../../config/defaults.ts';
import type { KafkaConfig } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';
import type { OnSinkRetry, PairSink, SinkRecord, SinkTopic } from '../publisher/pair-sink.ts';
import { explainKafkaError } from './kafka-errors.ts';
import type { KafkaAuthenticator } from './kafka-security.ts';
import { ensureTopics, KAFKA_CLIENT_ID, type TopicPartitions } from './kafka-topics.ts';

/** All in-sync replicas. */
const ACKS_ALL = -1;
const RETRY_DELAY_MIN_MS = 250;
const RETRY_DELAY_MAX_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;

export interface KafkaSinkOptions {
  readonly kafka: KafkaConfig;
  readonly authenticator: KafkaAuthenticator;
  readonly onRetry: OnSinkRetry;
  /** What is not as configured, after each `open`. */
  readonly onDifferences: (differences: readonly string[]) => void;
}

export class KafkaSink implements PairSink {
  readonly #options: KafkaSinkOptions;
  #producer: Producer | null = null;
  #partitions: TopicPartitions = { pairs: 1, accounting: 1 };

  constructor(options: KafkaSinkOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { kafka, authenticator } = this.#options;
    let connection: ReturnType<KafkaAuthenticator['connection']>;
    try {
      connection = authenticator.connection();
      const { partitions, differences } = await ensureTopics(kafka, connection);
      this.#partitions = partitions;
      this.#options.onDifferences(differences);
    } catch (error) {
      throw explainKafkaError(error, kafka);
    }
    this.#producer ??= new Producer({
      ...connection,
      clientId: KAFKA_CLIENT_ID,
      bootstrapBrokers: [...kafka.brokers],
      idempotent: true,
      retryDelay: (_client, _operation, _attempt, _retries, error) => {
        this.#options.onRetry(explainKafkaError(error, kafka));
        const span = RETRY_DELAY_MAX_MS - RETRY_DELAY_MIN_MS;
        return RETRY_DELAY_MIN_MS + Math.random() * span;
      },
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: kafka.sendTimeoutMs,
      autocreateTopics: false,
    });
  }

  partitionOf(topic: SinkTopic, key: string): number {
    // The client's default partitioner hashes like Java's, and then reads the hash unsigned: not the same.
    return compatibilityPartitioner(NO_MESSAGE, Buffer.from(key)) % this.#partitions[topic];
  }

  async send(topic: SinkTopic, partition: number, records: readonly SinkRecord[]): Promise<void> {
    const producer = this.#producer;
    if (producer === null) {
      throw new UnderstudyError('UND_KAFKA_FAILED', 'The producer was closed.');
    }
    const { kafka } = this.#options;
    const name = topic === 'pairs' ? kafka.pairsTopic : kafka.accountingTopic;
    const messages = records.map((record) => toMessage(record, name, partition));
    // `acks` in every send, since the constructor's is ignored; `idempotent` too, so that a refused send
    // resets the sequence it has used up.
    const { compression } = kafka;
    const sent = producer.send({ messages, acks: ACKS_ALL, idempotent: true, compression });
    const settled = sent.then(
      () => 'sent' as const,
      (error: unknown) => explainKafkaError(error, kafka),
    );
    const late = timer(kafka.sendTimeoutMs);
    let outcome = await Promise.race([settled, late.passed]);
    late.stop();
    if (outcome === 'passed') {
      // The client retries for ever. Closing it rejects what is in flight: only then is the outcome known,
      // and only then may another producer repeat the batch.
      await this.#end(producer);
      const last = timer(LIMITS.kafkaCloseMs);
      outcome = await Promise.race([settled, last.passed]);
      last.stop();
      if (outcome !== 'sent') throw timeoutOf(name, partition, outcome);
    }
    if (outcome !== 'sent') throw outcome;
  }

  async close(): Promise<void> {
    if (this.#producer !== null) await this.#end(this.#producer);
  }

  async #end(producer: Producer): Promise<void> {
    if (this.#producer === producer) this.#producer = null;
    const closed = producer.close(true).then(
      () => 'closed' as const,
      () => 'closed' as const,
    );
    const late = timer(LIMITS.kafkaCloseMs);
    await Promise.race([closed, late.passed]);
    late.stop();
  }
}

/** The partitioner looks at the key alone. */
const NO_MESSAGE: MessageToProduce = { topic: '' };

function toMessage(record: SinkRecord, topic: string, partition: number): MessageToProduce {
  const headers = new Map<Buffer, Buffer>();
  for (const [name, value] of record.headers) headers.set(Buffer.from(name), Buffer.from(value));
  const { key, value } = record;
  return { topic, partition, key: Buffer.from(key), value: Buffer.from(value), headers };
}

function timeoutOf(
  topic: string,
  partition: number,
  outcome: UnderstudyError | 'passed',
): UnderstudyError {
  const last = outcome === 'passed' ? '' : ` Last error: ${outcome.message}`;
  return new UnderstudyError(
    'UND_KAFKA_TIMEOUT',
    `Partition ${partition} of ${topic} did not acknowledge a batch in time.${last}`,
    outcome === 'passed' ? {} : { cause: outcome },
  );
}

function timer(ms: number): { passed: Promise<'passed'>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<'passed'>();
  const timeout = setTimeout(() => resolve('passed'), ms);
  return { passed: promise, stop: () => clearTimeout(timeout) };
}

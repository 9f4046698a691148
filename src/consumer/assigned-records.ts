/**
 * Messages of chosen partitions from chosen offsets. Offsets are the caller's business altogether: nothing is
 * committed to Kafka, and the group has one member and a name that nobody else has.
 */
import { randomUUID } from 'node:crypto';
import { Consumer, type ConsumerOptions, type MessagesStream } from '@platformatic/kafka';
import { LIMITS } from '../config/defaults.ts';
import type { ConsumedRecord } from './kafka-records.ts';

type Options = ConsumerOptions<Buffer, Buffer, Buffer, Buffer>;

export interface AssignedOptions {
  /** `host:port` */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** `null`: all of the topic. */
  readonly partitions: readonly number[] | null;
  /** As of the client. */
  readonly connection?: Pick<Options, 'tls' | 'sasl' | 'tlsServerName'>;
}

/** Offsets of a partition: of its first message, and behind its last. */
export interface Bounds {
  readonly first: bigint;
  readonly end: bigint;
}

export class AssignedRecords {
  readonly #options: AssignedOptions;
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>;
  #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer> | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: AssignedOptions) {
    this.#options = options;
    const { topic, partitions } = options;
    this.#consumer = new Consumer({
      ...options.connection,
      clientId: 'understudy-analyse',
      groupId: `understudy-analyse-${randomUUID()}`,
      bootstrapBrokers: [...options.brokers],
      autocommit: false,
      maxBytes: LIMITS.consumerFetchBytes,
      highWaterMark: LIMITS.consumerQueuedRecords,
      // The one member gets what was asked for: other partitions are not even fetched.
      partitionAssigner: (_current, members, _topics, metadata) => {
        const count = metadata.topics.get(topic)?.partitionsCount ?? 0;
        const all = Array.from({ length: count }, (_, partition) => partition);
        const chosen = all.filter((partition) => partitions?.includes(partition) ?? true);
        return Array.from(members.keys(), (memberId) => ({
          memberId,
          assignments: new Map([[topic, { topic, partitions: chosen }]]),
        }));
      },
    });
  }

  /** Of the chosen partitions, now. @throws errors of the client */
  async bounds(): Promise<Map<number, Bounds>> {
    const { topic, partitions } = this.#options;
    const ends = await this.#consumer.listOffsets({ topics: [topic], timestamp: -1n });
    const starts = await this.#consumer.listOffsets({ topics: [topic], timestamp: -2n });
    const bounds = new Map<number, Bounds>();
    for (const [partition, end] of (ends.get(topic) ?? []).entries()) {
      if (partitions !== null && !partitions.includes(partition)) continue;
      bounds.set(partition, { first: starts.get(topic)?.[partition] ?? 0n, end });
    }
    return bounds;
  }

  /** Messages in the order of each partition, until `close`. @throws errors of the client */
  async *read(from: ReadonlyMap<number, bigint>): AsyncGenerator<ConsumedRecord, void> {
    const { topic } = this.#options;
    const offsets = Array.from(from, ([partition, offset]) => ({ topic, partition, offset }));
    const stream = await this.#consumer.consume({ topics: [topic], mode: 'manual', offsets });
    this.#stream = stream;
    for await (const { partition, offset, key, value } of stream) {
      yield { topic, partition, offset, key: key ?? null, value: value ?? null };
    }
  }

  /** Ends the iteration and leaves. A second call does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#stream?.close();
    await this.#consumer.close(true);
  }
}

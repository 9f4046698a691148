/** Messages of a topic, with their places, as an async iteration. Offsets are the caller's business. */
import { Consumer, type ConsumerOptions, type MessagesStream } from '@platformatic/kafka';
import { LIMITS } from '../config/defaults.ts';

export interface RecordsOptions {
  /** `host:port` */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Members of one group share the partitions; offsets are committed in its name. */
  readonly groupId: string;
  /** Where a group begins that has committed nothing yet (default `earliest`). */
  readonly from?: 'earliest' | 'latest';
  /**
   * `end`: stops at what was the topic's end when it began; for a group of one member, and topics without
   * transactions. Default: goes on until `close`.
   */
  readonly until?: 'end';
  /** As of the client (`tls`, `sasl`), handed on as they are. */
  readonly connection?: Pick<ConsumerOptions<Buffer, Buffer, Buffer, Buffer>, 'tls' | 'sasl'>;
}

/** Where a message stands. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface ConsumedRecord extends Place {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

type Bytes = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

export class KafkaRecords {
  readonly #options: RecordsOptions;
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>;
  readonly #leaderEpochs = new Map<number, number>();
  #stream: Bytes | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: RecordsOptions) {
    this.#options = options;
    this.#consumer = new Consumer({
      ...options.connection,
      clientId: 'understudy-consumer',
      groupId: options.groupId,
      bootstrapBrokers: [...options.brokers],
      autocommit: false,
      // A stream holds what it has fetched as objects: small fetches keep that bounded.
      maxBytes: LIMITS.consumerFetchBytes,
      highWaterMark: LIMITS.consumerQueuedRecords,
    });
  }

  /** Yields each message, in the order of its partition. @throws errors of the client */
  async *read(): AsyncGenerator<ConsumedRecord, void> {
    const { topic, from = 'earliest', until } = this.#options;
    const left = until === 'end' ? await this.#partsToRead(topic) : null;
    if (left !== null && left.size === 0) return;
    const stream = await this.#consumer.consume({
      topics: [topic],
      mode: 'committed',
      fallbackMode: from,
    });
    this.#stream = stream;
    for await (const { partition, offset, key, value, leaderEpoch } of stream) {
      this.#leaderEpochs.set(partition, leaderEpoch);
      yield { topic, partition, offset, key: key ?? null, value: value ?? null };
      const end = left?.get(partition);
      if (end !== undefined && offset >= end - 1n) left?.delete(partition);
      if (left?.size === 0) break;
    }
  }

  /** Where the group begins next time: behind this message. */
  async commit({ topic, partition, offset }: Place): Promise<void> {
    const leaderEpoch = this.#leaderEpochs.get(partition) ?? -1;
    await this.#consumer.commit({
      offsets: [{ topic, partition, offset: offset + 1n, leaderEpoch }],
    });
  }

  /** Leaves the group. A second call does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#stream?.close();
    await this.#consumer.close(true);
  }

  /** Ends of the partitions in which something is left for this group. */
  async #partsToRead(topic: string): Promise<Map<number, bigint>> {
    const ends = (await this.#consumer.listOffsets({ topics: [topic], timestamp: -1n })).get(topic);
    const starts = await this.#consumer.listOffsets({ topics: [topic], timestamp: -2n });
    const partitions = (ends ?? []).map((_, partition) => partition);
    const committed = (
      await this.#consumer.listCommittedOffsets({ topics: [{ topic, partitions }] })
    ).get(topic);
    const left = new Map<number, bigint>();
    for (const [partition, end] of (ends ?? []).entries()) {
      const first = starts.get(topic)?.[partition] ?? 0n;
      const next = committed?.[partition] ?? -1n;
      const begins = next >= 0n ? next : first;
      if (begins < end && (next >= 0n || this.#options.from !== 'latest')) left.set(partition, end);
    }
    return left;
  }
}

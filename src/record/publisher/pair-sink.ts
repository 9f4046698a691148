/**
 * Where pairs and accounts are published to. One topic and one partition a send: a send of several partitions
 * sticks or duplicates after a leader change (reproduced with @platformatic/kafka 2.12).
 */
import type { UnderstudyError } from '../../errors.ts';

export type SinkTopic = 'pairs' | 'accounting';

export interface SinkRecord {
  readonly key: string;
  readonly value: string;
  /** Names and values, in order. */
  readonly headers: readonly (readonly [string, string])[];
}

export interface PairSink {
  /**
   * Connects, makes or checks the topics. To be called again after each trouble, and after `close`.
   *
   * @throws {UnderstudyError} `UND_KAFKA_UNREACHABLE`, `_SECRET_FILE`, `_TLS`, `_AUTH`, `_DENIED`,
   *   `_TOPIC_MISSING`, `_FAILED`
   */
  open(): Promise<void>;

  /** The partition of a key, as Java's default partitioner has it. Open sinks only. */
  partitionOf(topic: SinkTopic, key: string): number;

  /**
   * Resolves when all in-sync replicas have the records. At least once: after a rejection they may be there.
   *
   * @param records - together at most `maxMessageBytes` (recordBytes)
   * @throws {UnderstudyError} `UND_KAFKA_RECORD_TOO_LARGE`, `_RECORD_REFUSED`: one of them is refused for good,
   *   the sink can be used on; any other code: close it, wait, and open it again
   */
  send(topic: SinkTopic, partition: number, records: readonly SinkRecord[]): Promise<void>;

  /** Rejects what is in flight: await sends first. */
  close(): Promise<void>;
}

/** Told of each failed try inside a send that is still being tried. */
export type OnSinkRetry = (error: UnderstudyError) => void;

/** A record's varints, its attributes and its share of the batch header, rounded up. */
const RECORD_OVERHEAD_BYTES = 100;
const HEADER_OVERHEAD_BYTES = 6;

/** Upper bound of the bytes that a record takes in a batch, uncompressed. */
export function recordBytes({ key, value, headers }: SinkRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value);
  for (const [name, text] of headers) {
    bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  return bytes;
}

/**
 * `understudy/consumer`: pairs from the topic, typed, validated, each once; and coverage from the accounts.
 *
 *   const pairs = new PairConsumer({ brokers: ['localhost:9092'], topic: 'understudy.pairs', groupId: 'mine' });
 *   for await (const { pair, place } of pairs) {
 *     use(pair);
 *     await pairs.commit(place);        // when it is safe to go on from here
 *   }
 *
 * Delivery is at least once: a pair whose offset was not committed comes again. Repeated ids are dropped within a
 * window of this process's memory; across restarts the caller's own store decides (a key on `pair.id`, say).
 */

import type { Pair } from '../pair/pair.ts';
import { KafkaRecords, type Place, type RecordsOptions } from './kafka-records.ts';
import { PairReader, type PairReaderOptions, type ReadCounts } from './pair-reader.ts';

export type { Divergence, Observation, Pair, Prediction } from '../pair/pair.ts';
export type { Account } from '../record/publisher/accounting.ts';
export { type CandidateCoverage, CoverageReader } from './coverage.ts';
export {
  type ConsumedRecord,
  KafkaRecords,
  type Place,
  type RecordsOptions,
} from './kafka-records.ts';
export {
  type Malformation,
  PairReader,
  type PairReaderOptions,
  type ReadCounts,
  type ReadOutcome,
} from './pair-reader.ts';

export interface PairConsumerOptions extends RecordsOptions, PairReaderOptions {
  /** Told of each message that is no new pair: it is counted and skipped. */
  readonly onSkipped?: (
    outcome: Exclude<ReturnType<PairReader['read']>, { readonly kind: 'pair' }>,
    place: Place,
  ) => void;
}

/** A pair and where it stands. */
export interface ConsumedPair {
  readonly pair: Pair;
  readonly place: Place;
}

export class PairConsumer implements AsyncIterable<ConsumedPair> {
  readonly #options: PairConsumerOptions;
  readonly #records: KafkaRecords;
  readonly #reader: PairReader;

  constructor(options: PairConsumerOptions) {
    this.#options = options;
    this.#records = new KafkaRecords(options);
    this.#reader = new PairReader(options);
  }

  /** What came so far. */
  get counts(): ReadCounts {
    return this.#reader.counts;
  }

  /** Pairs, until `close`, or with `until: 'end'` to the topic's end; then it leaves the group. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ConsumedPair, void> {
    try {
      for await (const { value, topic, partition, offset } of this.#records.read()) {
        const place = { topic, partition, offset };
        const outcome = this.#reader.read(value);
        if (outcome.kind === 'pair') yield { pair: outcome.pair, place };
        else this.#options.onSkipped?.(outcome, place);
      }
    } finally {
      await this.close();
    }
  }

  /** The group goes on behind this place the next time. While iterating. */
  commit(place: Place): Promise<void> {
    return this.#records.commit(place);
  }

  /** Ends the iteration and leaves the group. */
  close(): Promise<void> {
    return this.#records.close();
  }
}

/** What a pair of the journal looks like on the topic. Another format (Avro, say) is another one of these. */
import { PAIR_SCHEMA } from '../../pair/pair.ts';
import type { UnpublishedPair } from '../journal/journal-reader.ts';
import type { SinkRecord } from './pair-sink.ts';

export interface PairSerializer {
  /**
   * The same record for the same pair, each time.
   *
   * @throws {Error} the pair cannot be written so: it becomes a dead letter
   */
  toRecord(pair: UnpublishedPair): SinkRecord;
}

/** JSON as it was journaled, byte for byte; headers that let a consumer route without parsing. */
export const jsonSerializer: PairSerializer = {
  toRecord({ id, key, candidate, experiment, json }) {
    const headers = [
      ['schema', PAIR_SCHEMA],
      ['id', id],
      ['experiment', experiment],
      ['candidate', candidate],
    ] as const;
    return { key, value: json, headers };
  },
};

/**
 * From a message of the topic to a pair, whatever the message is: nothing that stands on a topic can throw here.
 * Needs no Kafka client: give it bytes from any.
 */
import { isUtf8 } from 'node:buffer';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { LIMITS } from '../config/defaults.ts';
import { PAIR_SCHEMA, type Pair } from '../pair/pair.ts';
import { RecentIds } from './recent-ids.ts';
import { compileTolerant } from './tolerant-schema.ts';

/** Why a message is no pair. */
export type Malformation = 'too_large' | 'not_utf8' | 'not_json' | 'not_an_object' | 'invalid';

export type ReadOutcome =
  | { readonly kind: 'pair'; readonly pair: Pair }
  /** Delivered before, with the same bytes, within the window. */
  | { readonly kind: 'duplicate'; readonly id: string }
  /** The id was there before with other bytes: one of the two is not Understudy's. */
  | { readonly kind: 'conflict'; readonly id: string }
  /** Of another version, earlier or later than this library knows. */
  | { readonly kind: 'unknown_schema'; readonly schema: string }
  /** A record without a value: the pair of this key was erased. */
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'malformed'; readonly why: Malformation; readonly detail: string };

/** How often each came. */
export type ReadCounts = Readonly<Record<ReadOutcome['kind'], number>>;

export interface PairReaderOptions {
  /** A longer value is not parsed (default 4 MiB). */
  readonly maxBytes?: number;
  /** Ids that are remembered to drop repeated ones (default 100,000, about 15 MB). */
  readonly windowIds?: number;
}

export class PairReader {
  readonly #maxBytes: number;
  readonly #recent: RecentIds;
  readonly #isPair: ValidateFunction<Pair> = compileTolerant<Pair>('pair-1.schema.json');
  readonly #counts: Record<ReadOutcome['kind'], number> = {
    pair: 0,
    duplicate: 0,
    conflict: 0,
    unknown_schema: 0,
    tombstone: 0,
    malformed: 0,
  };

  /** @throws {RangeError} a window that is no integer ≥ 1 */
  constructor(options: PairReaderOptions = {}) {
    this.#maxBytes = options.maxBytes ?? LIMITS.consumerRecordBytes;
    this.#recent = new RecentIds(options.windowIds ?? LIMITS.consumerWindowIds);
  }

  get counts(): ReadCounts {
    return { ...this.#counts };
  }

  /** @param value - of a message; `null` or `undefined`: it has none. Never throws. */
  read(value: Uint8Array | null | undefined): ReadOutcome {
    const outcome = this.#outcomeOf(value);
    this.#counts[outcome.kind] += 1;
    return outcome;
  }

  #outcomeOf(value: Uint8Array | null | undefined): ReadOutcome {
    if (value === null || value === undefined) return { kind: 'tombstone' };
    if (value.length > this.#maxBytes) return malformed('too_large', `${value.length} bytes`);
    if (!isUtf8(value)) return malformed('not_utf8', '');
    let record: unknown;
    try {
      record = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString());
    } catch (error) {
      return malformed('not_json', String(error));
    }
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      return malformed('not_an_object', '');
    }
    const schema = 'schema' in record ? record.schema : undefined;
    if (schema !== PAIR_SCHEMA) {
      if (typeof schema !== 'string') return malformed('invalid', '/schema is missing');
      return { kind: 'unknown_schema', schema: schema.slice(0, LIMITS.errorCharacters) };
    }
    if (!this.#isPair(record)) {
      const [first] = this.#isPair.errors ?? [];
      return malformed('invalid', `${first?.instancePath ?? ''} ${first?.message ?? ''}`);
    }
    const noted = this.#recent.note(record.id, value);
    return noted === 'new' ? { kind: 'pair', pair: record } : { kind: noted, id: record.id };
  }
}

function malformed(why: Malformation, detail: string): ReadOutcome {
  return { kind: 'malformed', why, detail: detail.slice(0, LIMITS.errorCharacters) };
}

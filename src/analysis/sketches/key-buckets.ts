/**
 * Losses by bucket of the selection key: what the design effect needs (statistics/design-effect.ts).
 *
 * 1,024 buckets by hash of the key, each with its count and the sum of each guardrail's loss. A commutative monoid.
 */
import { requireThat } from '../statistics/domain.ts';
import { sampleRank } from './bottom-k.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { ExactSums } from './exact-sums.ts';
import { fromFixedPoint, toFixedPoint } from './fixed-point.ts';

export const KEY_BUCKETS = 1_024;

/** Bucket of a key: the first 10 bits of its SHA-256. */
export function keyBucket(key: string): number {
  return Math.floor(sampleRank(key) / 2 ** 42);
}

export class KeyBuckets {
  readonly guardrails: number;
  readonly #counts = new Float64Array(KEY_BUCKETS);
  #sums: ExactSums;

  /** @param guardrails - losses of one pair, integer ≥ 0; each costs 16 KiB */
  constructor(guardrails: number) {
    this.guardrails = guardrails;
    this.#sums = new ExactSums(guardrails * KEY_BUCKETS);
  }

  /**
   * Adds one pair.
   *
   * @param bucket - {@link keyBucket} of its key
   * @param losses - one for each guardrail, in their order
   * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
   */
  add(bucket: number, losses: readonly number[]): void {
    requireThat(losses.length === this.guardrails, 'losses', losses.length, `${this.guardrails}`);
    requireThat(bucket >= 0 && bucket < KEY_BUCKETS, 'bucket', bucket, `0 to ${KEY_BUCKETS - 1}`);
    const units = losses.map(toFixedPoint);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    for (let g = 0; g < units.length; g++) {
      this.#sums.add(g * KEY_BUCKETS + bucket, units[g] as number);
    }
  }

  merge(other: KeyBuckets): void {
    this.#sums.merge(other.#sums);
    for (let b = 0; b < KEY_BUCKETS; b++) {
      this.#counts[b] = (this.#counts[b] as number) + (other.#counts[b] as number);
    }
  }

  /** Pairs in each bucket. */
  counts(): number[] {
    return Array.from(this.#counts);
  }

  /** Sum of one guardrail's losses in each bucket. @param guardrail - its index */
  sums(guardrail: number): number[] {
    const from = guardrail * KEY_BUCKETS;
    return Array.from({ length: KEY_BUCKETS }, (_, b) =>
      fromFixedPoint(this.#sums.toNumber(from + b)),
    );
  }

  encode(writer: ByteWriter): void {
    writer.count(this.guardrails);
    for (const count of this.#counts) writer.count(count);
    this.#sums.encode(writer);
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): KeyBuckets {
    const guardrails = reader.count();
    requireThat(guardrails <= 1_000, 'guardrails', guardrails, 'at most 1,000');
    const state = new KeyBuckets(guardrails);
    for (let b = 0; b < KEY_BUCKETS; b++) state.#counts[b] = reader.count();
    state.#sums = ExactSums.decode(reader);
    const length = state.#sums.length;
    requireThat(length === guardrails * KEY_BUCKETS, 'length', length, 'one sum a bucket');
    return state;
  }
}

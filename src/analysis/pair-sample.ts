/**
 * A uniform sample of a candidate's pairs by hash of their ids: what does not add up (rank agreement, DeLong,
 * Hodges–Lehmann) and what is drawn is computed on it. A commutative monoid.
 */
import type { Pair } from '../pair/pair.ts';
import { BottomK, type Sampled } from './sketches/bottom-k.ts';
import type { ByteReader } from './sketches/byte-reader.ts';
import type { ByteWriter } from './sketches/byte-writer.ts';
import { requireThat } from './statistics/domain.ts';

const SAMPLE_PAIRS = 10_000;

/** First prediction of each side; NaN where a latency is not known. */
export interface SampledScores {
  readonly incumbent: number;
  readonly candidate: number;
  readonly incumbentMs: number;
  readonly candidateMs: number;
}

export class PairSample {
  readonly #pairs = new BottomK<SampledScores>(SAMPLE_PAIRS);

  /** @returns whether it is in the sample now, and was not before */
  add({ id, incumbent, candidate }: Pair): boolean {
    const ours = incumbent.predictions[0]?.score;
    const theirs = candidate.predictions[0]?.score;
    if (ours === undefined || theirs === undefined) return false;
    return this.#pairs.add(id, {
      incumbent: ours,
      candidate: theirs,
      incumbentMs: incumbent.latency_ms ?? Number.NaN,
      candidateMs: candidate.latency_ms ?? Number.NaN,
    });
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** Takes pairs out that are to be erased. @returns whether one of them was in it */
  remove(ids: readonly string[]): boolean {
    return this.#pairs.remove(ids);
  }

  merge(other: PairSample): void {
    this.#pairs.merge(other.#pairs);
  }

  /** In the order of their hashes: a random order that is always the same. */
  items(): Sampled<SampledScores>[] {
    return this.#pairs.items();
  }

  encode(writer: ByteWriter): void {
    const items = this.items();
    writer.count(items.length);
    for (const { id, value } of items) {
      writer.text(id);
      writer.text(JSON.stringify(Object.values(value)));
    }
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): PairSample {
    const sample = new PairSample();
    const size = reader.count();
    requireThat(size <= SAMPLE_PAIRS, 'size', size, `at most ${SAMPLE_PAIRS}`);
    for (let i = 0; i < size; i++) sample.#pairs.add(reader.text(), toScores(reader.text()));
    return sample;
  }
}

/** JSON writes NaN as null. */
function toScores(text: string): SampledScores {
  const numbers: (number | null)[] = JSON.parse(text);
  const [incumbent, candidate, incumbentMs, candidateMs] = numbers.map((n) => n ?? Number.NaN);
  return {
    incumbent: incumbent ?? Number.NaN,
    candidate: candidate ?? Number.NaN,
    incumbentMs: incumbentMs ?? Number.NaN,
    candidateMs: candidateMs ?? Number.NaN,
  };
}

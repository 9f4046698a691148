/**
 * The pairs that differ most, as examples: the same whatever order they came in. A commutative monoid.
 *
 * Largest |difference of scores| first, then more flips, then the smaller hash of the id. What stands in them is what
 * the pair has: redacted before it was journaled.
 */
import type { Pair, Prediction } from '../pair/pair.ts';
import { scoreDifference } from './losses.ts';
import { shortText } from './short-text.ts';
import { sampleRank } from './sketches/bottom-k.ts';
import type { ByteReader } from './sketches/byte-reader.ts';
import type { ByteWriter } from './sketches/byte-writer.ts';
import { FIXED_RANGE, toFixedPoint } from './sketches/fixed-point.ts';
import { requireThat } from './statistics/domain.ts';

const EXAMPLES = 20;
/** Captured values of an example, and characters of each text in it. */
const CAPTURED = 8;
const CHARACTERS = 64;

export interface PairExample {
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly time: string;
  readonly route: string;
  /** Largest |candidate − incumbent| of its predictions, in units of 2⁻⁴⁰ of the score; and its flips. */
  readonly units: number;
  readonly flips: number;
  /** First prediction that differs so: score and label as text; empty: there is none. */
  readonly incumbent: readonly [score: string, label: string];
  readonly candidate: readonly [score: string, label: string];
  /** Pointer and value, in the order of pointers. */
  readonly captured: readonly (readonly [pointer: string, value: string])[];
}

interface Ranked {
  readonly example: PairExample;
  readonly rank: number;
}

export class PairExamples {
  #examples: Ranked[] = [];

  /** @returns whether it is an example now, and was not before */
  add(pair: Pair): boolean {
    const { flips, units, index } = measure(pair);
    if (units === 0 && flips === 0) return false;
    const last = this.#examples.at(EXAMPLES - 1);
    if (last !== undefined && units < last.example.units) return false;
    return this.#put({
      example: toExample(pair, { flips, units, index }),
      rank: sampleRank(pair.id),
    });
  }

  get size(): number {
    return this.#examples.length;
  }

  /** Takes pairs out that are to be erased; later ones take their places. @returns whether one of them was in it */
  remove(ids: readonly string[]): boolean {
    const gone = new Set(ids.map(short));
    const kept = this.#examples.filter(({ example }) => !gone.has(example.id));
    const isChanged = kept.length < this.#examples.length;
    this.#examples = kept;
    return isChanged;
  }

  /** Both must have seen different pairs, or the same. */
  merge(other: PairExamples): void {
    for (const ranked of other.#examples) this.#put(ranked);
  }

  /** The worst first. */
  items(): PairExample[] {
    return this.#examples.map(({ example }) => example);
  }

  encode(writer: ByteWriter): void {
    writer.count(this.#examples.length);
    for (const { example } of this.#examples) writer.text(JSON.stringify(Object.values(example)));
  }

  /** @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on bytes that no {@link encode} wrote */
  static decode(reader: ByteReader): PairExamples {
    const examples = new PairExamples();
    const size = reader.count();
    requireThat(size <= EXAMPLES, 'size', size, `at most ${EXAMPLES}`);
    for (let i = 0; i < size; i++) {
      const [id, time, route, units, flips, incumbent, candidate, captured] = JSON.parse(
        reader.text(),
      );
      const example = { id, time, route, units, flips, incumbent, candidate, captured };
      examples.#put({ example, rank: sampleRank(id) });
    }
    return examples;
  }

  #put(ranked: Ranked): boolean {
    const { id } = ranked.example;
    if (this.#examples.some(({ example }) => example.id === id)) return false;
    this.#examples.push(ranked);
    this.#examples.sort(worstFirst);
    return this.#examples.length <= EXAMPLES || this.#examples.pop() !== ranked;
  }
}

function worstFirst(a: Ranked, b: Ranked): number {
  return b.example.units - a.example.units || b.example.flips - a.example.flips || a.rank - b.rank;
}

interface Measure {
  readonly units: number;
  readonly flips: number;
  /** Of the prediction that differs most. */
  readonly index: number;
}

function measure({ incumbent, candidate, divergence }: Pair): Measure {
  let [units, index] = [0, 0];
  for (const [i, ours] of incumbent.predictions.entries()) {
    const difference = Math.abs(scoreDifference(ours, candidate.predictions[i] ?? {}));
    if (!(difference > 0)) continue;
    const own = toFixedPoint(Math.min(FIXED_RANGE, difference));
    if (own > units) [units, index] = [own, i];
  }
  return { units, index, flips: divergence.label_flips };
}

function toExample(pair: Pair, { units, flips, index }: Measure): PairExample {
  const { id, time, route, incumbent, candidate, captured } = pair;
  const pointers = Object.keys(captured).sort().slice(0, CAPTURED);
  return {
    ...{ id: short(id), time: short(time), route: short(route), units, flips },
    incumbent: toTexts(incumbent.predictions[index]),
    candidate: toTexts(candidate.predictions[index]),
    captured: pointers.map(
      (pointer) => [short(pointer), short(String(captured[pointer]))] as const,
    ),
  };
}

function toTexts({ score, label }: Prediction = {}): [string, string] {
  return [
    score === undefined ? '' : String(score),
    label === undefined ? '' : short(String(label)),
  ];
}

function short(text: string): string {
  return shortText(text, CHARACTERS);
}

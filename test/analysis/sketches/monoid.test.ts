import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BottomK } from '../../../src/analysis/sketches/bottom-k.ts';
import { ByteReader } from '../../../src/analysis/sketches/byte-reader.ts';
import { ByteWriter } from '../../../src/analysis/sketches/byte-writer.ts';
import { DifferenceSketch } from '../../../src/analysis/sketches/difference-sketch.ts';
import { ExactSums } from '../../../src/analysis/sketches/exact-sums.ts';
import { KeyBuckets, keyBucket } from '../../../src/analysis/sketches/key-buckets.ts';
import { LatencyHistogram } from '../../../src/analysis/sketches/latency-histogram.ts';
import { LossSums } from '../../../src/analysis/sketches/loss-sums.ts';

/** Any partition, order and merge tree gives the same bytes: for each state, by property. */

interface State {
  encode(writer: ByteWriter): void;
}

function bytesOf(state: State): string {
  const writer = new ByteWriter();
  state.encode(writer);
  return writer.toBytes().toString('hex');
}

interface Kind<S> {
  readonly make: () => S;
  readonly add: (state: S, value: number, index: number) => void;
  readonly merge: (into: S, from: S) => void;
  readonly bytes: (state: S) => string;
  readonly decode?: (reader: ByteReader) => S;
}

/** A kind whose state type is forgotten, so that kinds stand in one list. */
type AnyKind = Kind<unknown>;
function kind<S>(k: Kind<S>): AnyKind {
  return k as AnyKind;
}

const KINDS: Record<string, AnyKind> = {
  ExactSums: kind<ExactSums>({
    make: () => new ExactSums(2),
    add: (s, v, i) => s.add(i % 2, Math.round(v * 2 ** 52)),
    merge: (a, b) => a.merge(b),
    bytes: bytesOf,
    decode: (r) => ExactSums.decode(r),
  }),
  LossSums: kind<LossSums>({
    make: () => new LossSums(),
    add: (s, v) => s.add(v),
    merge: (a, b) => a.merge(b),
    bytes: bytesOf,
    decode: (r) => LossSums.decode(r),
  }),
  DifferenceSketch: kind<DifferenceSketch>({
    make: () => new DifferenceSketch(),
    add: (s, v) => s.add(v),
    merge: (a, b) => a.merge(b),
    bytes: bytesOf,
    decode: (r) => DifferenceSketch.decode(r),
  }),
  LatencyHistogram: kind<LatencyHistogram>({
    make: () => new LatencyHistogram(),
    add: (s, v) => s.add(Math.abs(v) * 1_000),
    merge: (a, b) => a.merge(b),
    bytes: bytesOf,
    decode: (r) => LatencyHistogram.decode(r),
  }),
  KeyBuckets: kind<KeyBuckets>({
    make: () => new KeyBuckets(1),
    add: (s, v, i) => s.add(keyBucket(`key ${i % 7}`), [v]),
    merge: (a, b) => a.merge(b),
    bytes: bytesOf,
    decode: (r) => KeyBuckets.decode(r),
  }),
  BottomK: kind<BottomK<number>>({
    make: () => new BottomK(5),
    add: (s, v, i) => s.add(`id ${i}`, v),
    merge: (a, b) => a.merge(b),
    bytes: (s) => JSON.stringify(s.items()),
  }),
};

const values = fc.array(
  fc.oneof(
    fc.double({ min: -1, max: 1, noNaN: true }),
    fc.constantFrom(0, -0, 1, -1, 1e-13, -1e-13, 0.1, 2 ** -20, -(2 ** -20)),
  ),
  { maxLength: 60 },
);

/** Splits the indices by the draws and merges the parts in a random tree. */
function byTree(kindOf: AnyKind, items: readonly number[], draws: fc.Random): unknown {
  const parts = Array.from({ length: 1 + draws.nextInt(0, 5) }, () => kindOf.make());
  const order = items.map((_, i) => i).sort(() => draws.nextInt(-1, 1));
  for (const i of order) {
    kindOf.add(parts[draws.nextInt(0, parts.length - 1)], items[i] as number, i);
  }
  while (parts.length > 1) {
    const [from] = parts.splice(draws.nextInt(0, parts.length - 1), 1);
    kindOf.merge(parts[draws.nextInt(0, parts.length - 1)], from);
  }
  return parts[0];
}

describe.each(Object.entries(KINDS))('%s', (name, kindOf) => {
  it('has the same bytes after any partition, order and merge tree', () => {
    fc.assert(
      fc.property(values, fc.infiniteStream(fc.nat()), (items, stream) => {
        const draws = {
          nextInt: (low: number, high: number) =>
            low + ((stream.next().value as number) % (high - low + 1)),
        } as fc.Random;
        const whole = kindOf.make();
        for (const [i, v] of items.entries()) kindOf.add(whole, v, i);
        expect(kindOf.bytes(byTree(kindOf, items, draws))).toBe(kindOf.bytes(whole));
      }),
      { seed: 20_261_125, numRuns: name === 'KeyBuckets' ? 20 : 150 },
    );
  });

  it.runIf(kindOf.decode !== undefined)('comes back from its bytes, and goes on', () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        const whole = kindOf.make();
        for (const [i, v] of before.entries()) kindOf.add(whole, v, i);
        const reader = new ByteReader(Buffer.from(kindOf.bytes(whole), 'hex'));
        const read = kindOf.decode?.(reader);
        expect(reader.done).toBe(true);
        expect(kindOf.bytes(read)).toBe(kindOf.bytes(whole));
        for (const [i, v] of after.entries()) {
          kindOf.add(whole, v, i);
          kindOf.add(read, v, i);
        }
        expect(kindOf.bytes(read)).toBe(kindOf.bytes(whole));
      }),
      { seed: 8, numRuns: name === 'KeyBuckets' ? 10 : 60 },
    );
  });

  it.runIf(kindOf.decode !== undefined)('refuses bytes cut short with a clear error', () => {
    const whole = kindOf.make();
    for (let i = 0; i < 20; i++) kindOf.add(whole, Math.sin(i), i);
    const bytes = Buffer.from(kindOf.bytes(whole), 'hex');
    for (let cut = 0; cut < Math.min(bytes.length, 200); cut++) {
      expect(() => kindOf.decode?.(new ByteReader(bytes.subarray(0, cut)))).toThrowError(
        expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' }),
      );
    }
  });
});

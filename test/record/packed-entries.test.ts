import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packBatch, unpackBatch } from '../../src/record/packed-entries.ts';
import type { PairEntry } from '../../src/record/recorder-port.ts';

const few = (...words: string[]) => fc.constantFrom(...words);
const entry: fc.Arbitrary<PairEntry> = fc.record({
  leg: fc.record({
    epoch: few('e1', 'e2'),
    candidate: few('a', 'b'),
    route: few('score', 'other'),
    hour: fc.constantFrom(0, 1, 490_000),
    sizeClass: few('le_1k', 'gt_256k'),
  }),
  state: fc.constantFrom('paired', 'candidate_error', 'candidate_timeout'),
  reason: few('', 'reset'),
  id: fc.string(),
  key: fc.string({ unit: 'binary' }),
  experiment: few('x', 'y'),
  timeMs: fc.double({ noNaN: true }),
  json: fc.string({ unit: 'binary' }),
});

it('gives back the entries that went in, in their order, over what a thread is handed', () => {
  const entries = fc.array(entry, { maxLength: 40, size: 'max' });
  fc.assert(
    fc.property(entries, (all) => {
      const batch = { session: 's', number: 7, entries: all, counts: [], ledgers: [] };
      const received = deserialize(serialize(packBatch(batch)));
      expect(unpackBatch(received)).toEqual(batch);
    }),
  );
});

it('says once what all entries have in common', () => {
  const leg = { epoch: 'e', candidate: 'a', route: 'score', hour: 1, sizeClass: 'le_1k' };
  const entries = Array.from({ length: 500 }, (_, i): PairEntry => {
    const own = { leg: { ...leg }, id: `${i}`, key: `${i}`, timeMs: i, json: '{}' };
    return { ...own, state: 'paired', reason: '', experiment: 'x' };
  });
  const packed = packBatch({ session: '', number: 1, entries, counts: [], ledgers: [] });
  expect(packed.entries.kinds).toHaveLength(1);
});

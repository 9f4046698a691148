import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PairReader, type ReadOutcome } from '../../src/consumer/pair-reader.ts';
import { pairOf } from '../demo/pairs.ts';

const epoch = '0dglo0hfuebnkc51ks97';
const pair = {
  ...pairOf({ loan: 'lc-1', incumbent: [0.2, 'good'], candidate: [0.3, 'good'] }),
  id: `${epoch}.1/boosting`,
  epoch,
  key: `${epoch}.1`,
};
const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function read(value: Uint8Array | null, reader = new PairReader()): string {
  const outcome: ReadOutcome = reader.read(value);
  return outcome.kind === 'malformed' ? `${outcome.why}` : outcome.kind;
}

test('a pair is typed, valid and as it was sent', () => {
  const outcome = new PairReader().read(bytesOf(pair));
  expect(outcome).toEqual({ kind: 'pair', pair });
});

test('K-12: what is no pair of this version is named, counted and skipped', () => {
  const reader = new PairReader({ maxBytes: 100_000 });
  const cases: [Uint8Array | null, string][] = [
    [null, 'tombstone'],
    [Buffer.from(''), 'not_json'],
    [Buffer.from('{"schema":"understudy.pair/1","id"'), 'not_json'],
    [Buffer.from([0xff, 0xfe, 0x00]), 'not_utf8'],
    [Buffer.from('null'), 'not_an_object'],
    [Buffer.from('[1, 2]'), 'not_an_object'],
    [Buffer.from('{}'), 'invalid'],
    [bytesOf({ ...pair, schema: 'understudy.pair/0' }), 'unknown_schema'],
    [bytesOf({ ...pair, schema: 'understudy.pair/2', score: 1 }), 'unknown_schema'],
    [bytesOf({ ...pair, seq: '1' }), 'invalid'],
    [bytesOf({ ...pair, candidate: { ...pair.candidate, role: 'king' } }), 'invalid'],
    [bytesOf({ ...pair, id: undefined }), 'invalid'],
    [bytesOf({ ...pair, state: 'lost' }), 'invalid'],
    [Buffer.alloc(10_000_000, 'x'), 'too_large'],
    [Buffer.from('['.repeat(50_000)), 'not_json'],
  ];
  for (const [bytes, expected] of cases) expect(read(bytes, reader), expected).toBe(expected);
  expect(reader.counts).toEqual({
    pair: 0,
    duplicate: 0,
    conflict: 0,
    unknown_schema: 2,
    tombstone: 1,
    malformed: 12,
  });
});

test('what a later revision of this version may add is read', () => {
  const later = {
    ...pair,
    segments: { country: 'DE' },
    flags: ['early', 'a_new_flag'],
    candidate: { ...pair.candidate, error: 'a_new_error', attempts: 2 },
    divergence: { ...pair.divergence, fields: ['a_new_field'] },
  };
  expect(read(bytesOf(later))).toBe('pair');
});

test('a repeated id is dropped, with other bytes it is a conflict, outside the window it is new', () => {
  const numbered = (seq: number) => ({ ...pair, id: pair.id.replace('.1/', `.${seq}/`), seq });
  const reader = new PairReader({ windowIds: 2 });
  expect(read(bytesOf(numbered(1)), reader)).toBe('pair');
  expect(read(bytesOf(numbered(1)), reader)).toBe('duplicate');
  expect(read(bytesOf({ ...numbered(1), route: 'other' }), reader)).toBe('conflict');
  expect(read(bytesOf(numbered(2)), reader)).toBe('pair');
  expect(read(bytesOf(numbered(3)), reader)).toBe('pair');
  expect(read(bytesOf(numbered(1)), reader)).toBe('pair');
  expect(() => new PairReader({ windowIds: 0 })).toThrow(RangeError);
});

test('nothing makes it throw: bytes, JSON, and pairs with something changed', () => {
  const reader = new PairReader();
  const mangled = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 8 })).map(([at, bytes]) => {
    const copy = bytesOf(pair);
    copy.set(bytes, at % (copy.length - bytes.length));
    return copy;
  });
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => Buffer.from(text)),
    mangled,
  );
  fc.assert(
    fc.property(anything, (bytes) => {
      const before = Object.values(reader.counts).reduce((sum, count) => sum + count, 0);
      reader.read(bytes);
      const after = Object.values(reader.counts).reduce((sum, count) => sum + count, 0);
      expect(after).toBe(before + 1);
    }),
    { seed: 20_261_125, numRuns: 500 },
  );
});

/** The checker is trusted after it has rejected tiny bad histories, each with one fault. */
import { expect, test } from 'vitest';
import {
  type Commits,
  type CommittedPair,
  checkDelivery,
  type DeliveredRecord,
} from './delivery-check.ts';

function pairOf(id: string, changes: Partial<CommittedPair> = {}): CommittedPair {
  const json = JSON.stringify({ id });
  return { id, key: `key of ${id}`, candidate: 'new', experiment: 'x', json, ...changes };
}

let offset = 0;
function recordOf(pair: CommittedPair, changes: Partial<DeliveredRecord> = {}): DeliveredRecord {
  const { id, key, candidate, experiment, json } = pair;
  const headers = { schema: 'understudy.pair/1', id, experiment, candidate };
  offset += 1;
  return { key, value: json, headers, partition: 0, offset, ...changes };
}

const [a, b] = [pairOf('a'), pairOf('b')] as const;

function faultsOf(records: DeliveredRecord[], changes: Partial<Commits> = {}): string[] {
  const commits = { pairs: [a, b], outbox: new Set<string>(), dead: new Set<string>(), ...changes };
  return checkDelivery(commits, records).faults.map(({ kind, id }) => `${kind} ${id}`);
}

test('a good history has none: any order, and repeats with the same bytes', () => {
  const records = [recordOf(b), recordOf(a), recordOf(b), recordOf(b)];
  const commits = { pairs: [a, b], outbox: new Set<string>(), dead: new Set<string>() };
  expect(checkDelivery(commits, records)).toEqual({
    committed: 2,
    delivered: 2,
    duplicates: 2,
    dead: 0,
    faults: [],
  });
});

test('a lost write', () => {
  expect(faultsOf([recordOf(a)])).toEqual(['lost b']);
});

test('a write that was never confirmed and never seen', () => {
  expect(faultsOf([recordOf(a)], { outbox: new Set(['b']) })).toEqual(['unseen b']);
});

test('a write that was not confirmed but is there is no fault: its acknowledgement was lost', () => {
  expect(faultsOf([recordOf(a), recordOf(b)], { outbox: new Set(['b']) })).toEqual([]);
});

test('a dead letter is neither lost nor unseen', () => {
  expect(faultsOf([recordOf(a)], { dead: new Set(['b']) })).toEqual([]);
});

test('a phantom', () => {
  expect(faultsOf([recordOf(a), recordOf(b), recordOf(pairOf('c'))])).toEqual(['phantom c']);
  expect(faultsOf([recordOf(a), recordOf(b), recordOf(a, { headers: {} })])).toEqual(['phantom ']);
});

test('a duplicate with other bytes', () => {
  const other = recordOf(b, { value: `${b.json} ` });
  expect(faultsOf([recordOf(a), recordOf(b), other])).toEqual(['changed b']);
});

test.each([
  ['value', { value: null }],
  ['headers', { headers: { ...recordOf(b).headers, candidate: 'old' } }],
  ['one header more', { headers: { ...recordOf(b).headers, more: '' } }],
  ['one header less', { headers: { id: 'b', schema: 'understudy.pair/1', candidate: 'new' } }],
])('a changed record: %s', (_, changes) => {
  expect(faultsOf([recordOf(a), recordOf(b, changes)])).toEqual(['changed b']);
});

test('another key than was committed, and with it a split id', () => {
  expect(faultsOf([recordOf(a), recordOf(b, { key: 'k' })])).toEqual(['changed b']);
});

test('a split key: two pairs of one exchange on two partitions', () => {
  const twin = pairOf('b2', { key: b.key });
  const records = [recordOf(a), recordOf(b), recordOf(twin, { partition: 1 })];
  expect(faultsOf(records, { pairs: [a, b, twin] })).toEqual([`split ${b.key}`]);
  expect(faultsOf([recordOf(a), recordOf(b), recordOf(b, { partition: 1 })])).toEqual([
    `split ${b.key}`,
  ]);
});

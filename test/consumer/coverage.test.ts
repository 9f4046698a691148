import { expect, test } from 'vitest';
import { CoverageReader } from '../../src/consumer/coverage.ts';
import type { Account, AccountedState } from '../../src/record/publisher/accounting.ts';

const base = {
  schema: 'understudy.accounting/1' as const,
  instance: 'i',
  epoch: 'e1',
  route: 'score',
  time: '2026-11-25T12:00:00.000Z',
};
const at = (second: number): string => `2026-11-25T12:00:0${second}.000Z`;
const state = (name: string, count: number): AccountedState => ({ state: name, reason: '', count });

function legs(changes: Partial<Account> & { states: AccountedState[] }): Buffer {
  return Buffer.from(JSON.stringify({ ...base, kind: 'legs', candidate: 'new', ...changes }));
}

function exchanges(changes: Partial<Account> & { states: AccountedState[] }): Buffer {
  const more = { kind: 'exchanges', gateway: 'i/gw0', epoch_state: 'live', reported: base.time };
  return Buffer.from(JSON.stringify({ ...base, ...more, ...changes }));
}

test('observed and lost of the latest records, exchanges lost before they became legs included', () => {
  const reader = new CoverageReader();
  reader.read(legs({ states: [state('paired', 5), state('not_selected', 90)] }));
  reader.read(
    legs({
      time: at(2),
      states: [state('paired', 70), state('candidate_timeout', 10), state('journal_dropped', 5)],
    }),
  );
  reader.read(legs({ time: at(1), states: [state('paired', 6)] })); // delayed
  reader.read(exchanges({ states: [state('shed', 15), state('offered', 85)] }));
  expect(reader.coverage()).toEqual([{ candidate: 'new', observed: 80, lost: 20, coverage: 0.8 }]);
});

test('epochs, instances and routes add up; an exchange that was shed is lost for each candidate', () => {
  const reader = new CoverageReader();
  reader.read(legs({ states: [state('paired', 10)] }));
  reader.read(legs({ epoch: 'e2', states: [state('paired', 20)] }));
  reader.read(legs({ epoch: 'e3', instance: 'j', states: [state('paired', 30)] }));
  reader.read(legs({ route: 'other', states: [state('paired', 40)] }));
  reader.read(legs({ candidate: 'newer', states: [state('paired', 1)] } as never));
  reader.read(exchanges({ states: [state('shed', 4)] }));
  reader.read(exchanges({ route: '-', states: [state('shed', 1_000)] }));
  expect(reader.coverage()).toEqual([
    { candidate: 'new', observed: 100, lost: 4, coverage: 100 / 104 },
    { candidate: 'newer', observed: 1, lost: 4, coverage: 0.2 },
  ]);
});

test('what is no account is counted and changes nothing; nothing was copied: no coverage', () => {
  const reader = new CoverageReader();
  const junk = [null, Buffer.from('x'), Buffer.from('{}'), Buffer.from([0xff]), Buffer.from('[]')];
  for (const value of junk) expect(reader.read(value)).toBe(false);
  expect(reader.skipped).toBe(junk.length);
  expect(reader.coverage()).toEqual([]);
  reader.read(legs({ states: [state('not_selected', 3)] }));
  expect(reader.coverage()).toEqual([{ candidate: 'new', observed: 0, lost: 0, coverage: null }]);
});

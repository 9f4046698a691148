import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { LEG_REASONS, LEG_STATES } from '../../src/pair/leg-states.ts';
import { Accounting } from '../../src/record/publisher/accounting.ts';
import type { CommittedBooks } from '../../src/record/recorder-port.ts';
import { EXCHANGE_REASONS, EXCHANGE_STATES } from '../../src/wire/exchange-states.ts';
import { EPOCH, ledgerOf, legOf } from './entries.ts';

const schema = new URL('../../schemas/accounting-1.schema.json', import.meta.url);
const isValid = new Ajv2020({ allErrors: true }).compile(JSON.parse(readFileSync(schema, 'utf8')));
const NOW = new Date('2026-11-24T12:00:00.000Z');

/** Every state with every reason, in two hours each. */
function fullBooks(): CommittedBooks {
  const hours = [490_000, 490_001];
  const legs = LEG_STATES.flatMap((state) =>
    LEG_REASONS[state].flatMap((reason) =>
      hours.map((hour) => ({ ...legOf(), hour, state, reason, count: 2 })),
    ),
  );
  const cells = EXCHANGE_STATES.flatMap((state) =>
    EXCHANGE_REASONS[state].map((reason) => ({
      route: '-',
      hour: 490_000,
      sizeClass: 'le_1k' as const,
      state,
      reason,
      count: 3,
    })),
  );
  return { legs, epochs: [ledgerOf(5), ledgerOf(7, { epoch: 'other', cells, state: 'unclean' })] };
}

test('each record validates against the published schema, and its states are all in it', () => {
  const records = new Accounting('test').changes(fullBooks(), NOW);
  for (const { record } of records) {
    isValid(JSON.parse(record.value));
    expect(isValid.errors).toBeNull();
  }
  expect(records.map(({ record }) => record.key)).toEqual([
    JSON.stringify(['legs', EPOCH, 'new', 'score']),
    JSON.stringify(['exchanges', EPOCH, 'score']),
    JSON.stringify(['exchanges', 'other', '-']),
  ]);
});

test('the schema refuses a state, a key or a count that is not known', () => {
  const [first] = new Accounting('test').changes(fullBooks(), NOW);
  const good = JSON.parse(first?.record.value ?? '');
  expect(isValid(good)).toBe(true);
  expect(isValid({ ...good, more: 1 })).toBe(false);
  expect(isValid({ ...good, states: [{ state: 'seen', reason: '', count: 1 }] })).toBe(false);
  expect(isValid({ ...good, states: [{ state: 'paired', reason: '', count: -1 }] })).toBe(false);
});

test('counts are sums over hours and size classes, in a stable order', () => {
  const [first] = new Accounting('test').changes(fullBooks(), NOW);
  const { states } = JSON.parse(first?.record.value ?? '');
  expect(states).toContainEqual({ state: 'paired', reason: '', count: 4 });
  const names = states.map(({ state, reason }: Record<string, string>) => `${state}|${reason}`);
  expect(names).toEqual([...names].sort());
});

test('only what changed since it was published goes again', () => {
  const accounting = new Accounting('test');
  const books = fullBooks();
  const all = accounting.changes(books, NOW);
  expect(accounting.changes(books, NOW)).toHaveLength(all.length);
  accounting.published(all);
  expect(accounting.changes(books, new Date(NOW.getTime() + 1_000))).toEqual([]);
  const ended = { ...books, epochs: [ledgerOf(5, { state: 'clean' })] };
  const [changed, ...rest] = accounting.changes(ended, NOW);
  expect(rest).toEqual([]);
  expect(JSON.parse(changed?.record.value ?? '')).toMatchObject({ epoch_state: 'clean' });
});

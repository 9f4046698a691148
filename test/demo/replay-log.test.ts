import { expect, test } from 'vitest';
import { ReplayLog } from '../../src/demo/replay-log.ts';
import { pairOf } from './pairs.ts';

const ROWS = ['a', 'b', 'c'].map((id) => ({ id, body: '{}', outcome: 'good' }));
const ok = { status: 200, latencyMs: 2, failure: '' };
const answer = (score: number) => JSON.stringify({ score, label: 'good', model_version: 'm-1' });

test('an answer counts as recorded where its pair says the same of the incumbent', () => {
  const log = new ReplayLog(ROWS);
  log.add({ index: 0, body: answer(0.25), ...ok });
  log.add({ index: 1, body: answer(0.5), ...ok });
  const pairs = [
    pairOf({ loan: 'a', incumbent: [0.25, 'good'], candidate: [0.3, 'good'] }),
    pairOf({ loan: 'b', incumbent: [0.5000001, 'good'], candidate: [0.3, 'good'] }),
    pairOf({ loan: 'c', incumbent: [0.5, 'good'], candidate: [0.3, 'good'] }),
  ];
  expect(log.view(pairs, 3)).toMatchObject({
    sent: 2,
    answered: 2,
    paired: 2,
    asRecorded: 1,
    seconds: 3,
  });
  expect(log.failures).toBe('');
});

test('what was not answered 200 is counted by its reason', () => {
  const log = new ReplayLog(ROWS);
  log.add({ index: 0, body: '', latencyMs: 1, status: 502, failure: '' });
  log.add({ index: 1, body: '', latencyMs: 1, status: 0, failure: 'ECONNRESET' });
  log.add({ index: 2, body: '', latencyMs: 1, status: 0, failure: 'ECONNRESET' });
  expect(log.failures).toBe('1 × status 502, 2 × ECONNRESET');
  expect(log.view([], 1)).toMatchObject({ sent: 3, answered: 0 });
});

test('an answer that is no JSON agrees with no pair', () => {
  const log = new ReplayLog(ROWS);
  log.add({ index: 0, body: '<html>', ...ok });
  const pair = pairOf({ loan: 'a', incumbent: [0.25, 'good'], candidate: [0.3, 'good'] });
  expect(log.view([pair], 1).asRecorded).toBe(0);
});

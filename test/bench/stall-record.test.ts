import { expect, test } from 'vitest';
import { collectionsOf, stallsOf } from '../../bench/stall-record.ts';

const WINDOW = { fromMs: 1_000, toMs: 2_000 };

function pause(startMs: number, ms: number, change: { ranMs?: number; waitedMs?: number } = {}) {
  return { startMs, endMs: startMs + ms, lateMs: ms - 2, ranMs: 0, waitedMs: 0, ...change };
}

test('a stall has the largest of its parts as its cause, and the longest comes first', () => {
  const record = {
    pauses: [
      pause(1_100, 10, { ranMs: 9.5 }),
      pause(1_200, 20, { ranMs: 2, waitedMs: 17 }),
      pause(1_300, 12, { ranMs: 11 }),
      pause(1_400, 30, { ranMs: 1 }),
    ],
    collections: [{ startMs: 1_301, ms: 8, kind: 'scavenge' }],
  };
  const found = stallsOf(record, WINDOW);
  expect(found.map(({ cause }) => cause)).toEqual([
    'blocked',
    'waited for a core',
    'garbage collection',
    'own work',
  ]);
  expect(found[2]).toMatchObject({ atMs: 300, gcMs: 8, workMs: 3, kinds: ['scavenge'] });
});

test('a collection that waited for a core is no cause', () => {
  const record = {
    pauses: [pause(1_100, 70, { ranMs: 4, waitedMs: 64 })],
    collections: [{ startMs: 1_100, ms: 70, kind: 'scavenge' }],
  };
  expect(stallsOf(record, WINDOW)[0]).toMatchObject({ gcMs: 4, cause: 'waited for a core' });
});

test('a collection counts only as far as it lies inside the stall', () => {
  const record = {
    pauses: [pause(1_100, 10, { ranMs: 10 })],
    collections: [{ startMs: 1_095, ms: 9, kind: 'mark-compact' }],
  };
  expect(stallsOf(record, WINDOW)[0]).toMatchObject({ gcMs: 4, workMs: 6, cause: 'own work' });
});

test('what lies outside of the window is left out', () => {
  const kind = 'scavenge';
  const record = {
    pauses: [pause(900, 20), pause(1_995, 20)],
    collections: [
      { startMs: 990, ms: 5, kind },
      { startMs: 1_500, ms: 2, kind },
      { startMs: 1_600, ms: 3, kind },
    ],
  };
  expect(stallsOf(record, WINDOW)).toEqual([]);
  expect(collectionsOf(record, WINDOW)).toEqual([{ kind, count: 2, totalMs: 5, maxMs: 3 }]);
});

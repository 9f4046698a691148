import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { ForeignMarkAlarm } from '../../src/gateway/foreign-mark-alarm.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells of the first marked request at once, and of the rest of its time by route, though no more come', () => {
  const told: unknown[] = [];
  const alarm = new ForeignMarkAlarm({ warn: (_message, fields) => told.push(fields) });
  const line = (route: string, count: number) => ({ code: 'UND_FOREIGN_MARK', route, count });
  for (let i = 0; i < 10_000; i += 1) alarm.note('score');
  alarm.note('other');
  expect(told.splice(0)).toEqual([line('score', 1)]);
  vi.advanceTimersByTime(LIMITS.foreignMarkLogMs);
  expect(told.splice(0)).toEqual([line('score', 9_999), line('other', 1)]);
  vi.advanceTimersByTime(LIMITS.foreignMarkLogMs);
  expect(told).toEqual([]);
  alarm.note('other');
  expect(told).toEqual([line('other', 1)]);
});

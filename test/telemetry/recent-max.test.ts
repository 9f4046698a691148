import { expect, it } from 'vitest';
import { RecentMax } from '../../src/telemetry/recent-max.ts';

it('knows the largest of one to two minutes, and forgets what is older', () => {
  let nowMs = 5_000;
  const max = new RecentMax(() => nowMs);
  expect(max.value).toBe(0);
  for (const value of [3, 7, 2]) max.note(value);
  expect(max.value).toBe(7);
  nowMs += 60_000;
  max.note(4);
  expect(max.value).toBe(7);
  nowMs += 60_000;
  expect(max.value).toBe(4);
  nowMs += 130_000;
  expect(max.value).toBe(0);
});

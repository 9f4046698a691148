import { expect, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';

test('a mirror ends within its time, also when no broker answers', () => {
  const { intakeStopMs, legsStopMs, publisherEndMs, publisherStopMs, stopTimeoutMs } = LIMITS;
  // What is left is for the last commits and the end of the process.
  expect(intakeStopMs + legsStopMs + publisherEndMs).toBeLessThanOrEqual(stopTimeoutMs - 2_000);
  expect(publisherEndMs).toBeGreaterThan(publisherStopMs);
});

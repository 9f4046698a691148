import { expect, test } from 'vitest';
import { BackOff } from '../../src/record/back-off.ts';

test('waits double up to the longest, each drawn from its upper half; a success begins anew', () => {
  const backOff = new BackOff(250, 10_000);
  for (let round = 0; round < 100; round += 1) {
    for (const full of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      const waitMs = backOff.next();
      expect(waitMs).toBeGreaterThanOrEqual(full / 2);
      expect(waitMs).toBeLessThanOrEqual(full);
    }
    backOff.reset();
  }
});

test('those that failed together do not come back together', () => {
  const waits = Array.from({ length: 1_000 }, () => new BackOff(1_000, 10_000).next());
  const early = waits.filter((waitMs) => waitMs < 750).length;
  // 1,000 fair draws: 500 ± 5 standard deviations.
  expect(early).toBeGreaterThan(420);
  expect(early).toBeLessThan(580);
});

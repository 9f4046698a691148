import { describe, expect, test } from 'vitest';
import { pairedP99, studentQuantile95 } from '../../bench/paired.ts';
import type { Round } from '../../bench/summary.ts';
import { measurement } from './measurement.ts';

function round(base: number, own: number, foreign = 0): Round {
  const measurements = {
    off: measurement(100, { p99Ms: base }),
    full: measurement(100, { p99Ms: own, foreign }),
  };
  return { connections: 32, measurements };
}

describe('the difference of two sides', () => {
  test('is taken inside rounds, so that slow rounds do not widen it', () => {
    const found = pairedP99([round(1, 2), round(10, 11), round(100, 101)], 'full', 'off');
    expect(found).toMatchObject({ rounds: 3, baseMs: 10, ownMs: 11, meanMs: 1, upperMs: 1 });
  });

  test('has the upper bound of Student, and leaves disturbed rounds out', () => {
    const rounds = [round(1, 1), round(1, 2), round(1, 3), round(1, 50, 0.5)];
    const found = pairedP99(rounds, 'full', 'off');
    expect(found?.rounds).toBe(3);
    // mean 1, standard deviation 1, n 3: t(0.95; 2) = 2.920
    expect(found?.upperMs).toBeCloseTo(1 + 2.92 / Math.sqrt(3), 1);
  });

  test('is nothing where one round is left', () => {
    expect(pairedP99([round(1, 2)], 'full', 'off')).toBeNull();
  });

  test.each([
    [3, 2.3534],
    [5, 2.015],
    [19, 1.7291],
    [1_000, 1.6464],
  ])('t quantile for %d degrees is %d', (degrees, value) => {
    expect(Math.abs(studentQuantile95(degrees) / value - 1)).toBeLessThan(0.002);
  });
});

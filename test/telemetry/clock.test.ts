import { afterEach, describe, expect, it, vi } from 'vitest';
import { monotonicMs, wallMs } from '../../src/telemetry/clock.ts';

describe('wallMs', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('stays within the millisecond that the wall clock shows, and has a fraction', () => {
    let fractions = 0;
    for (let i = 0; i < 10_000; i++) {
      const before = Date.now();
      const wall = wallMs();
      expect(wall).toBeGreaterThanOrEqual(before);
      expect(wall).toBeLessThan(Date.now() + 1);
      if (!Number.isInteger(wall)) fractions += 1;
    }
    expect(fractions).toBeGreaterThan(5_000);
  });

  it.each([
    ['forward a day', 86_400_000],
    ['back a day', -86_400_000],
    ['forward a second', 1_000],
  ])('follows a wall clock that is set %s, at the next call', (_, step) => {
    const real = Date.now.bind(Date);
    wallMs();
    vi.spyOn(Date, 'now').mockImplementation(() => real() + step);
    const wall = wallMs();
    expect(Math.abs(wall - (real() + step))).toBeLessThan(50);
    vi.restoreAllMocks();
    expect(Math.abs(wallMs() - Date.now())).toBeLessThan(50);
  });
});

describe('monotonicMs', () => {
  it('never goes back', () => {
    let last = monotonicMs();
    for (let i = 0; i < 10_000; i++) {
      const now = monotonicMs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });
});

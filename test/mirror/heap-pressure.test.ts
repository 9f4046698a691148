import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { HeapPressure } from '../../src/mirror/heap-pressure.ts';

function start(look: () => number): HeapPressure {
  const pressure = new HeapPressure({ from: 0.7, full: 0.85 }, look);
  onTestFinished(() => pressure.stop());
  return pressure;
}

describe('HeapPressure', () => {
  it.each([
    [0, 1],
    [0.7, 1],
    [0.73, 0.8],
    [0.775, 0.5],
    [0.85, 0],
    [0.99, 0],
  ])('with %d of the heap in use keeps %d of the copies', (use, keep) => {
    const pressure = start(() => use);
    pressure.look();
    expect(pressure.keep).toBeCloseTo(keep);
    expect(pressure.use).toBe(use);
  });

  it('takes no garbage for pressure: the lowest of the last looks counts', () => {
    let use = 0.3;
    const pressure = start(() => use);
    pressure.look();
    use = 0.95;
    for (let i = 1; i < LIMITS.heapLooks; i++) pressure.look();
    expect(pressure.keep).toBe(1);
    pressure.look();
    expect(pressure.keep).toBe(0);
    use = 0.4;
    pressure.look();
    expect(pressure.keep).toBe(1);
  });

  it('reads the heap of this process', () => {
    const pressure = new HeapPressure({ from: 0.7, full: 0.85 });
    onTestFinished(() => pressure.stop());
    pressure.look();
    expect(pressure.use).toBeGreaterThan(0);
    expect(pressure.use).toBeLessThan(0.7);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveLimit } from '../../src/mirror/adaptive-limit.ts';

/** A candidate that serves so many at once in `serviceMs`, and makes the others wait. */
function soak(limit: AdaptiveLimit, server: { atOnce: number; serviceMs: number }, rounds: number) {
  let nowMs = 0;
  const used: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const inFlight = limit.limit;
    used.push(inFlight);
    const dispatchMs = nowMs;
    for (let i = 0; i < inFlight; i++) {
      const turn = Math.floor(i / server.atOnce) + 1;
      const endMs = dispatchMs + turn * server.serviceMs;
      nowMs = Math.max(nowMs, endMs);
      limit.record({ dispatchMs, endMs, inFlight: inFlight - i, isFailure: false });
    }
    nowMs += 0.01;
  }
  return used;
}

describe('AdaptiveLimit', () => {
  it('finds what a candidate can take, and stays about there', () => {
    // 4 at once in 10 ms; the objective of 35 ms leaves room for three rounds of them.
    const limit = new AdaptiveLimit({ latencyMs: 35, minInFlight: 1 }, 1_000);
    const used = soak(limit, { atOnce: 4, serviceMs: 10 }, 2_000).slice(500);
    const mean = used.reduce((sum, value) => sum + value, 0) / used.length;
    expect(mean).toBeGreaterThan(9);
    expect(Math.max(...used)).toBeLessThanOrEqual(14);
  });

  it('is not raised by traffic that does not use it', () => {
    const limit = new AdaptiveLimit({ latencyMs: 100, minInFlight: 8 }, 100);
    for (let i = 0; i < 10_000; i++) {
      limit.record({ dispatchMs: i, endMs: i + 1, inFlight: 2, isFailure: false });
    }
    expect(limit.limit).toBe(8);
  });

  it('is lowered once for the copies that were under way, not once for each', () => {
    const limit = new AdaptiveLimit({ latencyMs: 10, minInFlight: 1 }, 100);
    soak(limit, { atOnce: 1_000, serviceMs: 1 }, 200);
    const before = limit.limit;
    for (let i = 0; i < 50; i++) {
      limit.record({ dispatchMs: 9_000, endMs: 9_100 + i, inFlight: 50, isFailure: i % 2 === 0 });
    }
    expect(limit.limit).toBeGreaterThanOrEqual(Math.floor(before * 0.9) - 1);
    expect(limit.limit).toBeLessThan(before);
  });

  it('stays within its bounds, whatever happens', () => {
    const step = fc.record({
      latencyMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
      inFlight: fc.integer({ min: 1, max: 64 }),
      isFailure: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const limit = new AdaptiveLimit({ latencyMs: 100, minInFlight: 3 }, 9);
        let nowMs = 0;
        for (const { latencyMs, inFlight, isFailure } of steps) {
          const dispatchMs = nowMs;
          nowMs += latencyMs;
          limit.record({ dispatchMs, endMs: nowMs, inFlight, isFailure });
          expect(limit.limit).toBeGreaterThanOrEqual(3);
          expect(limit.limit).toBeLessThanOrEqual(9);
        }
      }),
    );
  });
});

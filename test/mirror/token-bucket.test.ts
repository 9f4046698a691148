import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/mirror/token-bucket.ts';

/** Copies that get through when one asks at each of these times. */
function passed(bucket: TokenBucket, times: readonly number[]): number {
  let count = 0;
  for (const nowMs of times) {
    if (!bucket.has(nowMs)) continue;
    bucket.take();
    count += 1;
  }
  return count;
}

const everyMs = (ms: number) => Array.from({ length: ms }, (_, i) => i);

describe('TokenBucket', () => {
  it('never lets through more than the rate and one bucket, whatever comes when', () => {
    const gaps = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), {
      maxLength: 500,
      size: 'max',
    });
    fc.assert(
      fc.property(gaps, fc.double({ min: 0.1, max: 5_000, noNaN: true }), (steps, perSecond) => {
        const bucket = new TokenBucket(perSecond, 0);
        let nowMs = 0;
        const times = steps.map((step) => {
          nowMs += step;
          return nowMs;
        });
        const most = (nowMs / 1_000) * perSecond + Math.max(1, perSecond / 10);
        expect(passed(bucket, times)).toBeLessThanOrEqual(most + 1e-6);
      }),
    );
  });

  it('lets the whole rate through where more than that is asked', () => {
    expect(passed(new TokenBucket(100, 0), everyMs(10_000))).toBeGreaterThanOrEqual(1_000);
    expect(passed(new TokenBucket(0.5, 0), everyMs(10_000))).toBe(5);
  });

  it('lets no more than one bucket through after a pause, however long', () => {
    const bucket = new TokenBucket(100, 0);
    expect(passed(bucket, new Array(1_000).fill(3_600_000))).toBe(10);
    expect(passed(bucket, new Array(1_000).fill(3_600_010))).toBe(1);
  });

  it('has no cap at 0, and takes another cap at once', () => {
    const bucket = new TokenBucket(0, 0);
    expect(passed(bucket, everyMs(100))).toBe(100);
    expect(bucket.use(100)).toBe(0);
    bucket.set(10, 100);
    expect(passed(bucket, new Array(50).fill(100))).toBe(1);
    expect(bucket.use(100)).toBe(1);
    bucket.set(0, 100);
    expect(passed(bucket, new Array(50).fill(100))).toBe(50);
  });

  it('is not fooled by a clock that stands or goes back', () => {
    const bucket = new TokenBucket(10, 1_000);
    expect(passed(bucket, [1_000, 500, 0, 999, 1_000])).toBe(1);
  });
});

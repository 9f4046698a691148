import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/telemetry/histogram.ts';

describe('Histogram', () => {
  it('counts a value on a bound in the bucket that the bound closes', () => {
    const histogram = new Histogram([1, 2]);
    for (const value of [0, 1, 1.5, 2, 2.1, Number.POSITIVE_INFINITY]) histogram.record(value);
    expect(histogram.snapshot().counts).toEqual([2, 2, 2]);
    expect(histogram.snapshot().count).toBe(6);
  });

  it('ignores NaN', () => {
    const histogram = new Histogram([1]);
    histogram.record(Number.NaN);
    expect(histogram.snapshot()).toEqual({ bounds: [1], counts: [0, 0], sum: 0, count: 0 });
  });
});

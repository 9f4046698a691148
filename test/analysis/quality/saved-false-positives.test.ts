import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../bench/simulate/random.ts';
import { savedFalsePositives } from '../../../src/analysis/quality/judge-quality.ts';

type Counts = [number, number, number, number];

const OPTIONS = { failed: 0, alpha: 0.05 };

describe('the share of false positives that is saved', () => {
  it('is 1 - FP of the candidate / FP of the incumbent, within its interval', () => {
    const told = savedFalsePositives([8_000, 100, 400, 500], OPTIONS);
    expect(told?.saved).toBeCloseTo(1 - 600 / 900, 12);
    expect(told?.low).toBeGreaterThan(0.2);
    expect(told?.low).toBeLessThan(told?.saved ?? 0);
    expect(told?.high).toBeGreaterThan(told?.saved ?? 1);
    expect(told?.high).toBeLessThan(0.5);
  });

  it('counts a candidate without an answer against it, and says nothing without a false positive', () => {
    const some = savedFalsePositives([8_000, 100, 400, 500], OPTIONS);
    const failed = savedFalsePositives([8_000, 100, 400, 500], { ...OPTIONS, failed: 90 });
    expect(failed?.saved).toBeCloseTo(1 - 690 / 900, 12);
    expect(failed?.low).toBeLessThan(some?.low ?? 0);
    expect(savedFalsePositives([100, 5, 0, 0], OPTIONS)).toBeNull();
  });

  it('tells a candidate with many more', () => {
    const told = savedFalsePositives([8_000, 900, 100, 300], OPTIONS);
    expect(told?.saved).toBeCloseTo(-2, 12);
    expect(told?.high).toBeLessThan(-1);
    expect(told?.low).toBeGreaterThan(-4);
  });

  it('is narrower with more of the same, and nested in alpha', () => {
    const counts: Counts = [8_000, 100, 150, 500];
    const width = (scale: number, alpha: number): number => {
      const told = savedFalsePositives(counts.map((n) => n * scale) as Counts, {
        failed: 0,
        alpha,
      });
      return (told?.high ?? 1) - (told?.low ?? 0);
    };
    expect(width(4, 0.05)).toBeLessThan(width(1, 0.05));
    expect(width(1, 0.01)).toBeGreaterThan(width(1, 0.05));
  });

  it('misses the truth rarely, however often one looks', () => {
    // True share saved: 1 - 0.108/0.12 = 0.1. Seed 1; 200 streams of 4,000 negatives, 40 looks each.
    const random = createRandom(1);
    let missed = 0;
    for (let stream = 0; stream < 200; stream++) {
      const counts: Counts = [0, 0, 0, 0];
      let isMissed = false;
      for (let i = 1; i <= 4_000; i++) {
        const u = random();
        // Both 0.08, incumbent alone 0.04, candidate alone 0.028.
        const cell = u < 0.08 ? 3 : u < 0.12 ? 2 : u < 0.148 ? 1 : 0;
        counts[cell] = (counts[cell] ?? 0) + 1;
        if (i % 100 !== 0) continue;
        const told = savedFalsePositives(counts, OPTIONS);
        isMissed ||= told !== null && (told.low > 0.1 || told.high < 0.1);
      }
      missed += Number(isMissed);
    }
    // 5 % are allowed; one-sided 95 % bound of 200 draws: 16.
    expect(missed).toBeLessThanOrEqual(16);
  });
});

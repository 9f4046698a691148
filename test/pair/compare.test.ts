import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareObservations, comparePredictions } from '../../src/pair/compare.ts';
import type { Prediction } from '../../src/pair/pair.ts';

describe('comparePredictions', () => {
  it('gives the largest difference with its sign', () => {
    const ours = [{ score: 0.5 }, { score: 0.5 }, { score: 0.5 }];
    const theirs = [{ score: 0.6 }, { score: 0.1 }, { score: 0.5 }];
    const divergence = comparePredictions(ours, theirs, 0.2);
    expect(divergence.score_delta_max).toBeCloseTo(-0.4, 12);
    expect(divergence.outside_tolerance).toBe(1);
  });

  it('counts a difference of exactly the tolerance as inside', () => {
    expect(comparePredictions([{ score: 0 }], [{ score: 0.25 }], 0.25).outside_tolerance).toBe(0);
  });

  it('counts flips of labels', () => {
    const ours = [{ label: 'a' }, { label: 'b' }, { label: 1 }];
    const theirs = [{ label: 'a' }, { label: 'c' }, { label: 2 }];
    expect(comparePredictions(ours, theirs, 0)).toEqual({
      label_flips: 2,
      outside_tolerance: 0,
      fields: [],
    });
  });

  it('names a label of another type, which is a flip only where its text differs', () => {
    expect(comparePredictions([{ label: 1 }], [{ label: '1' }], 0)).toMatchObject({
      label_flips: 0,
      fields: ['type'],
    });
    expect(comparePredictions([{ label: 1 }], [{ label: 'x' }], 0)).toMatchObject({
      label_flips: 1,
      fields: ['type'],
    });
  });

  it('names what one side alone has, and batches of different length', () => {
    const divergence = comparePredictions([{ score: 1 }, { score: 1 }], [{ label: 'a' }], 0);
    expect(divergence).toEqual({
      label_flips: 0,
      outside_tolerance: 0,
      fields: ['length', 'missing'],
    });
  });

  it('stays finite where the difference of two doubles overflows', () => {
    const max = Number.MAX_VALUE;
    expect(comparePredictions([{ score: max }], [{ score: -max }], 0).score_delta_max).toBe(-max);
  });

  it('compares nothing where one side has no answer', () => {
    const ours = { status: 200, predictions: [{ score: 1 }] };
    expect(compareObservations(ours, { predictions: [] }, 0)).toEqual({
      label_flips: 0,
      outside_tolerance: 0,
      fields: [],
    });
  });

  const prediction: fc.Arbitrary<Prediction> = fc.record(
    {
      score: fc.double({ noNaN: true, noDefaultInfinity: true }),
      label: fc.oneof(fc.string(), fc.boolean(), fc.integer()),
    },
    { requiredKeys: [] },
  );

  it('finds no difference between equal answers, and its mirror image the other way round', () => {
    fc.assert(
      fc.property(fc.array(prediction), fc.array(prediction), (ours, theirs) => {
        const same = comparePredictions(ours, ours, 0);
        expect(same.score_delta_max ?? 0).toBe(0);
        expect(same).toMatchObject({ label_flips: 0, outside_tolerance: 0, fields: [] });
        const there = comparePredictions(ours, theirs, 1e-6);
        const back = comparePredictions(theirs, ours, 1e-6);
        expect(back.label_flips).toBe(there.label_flips);
        expect(back.outside_tolerance).toBe(there.outside_tolerance);
        expect(back.fields).toEqual(there.fields);
        expect(Math.abs(back.score_delta_max ?? 0)).toBe(Math.abs(there.score_delta_max ?? 0));
      }),
    );
  });
});

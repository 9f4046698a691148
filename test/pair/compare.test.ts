import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareObservations,
  comparePredictions,
  type PredictedSide,
  type Tolerance,
} from '../../src/pair/compare.ts';
import type { Prediction } from '../../src/pair/pair.ts';

function compare(
  ours: readonly Prediction[],
  theirs: readonly Prediction[],
  absolute: number,
  relative = 0,
) {
  return comparePredictions({ predictions: ours }, { predictions: theirs }, { absolute, relative });
}

describe('comparePredictions', () => {
  it('gives the largest difference with its sign', () => {
    const ours = [{ score: 0.5 }, { score: 0.5 }, { score: 0.5 }];
    const theirs = [{ score: 0.6 }, { score: 0.1 }, { score: 0.5 }];
    const divergence = compare(ours, theirs, 0.2);
    expect(divergence.score_delta_max).toBeCloseTo(-0.4, 12);
    expect(divergence.outside_tolerance).toBe(1);
  });

  it('counts a difference of exactly the tolerance as inside', () => {
    expect(compare([{ score: 0 }], [{ score: 0.25 }], 0.25).outside_tolerance).toBe(0);
  });

  it('counts flips of labels', () => {
    const ours = [{ label: 'a' }, { label: 'b' }, { label: 1 }];
    const theirs = [{ label: 'a' }, { label: 'c' }, { label: 2 }];
    expect(compare(ours, theirs, 0)).toEqual({
      label_flips: 2,
      outside_tolerance: 0,
      fields: [],
    });
  });

  it('names a label of another type, which is a flip only where its text differs', () => {
    expect(compare([{ label: 1 }], [{ label: '1' }], 0)).toMatchObject({
      label_flips: 0,
      fields: ['type'],
    });
    expect(compare([{ label: 1 }], [{ label: 'x' }], 0)).toMatchObject({
      label_flips: 1,
      fields: ['type'],
    });
  });

  it('names what one side alone has, and batches of different length', () => {
    const divergence = compare([{ score: 1 }, { score: 1 }], [{ label: 'a' }], 0);
    expect(divergence).toEqual({
      label_flips: 0,
      outside_tolerance: 0,
      fields: ['length', 'missing'],
    });
  });

  it('stays finite where the difference of two doubles overflows', () => {
    const max = Number.MAX_VALUE;
    expect(compare([{ score: max }], [{ score: -max }], 0).score_delta_max).toBe(-max);
  });

  it('compares nothing where one side has no answer', () => {
    const ours = { status: 200, predictions: [{ score: 1 }] };
    expect(compareObservations(ours, { predictions: [] }, { absolute: 0, relative: 0 })).toEqual({
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
        const same = compare(ours, ours, 0);
        expect(same.score_delta_max ?? 0).toBe(0);
        expect(same).toMatchObject({ label_flips: 0, outside_tolerance: 0, fields: [] });
        const there = compare(ours, theirs, 1e-6);
        const back = compare(theirs, ours, 1e-6);
        expect(back.label_flips).toBe(there.label_flips);
        expect(back.outside_tolerance).toBe(there.outside_tolerance);
        expect(back.fields).toEqual(there.fields);
        expect(Math.abs(back.score_delta_max ?? 0)).toBe(Math.abs(there.score_delta_max ?? 0));
      }),
    );
  });

  it('allows what is small beside the scores where the tolerance is relative', () => {
    expect(compare([{ score: 1000 }], [{ score: 1010 }], 1e-6, 0.01).outside_tolerance).toBe(0);
    expect(compare([{ score: 1000 }], [{ score: 1011 }], 1e-6, 0.01).outside_tolerance).toBe(1);
    expect(compare([{ score: 0 }], [{ score: 1e-7 }], 1e-6, 0.01).outside_tolerance).toBe(0);
  });

  it('compares digits where doubles are equal: beyond 2^53, and long decimals', () => {
    const side = (text: string): PredictedSide => ({
      predictions: [{ score: Number(text) }],
      exactScores: new Map([[0, text]]),
    });
    const exact = (ours: string, theirs: string, tolerance: Tolerance) =>
      comparePredictions(side(ours), side(theirs), tolerance);
    const none = { absolute: 0, relative: 0 };
    expect(exact('9007199254740992', '9007199254740993', none)).toMatchObject({
      score_delta_max: 1,
      outside_tolerance: 1,
    });
    const [ours, theirs] = ['0.12345678901234567890', '0.12345678901234567891'];
    expect(Number(ours)).toBe(Number(theirs));
    expect(exact(ours, theirs, none).score_delta_max).toBeCloseTo(1e-20, 30);
    expect(exact(ours, theirs, none).outside_tolerance).toBe(1);
    expect(exact('0.50', '5e-1', none).outside_tolerance).toBe(0);
  });

  it('matches a batch by id, and says what has no counterpart', () => {
    const ours = [
      { id: 'a', score: 1, label: 'x' },
      { id: 'b', score: 2, label: 'y' },
    ];
    expect(compare(ours, ours.toReversed(), 0)).toEqual({
      score_delta_max: 0,
      label_flips: 0,
      outside_tolerance: 0,
      fields: [],
    });
    const theirs = [{ id: 'b', score: 2.5, label: 'y' }, { id: 'c' }, { id: 'c' }];
    expect(compare(ours, theirs, 0)).toEqual({
      score_delta_max: 0.5,
      label_flips: 0,
      outside_tolerance: 1,
      fields: ['length', 'unmatched', 'duplicate_id'],
    });
  });

  it('compares the probabilities of classes, of a list or by name', () => {
    const list = compare([{ classes: [0.1, 0.9] }], [{ classes: [0.3, 0.7] }], 0);
    expect(Math.abs(list.class_delta_max ?? 0)).toBeCloseTo(0.2, 12);
    expect(list.fields).toEqual([]);
    const named = compare([{ classes: { a: 0.1, b: 0.9 } }], [{ classes: { b: 0.5, c: 0.5 } }], 0);
    expect(named.class_delta_max).toBeCloseTo(-0.4, 12);
    expect(named.fields).toEqual(['classes']);
    expect(compare([{ classes: [1] }], [{}], 0).fields).toEqual(['missing']);
  });
});

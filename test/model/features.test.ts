import { describe, expect, test } from 'vitest';
import { compileFeatures } from '../../src/model/features.ts';
import { tinyConfig } from './tiny.ts';

const read = compileFeatures(tinyConfig().inputs);

function faultOf(request: unknown): string {
  const reading = read(request);
  return reading.ok ? 'no fault' : reading.message;
}

describe('features', () => {
  test('a request becomes named tensors of one row and one column', () => {
    const reading = read({ loan: { amount: 12.5 }, grade: 'B', other: true });
    if (!reading.ok) throw new Error(reading.message);
    expect(Object.keys(reading.tensors)).toEqual(['amount', 'grade']);
    expect(reading.tensors.amount).toMatchObject({ type: 'float32', dims: [1, 1] });
    expect(reading.tensors.amount?.data).toEqual(Float32Array.of(12.5));
    expect(reading.tensors.grade).toMatchObject({ type: 'string', dims: [1, 1], data: ['B'] });
  });

  test('a missing feature is named with its pointer and what was expected', () => {
    expect(faultOf({ grade: 'B' })).toBe(
      'feature amount at /loan/amount is missing, expected a number within float32',
    );
    expect(read({ grade: 'B' })).toMatchObject({ ok: false, feature: 'amount' });
  });

  test.each([
    ['null', null],
    ['a string', '12'],
    ['a boolean', true],
    ['an array', [12]],
    ['an object', {}],
    ['a number outside float32', 1e39],
  ])('a number feature that is %s is refused, and its value not repeated', (type, amount) => {
    const fault = faultOf({ loan: { amount }, grade: 'B' });
    expect(fault).toBe(
      `feature amount at /loan/amount is ${type}, expected a number within float32`,
    );
  });

  test('a string feature that is a number is refused', () => {
    expect(faultOf({ loan: { amount: 1 }, grade: 7 })).toBe(
      'feature grade at /grade is a number, expected a string',
    );
  });

  test.each([[null], ['text'], [5], [[]], [true]])('%j instead of an object lacks them', (body) => {
    expect(faultOf(body)).toContain('is missing');
  });

  test('nothing is taken from the prototype of a request', () => {
    const inherited = compileFeatures([
      { name: 'x', pointer: '/constructor/name', type: 'string' },
    ])({});
    expect(inherited.ok).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf } from '../../src/pair/decimal.ts';

describe('differenceOf', () => {
  it.each([
    ['9007199254740993', '9007199254740992', 1],
    ['-9007199254740993', '9007199254740993', -18014398509481984],
    ['1e400', '1e400', 0],
    ['1.50', '15e-1', 0],
    ['0.1', '0.3', -0.2],
    ['1E+2', '100', 0],
    ['-0', '0', 0],
    ['0.12345678901234567891', '0.12345678901234567890', 1e-20],
  ])('%s − %s = %d', (a, b, difference) => {
    expect(differenceOf(a, b)).toBe(difference);
  });

  it('is that of integers, whatever their size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.bigInt(), (a, b) => {
        expect(differenceOf(String(a), String(b))).toBe(Number(a - b));
      }),
    );
  });

  it('takes no time or memory for numbers that are none', () => {
    expect(differenceOf('1e999999999', '1')).toBe(Number.POSITIVE_INFINITY);
    expect(differenceOf(`1${'0'.repeat(2_000)}`, '1')).toBe(Number.POSITIVE_INFINITY);
    expect(differenceOf('x', '1')).toBeNaN();
  });
});

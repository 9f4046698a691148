import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { compileCapture } from '../../src/mirror/capture-fields.ts';

function capture(body: string, pointers: string[], join = '') {
  const read = compileCapture({ capture: pointers, join });
  if (read === null) throw new Error('nothing to capture');
  return read(body);
}

describe('compileCapture', () => {
  it('parses no body for a route that captures nothing', () => {
    expect(compileCapture({ capture: [], join: '' })).toBeNull();
  });

  it('takes scalars, and leaves out objects, arrays and what is absent', () => {
    const body = '{"a":"x","b":1.5,"c":true,"d":null,"e":{"f":2},"g":[3]}';
    expect(
      capture(body, ['/a', '/b', '/c', '/d', '/e', '/e/f', '/g', '/g/0', '/h', '']).captured,
    ).toEqual({
      '/a': 'x',
      '/b': 1.5,
      '/c': true,
      '/d': null,
      '/e/f': 2,
      '/g/0': 3,
    });
  });

  it('cuts long strings', () => {
    const body = JSON.stringify({ a: 'x'.repeat(1_000) });
    expect(capture(body, ['/a']).captured['/a']).toHaveLength(LIMITS.capturedCharacters);
  });

  it('keeps every digit of an identifier over 2^53', () => {
    const body = '{"id":12345678901234567891,"n":9007199254740991,"x":1e400}';
    expect(capture(body, ['/id', '/n', '/x'], '/id')).toEqual({
      captured: { '/id': '12345678901234567891', '/n': 9007199254740991, '/x': '1e400' },
      join: '12345678901234567891',
    });
  });

  it("keeps them where Python's NaN stands beside them, too", () => {
    const body = '{"id":12345678901234567891,"x":NaN,"y":-Infinity,"z":1.5}';
    expect(capture(body, ['/id', '/x', '/y', '/z'], '/id')).toEqual({
      captured: { '/id': '12345678901234567891', '/x': null, '/z': 1.5 },
      join: '12345678901234567891',
    });
  });

  it.each([
    ['"tx-1"', 'tx-1'],
    ['17', '17'],
    ['false', 'false'],
    ['null', undefined],
    ['""', undefined],
    ['{}', undefined],
    ['["a"]', undefined],
    [JSON.stringify('x'.repeat(LIMITS.capturedCharacters)), 'x'.repeat(LIMITS.capturedCharacters)],
    [JSON.stringify('x'.repeat(LIMITS.capturedCharacters + 1)), undefined],
  ])('joins by %s as %s', (value, expected) => {
    expect(capture(`{"id":${value}}`, [], '/id').join).toBe(expected);
  });

  it('captures nothing of what is not JSON', () => {
    expect(capture('score=1', ['/score'], '/id')).toEqual({ captured: {}, join: undefined });
  });

  it('gives nothing of a body but what is listed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (rest) => {
        const body = JSON.stringify({ listed: 1, secret: 'CANARY', rest });
        const { captured } = capture(body, ['/listed']);
        expect(captured).toEqual({ '/listed': 1 });
      }),
    );
  });
});

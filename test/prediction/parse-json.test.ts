import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countKeys,
  measureJson,
  parseJson,
  parseJsonWithNumberText,
} from '../../src/prediction/parse-json.ts';

describe('parseJson', () => {
  it('parses what JSON.parse parses', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each(['', '{', 'nan', "{'a':1}", '{"a":1}}', 'undefined', '\u0000'])(
    'gives undefined for %j',
    (text) => {
      expect(parseJson(text)).toBeUndefined();
    },
  );

  it("reads Python's NaN as null, its infinities as such, and leaves strings alone", () => {
    const text =
      '{"a": NaN, "b": [-Infinity, Infinity, 1], "NaN": "NaN \\" Infinity", "c": "\\\\"}';
    expect(parseJson(text)).toEqual({
      a: null,
      b: [-Infinity, Infinity, 1],
      NaN: 'NaN " Infinity',
      c: '\\',
    });
  });

  it('stays not JSON where only a part is mended', () => {
    expect(parseJson('{"a": NaN, }')).toBeUndefined();
    expect(parseJson('{"a": NaNs}')).toBeUndefined();
  });

  it('takes linear time on a hostile unclosed string', () => {
    const text = `NaN"${'\\"'.repeat(1_000_000)}`;
    const before = performance.now();
    expect(parseJson(text)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

describe('measureJson and countKeys', () => {
  it('agree with what was parsed', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
        : 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, space) => {
        const { depth, keys } = measureJson(JSON.stringify(value, null, space));
        const parsed: unknown = JSON.parse(JSON.stringify(value));
        expect({ depth, keys }).toEqual({ depth: depthOf(parsed), keys: countKeys(parsed) });
      }),
    );
  });

  it('take linear time on a million opened arrays and on an unclosed string', () => {
    expect(measureJson('['.repeat(1_000_000)).depth).toBe(1_000_000);
    expect(measureJson(`"${'\\"'.repeat(1_000_000)}`)).toEqual({ depth: 0, keys: 0 });
  });
});

describe('parseJsonWithNumberText', () => {
  it("reads Python's words as null: they have no digits", () => {
    expect(
      parseJsonWithNumberText('{"a": 12345678901234567890, "b": [NaN, Infinity, 1e999]}'),
    ).toEqual({
      a: '12345678901234567890',
      b: [null, null, null],
    });
    expect(parseJsonWithNumberText('{"a": NaN, }')).toBeUndefined();
  });

  it('keeps every digit of a number', () => {
    expect(parseJsonWithNumberText('{"id": 12345678901234567890, "x": [1.50, "1"]}')).toEqual({
      id: '12345678901234567890',
      x: ['1.50', '1'],
    });
  });
});

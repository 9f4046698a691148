import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, parseJsonWithNumberText } from '../../src/prediction/parse-json.ts';

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

  it("reads Python's NaN and infinities as null, and leaves strings alone", () => {
    const text =
      '{"a": NaN, "b": [-Infinity, Infinity, 1], "NaN": "NaN \\" Infinity", "c": "\\\\"}';
    expect(parseJson(text)).toEqual({
      a: null,
      b: [null, null, 1],
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

describe('parseJsonWithNumberText', () => {
  it('keeps every digit of a number', () => {
    expect(parseJsonWithNumberText('{"id": 12345678901234567890, "x": [1.50, "1"]}')).toEqual({
      id: '12345678901234567890',
      x: ['1.50', '1'],
    });
  });
});

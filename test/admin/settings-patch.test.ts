import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSettingsPatch } from '../../src/admin/settings-patch.ts';
import { UnderstudyError } from '../../src/errors.ts';

const parse = (text: string) => parseSettingsPatch(text, ['v7', 'v8']);
const body = (fields: string) => `{${fields},"reason":"test"}`;

describe('parseSettingsPatch', () => {
  it('takes a switch, rates, or both, with a reason', () => {
    expect(
      parse('{"enabled":false,"rates":{"v7":0.5,"v8":0},"reason":" slow \\"v7\\": "}'),
    ).toEqual({
      enabled: false,
      rates: { v7: 0.5, v8: 0 },
      reason: 'slow "v7":',
    });
    expect(parse(body('"rates":{"v7":1}')).enabled).toBeUndefined();
  });

  it.each([
    ['nothing', '', 'UND_API_JSON'],
    ['half an object', '{"enabled":', 'UND_API_JSON'],
    ['NaN', body('"rates":{"v7":NaN}'), 'UND_API_JSON'],
    ['a key twice', body('"enabled":true,"enabled":false'), 'UND_API_JSON'],
    ['a candidate twice', body('"rates":{"v7":0,"v7":1}'), 'UND_API_JSON'],
    ['a key twice, once escaped', body('"enabled":true,"\\u0065nabled":false'), 'UND_API_JSON'],
    ['a number', '7', 'UND_API_FIELD'],
    ['null', 'null', 'UND_API_FIELD'],
    ['an array', '[]', 'UND_API_FIELD'],
    ['depth', '['.repeat(8_000) + ']'.repeat(8_000), 'UND_API_FIELD'],
    ['__proto__', body('"__proto__":{"enabled":true}'), 'UND_API_FIELD'],
    ['constructor', body('"constructor":1'), 'UND_API_FIELD'],
    ['an unknown key', body('"rate":1'), 'UND_API_FIELD'],
    ['a target of a candidate', body('"url":"http://127.0.0.1:1"'), 'UND_API_FIELD'],
    ['nothing to change', '{"reason":"test"}', 'UND_API_FIELD'],
    ['no candidate', body('"rates":{}'), 'UND_API_FIELD'],
    ['rates as array', body('"rates":[1]'), 'UND_API_FIELD'],
    ['rates as number', body('"rates":0.5'), 'UND_API_FIELD'],
    ['1e400', body('"rates":{"v7":1e400}'), 'UND_API_FIELD'],
    ['-1', body('"rates":{"v7":-1}'), 'UND_API_FIELD'],
    ['1.01', body('"rates":{"v7":1.01}'), 'UND_API_FIELD'],
    ['101', body('"rates":{"v7":101}'), 'UND_API_FIELD'],
    ['"50"', body('"rates":{"v7":"50"}'), 'UND_API_FIELD'],
    ['null as rate', body('"rates":{"v7":null}'), 'UND_API_FIELD'],
    ['true as rate', body('"rates":{"v7":true}'), 'UND_API_FIELD'],
    ['"true" as switch', body('"enabled":"true"'), 'UND_API_FIELD'],
    ['1 as switch', body('"enabled":1'), 'UND_API_FIELD'],
    ['an unknown candidate', body('"rates":{"v9":1}'), 'UND_API_CANDIDATE'],
    ['__proto__ as candidate', body('"rates":{"__proto__":1}'), 'UND_API_CANDIDATE'],
    ['no reason', '{"enabled":true}', 'UND_API_REASON'],
    ['a blank reason', '{"enabled":true,"reason":"  "}', 'UND_API_REASON'],
    ['a number as reason', '{"enabled":true,"reason":1}', 'UND_API_REASON'],
    ['a long reason', `{"enabled":true,"reason":"${'x'.repeat(501)}"}`, 'UND_API_REASON'],
    ['two lines', '{"enabled":true,"reason":"a\\nb"}', 'UND_API_REASON'],
    ['an escape sequence', '{"enabled":true,"reason":"\\u001b[2J"}', 'UND_API_REASON'],
  ])('T-03: refuses %s', (_, text, code) => {
    expect(() => parse(text)).toThrowError(expect.objectContaining({ code }));
  });

  it('throws nothing but its own errors, and takes no rate out of range (property)', () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ enabled: fc.anything(), rates: fc.anything(), reason: fc.anything() })
        .map((value) => JSON.stringify(value) ?? ''),
      fc.double().map((rate) => body(`"rates":{"v7":${rate}}`)),
    );
    fc.assert(
      fc.property(text, (sent) => {
        try {
          for (const rate of Object.values(parse(sent).rates ?? {})) {
            expect(rate).toBeGreaterThanOrEqual(0);
            expect(rate).toBeLessThanOrEqual(1);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(UnderstudyError);
        }
      }),
      { seed: 4711, numRuns: 500 },
    );
  });
});

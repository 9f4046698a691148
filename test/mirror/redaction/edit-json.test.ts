import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/config/defaults.ts';
import { editJson } from '../../../src/mirror/redaction/edit-json.ts';
import type { JsonEdit } from '../../../src/mirror/redaction/edit-step.ts';
import { pointerTokens } from '../../../src/prediction/json-pointer.ts';
import { parseJson } from '../../../src/prediction/parse-json.ts';

const edit = (pointer: string, instead: string | null = '"***"'): JsonEdit => ({
  tokens: pointerTokens(pointer),
  replace: () => instead,
});

describe('editJson', () => {
  it.each([
    ['{"a": 1.0, "b":2}', '/a', '{"a": "***", "b":2}'],
    [
      '{"a":{"b":[{"c":1},{"c":2,"d":3}]}}',
      '/a/b/*/c',
      '{"a":{"b":[{"c":"***"},{"c":"***","d":3}]}}',
    ],
    ['{"a":[1,2,3]}', '/a/1', '{"a":[1,"***",3]}'],
    ['{"a":1,"a":2}', '/a', '{"a":"***","a":"***"}'],
    ['{"\\u0061":1,"b":2}', '/a', '{"\\u0061":"***","b":2}'],
    ['{"a/b":1,"m~n":2}', '/a~1b', '{"a/b":"***","m~n":2}'],
    ['{"a/b":1,"m~n":2}', '/m~0n', '{"a/b":1,"m~n":"***"}'],
    ['[{"x":1}]', '/*/x', '[{"x":"***"}]'],
    ['{"*":1,"b":2}', '/*', '{"*":"***","b":"***"}'],
    ['{"":1}', '/', '{"":"***"}'],
    ['{"a":NaN,"b":-Infinity}', '/a', '{"a":"***","b":-Infinity}'],
    ['{"a":"}\\"]{","b":"\\\\"}', '/b', '{"a":"}\\"]{","b":"***"}'],
    [' \r\n\t{ "a" : [ ] , "b" : { } } ', '/a', ' \r\n\t{ "a" : "***" , "b" : { } } '],
    ['12345678901234567890', '/a', '12345678901234567890'],
    ['{"__proto__":{"a":1}}', '/__proto__/a', '{"__proto__":{"a":"***"}}'],
  ])('of %s with %s makes %s', (text, pointer, expected) => {
    expect(editJson(text, [edit(pointer)])).toBe(expected);
  });

  it.each([
    ['{"a":1,"b":2,"c":3}', '{"b":2,"c":3}'],
    ['{"b":2,"a":1,"c":3}', '{"b":2,"c":3}'],
    ['{"b":2,"a":1}', '{"b":2}'],
    ['{"a":1}', '{}'],
    ['{"a":1,"a":2}', '{}'],
    ['{"a":1,"a":2,"b":3,"a":4}', '{"b":3}'],
    ['{"b":1,"a":2,"a":3,"c":4}', '{"b":1,"c":4}'],
  ])('drops a from %s: %s', (text, expected) => {
    expect(editJson(text, [edit('/a', null)])).toBe(expected);
  });

  it('puts null for an element that is dropped, since others keep their positions', () => {
    expect(editJson('[1,2,3]', [edit('/1', null)])).toBe('[1,null,3]');
  });

  it('lets the outer of two places count, and the first of two rules', () => {
    const edits = [edit('/a/b', '1'), edit('/a', '2'), edit('/a', '3')];
    expect(editJson('{"a":{"b":0}}', edits)).toBe('{"a":2}');
  });

  it('looks at its rules once for each place, and not for each token', () => {
    let looks = 0;
    const edits = Array.from({ length: 64 }, (_, i): JsonEdit => {
      const { tokens, replace } = edit(`/rows/*/x${i}`);
      return {
        get tokens() {
          looks += 1;
          return tokens;
        },
        replace,
      };
    });
    const rows = Array.from({ length: 1_000 }, (_, i) => ({ [`x${i % 70}`]: 1, other: [1, 2] }));
    const edited = JSON.parse(editJson(JSON.stringify({ rows }), edits) ?? '');
    expect(edited.rows.slice(62, 66)).toEqual([
      { x62: '***', other: [1, 2] },
      { x63: '***', other: [1, 2] },
      { x64: 1, other: [1, 2] },
      { x65: 1, other: [1, 2] },
    ]);
    // For each of the 64 names at most three looks at each rule, and some on the way there.
    expect(looks).toBeLessThanOrEqual(64 * 64 * 3 + 64 * 16);
  });

  it.each([
    '',
    '{',
    '{"a":1',
    '{"a":1,}',
    '[1,]',
    '{"a" 1}',
    "{'a':1}",
    '{a:1}',
    '{"a":1}{"a":2}',
    '{"a":1}\n{"a":2}',
    '{"a":1}//',
    '/**/{"a":1}',
    '\ufeff{"a":1}',
    '{"\\x61":1}',
    '{"a":"',
    'a=1&b=2',
    `${'['.repeat(LIMITS.jsonDepth + 1)}${']'.repeat(LIMITS.jsonDepth + 1)}`,
  ])('says of %j that it is in doubt', (text) => {
    expect(editJson(text, [edit('/a')])).toBeNull();
  });

  it('reads all that is read elsewhere, and gives it back as it was where nothing matches', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), fc.nat(3), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(editJson(spaced, [edit('/no such member anywhere')])).toBe(spaced);
      }),
    );
  });

  it('never keeps a secret at its place, and is JSON again, whatever stands around it', () => {
    const secret = 'CANARY-0123456789';
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constant({ secret }),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'secret', 'b'), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const edits = ['/secret', '/*/secret', '/*/*/secret', '/*/*/*/secret', '/*/*/*/*/secret'];
    fc.assert(
      fc.property(tree, fc.constantFrom('"***"', null), fc.nat(2), (document, instead, indent) => {
        const hidden = editJson(
          JSON.stringify(document, null, indent),
          [...edits, '/*/*/*/*/*/secret', '/*/*/*/*/*/*/secret'].map((at) => edit(at, instead)),
        );
        expect(hidden).not.toContain(secret);
        expect(() => JSON.parse(hidden ?? '')).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it('refuses nothing that a reader of answers takes, nor takes more than one document', () => {
    const bits = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      'NaN',
      ' ',
      '-',
      '"',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        if (parseJson(text) !== undefined) expect(editJson(text, [edit('/a')])).not.toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });
});

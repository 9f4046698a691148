import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePointer } from '../../src/prediction/json-pointer.ts';

/** The document and the table of RFC 6901 §5. */
const DOCUMENT = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

describe('compilePointer', () => {
  it.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('evaluates %j as RFC 6901 §5 says', (pointer, value) => {
    expect(compilePointer(pointer)(DOCUMENT)).toEqual(value);
  });

  it('reads ~01 as ~1, never as a slash', () => {
    expect(compilePointer('/~01')({ '~1': 'right', '/': 'wrong' })).toBe('right');
  });

  it.each(['foo', '#/foo', '/~', '/~2', '/a~', ' /foo'])('refuses %j', (pointer) => {
    expect(() => compilePointer(pointer)).toThrow(
      expect.objectContaining({ code: 'UND_POINTER_SYNTAX' }),
    );
  });

  it.each(['/foo/-', '/foo/01', '/foo/2', '/foo/1e0', '/foo/length', '/nothing', '/foo/0/0'])(
    'finds nothing at %j',
    (pointer) => {
      expect(compilePointer(pointer)(DOCUMENT)).toBeUndefined();
    },
  );

  it.each(['/__proto__', '/constructor', '/toString', '/foo/__proto__'])(
    'finds nothing inherited at %j',
    (pointer) => {
      expect(compilePointer(pointer)(DOCUMENT)).toBeUndefined();
    },
  );

  it('finds an own property that is called __proto__', () => {
    expect(compilePointer('/__proto__/a')(JSON.parse('{"__proto__":{"a":1}}'))).toBe(1);
  });

  it('finds every value by the pointer that its path makes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (document) => {
        for (const [pointer, value] of walk(document, '')) {
          expect(compilePointer(pointer)(document)).toBe(value);
        }
      }),
    );
  });
});

function* walk(value: unknown, path: string): Generator<[string, unknown]> {
  yield [path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, child] of Object.entries(value)) {
    yield* walk(child, `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileIgnore,
  compileNames,
  diffStructure,
  ExactNumber,
} from '../../src/pair/structure-diff.ts';

const LIMITS = { maxDifferences: 20, maxNodes: 10_000, maxCharacters: 200 };

function diff(
  ours: unknown,
  theirs: unknown,
  ignore: readonly string[] = [],
  limits = LIMITS,
  names = compileNames([], false),
) {
  const options = { ignore: compileIgnore(ignore), names, tolerance: 1e-6, limits };
  return diffStructure(ours, theirs, options);
}

/** `kind place count`, a line each. */
function told(...args: Parameters<typeof diff>): string[] {
  return diff(...args).differences.map(({ kind, at, count }) => `${kind} ${at} ${count}`);
}

describe('diffStructure', () => {
  it('names what is missing, new, of another type, or of another value', () => {
    const ours = { a: 1, b: 'x', c: { d: null, e: [1] }, f: true };
    const theirs = { a: 1.5, b: 7, c: { e: [1], g: 0 }, f: true };
    expect(told(ours, theirs)).toEqual([
      'value /a 1',
      'type /b 1',
      'missing /c/d 1',
      'extra /c/g 1',
    ]);
  });

  it('tells null, lists, objects and numbers apart', () => {
    expect(told({ a: null, b: [], c: {} }, { a: {}, b: {}, c: [] })).toEqual([
      'type /a 1',
      'type /b 1',
      'type /c 1',
    ]);
    expect(told([], {})).toEqual(['type  1']);
  });

  it('takes the elements of a list for one place, and counts them', () => {
    const ours = { rows: [{ x: 1 }, { x: 2 }, { x: 3 }, {}] };
    const theirs = { rows: [{ x: 1 }, { x: 9 }, { x: 9 }] };
    expect(told(ours, theirs)).toEqual(['value /rows/*/x 2', 'missing /rows/* 1']);
    expect(told([1], [1, 2, 3])).toEqual(['extra /* 1']);
  });

  it('leaves out what it is told to, with all below it', () => {
    const ours = { id: 'a', rows: [{ id: 1, deep: { id: 2 }, 'a/b': 1 }] };
    const theirs = { id: 'b', rows: [{ id: 9, deep: 7, 'a/b': 2 }], extra: 1 };
    expect(told(ours, theirs, ['/id', '/rows/*/id', '/*/0/deep', '/extra'])).toEqual([
      'value /rows/*/a~1b 1',
    ]);
    expect(told(ours, theirs, ['/id', '/rows', '/extra'])).toEqual([]);
    expect(
      told(ours, theirs, ['/id', '/rows/*/id', '/rows/*/deep', '/rows/*/a~1b', '/extra']),
    ).toEqual([]);
  });

  it('says * for a name that a hidden place has it for, and counts those as one', () => {
    const names = compileNames(['/by/*', '/deep/*/x/*', '/a~1b/*'], false);
    const ours = { by: { DE1: 1, DE2: 2 }, deep: { Ann: { x: {}, y: 1 } }, 'a/b': { Ann: 1 } };
    const theirs = { by: {}, deep: { Ann: { x: { DE3: 1 } } }, 'a/b': { Ann: 2 } };
    expect(told(ours, theirs, [], LIMITS, names)).toEqual([
      'missing /by/* 2',
      'extra /deep/*/x/* 1',
      'missing /deep/*/y 1',
      'value /a~1b/* 1',
    ]);
  });

  it('says * for all names that are new where it is told to', () => {
    const names = compileNames([], true);
    const theirs = { a: { DE1: 1, DE2: 2 }, b: 1 };
    expect(told({ a: { kept: 1 } }, theirs, [], LIMITS, names)).toEqual([
      'missing /a/kept 1',
      'extra /a/* 2',
      'extra /* 1',
    ]);
  });

  it('compares numbers by their digits where doubles do not hold them', () => {
    const big = (text: string) => ({ n: new ExactNumber(text) });
    expect(told(big('9007199254740993'), big('9007199254740992'))).toEqual(['value /n 1']);
    expect(told(big('9007199254740993'), big('9007199254740993.0'))).toEqual([]);
    expect(told(big('1.0'), { n: 1 })).toEqual([]);
    expect(told({ n: 1 }, { n: 1 + 1e-7 })).toEqual([]);
  });

  it('is bounded, and says when it was', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i]));
    expect(diff(many, {})).toMatchObject({ isCut: true });
    expect(diff(many, {}).differences).toHaveLength(20);
    const large = { rows: new Array(100_000).fill(1), after: 1 };
    expect(diff(large, { rows: new Array(100_000).fill(1), after: 2 }).isCut).toBe(true);
    expect(told({ ['x'.repeat(1_000)]: 1 }, {})[0]?.length).toBeLessThan(220);
  });

  it('finds nothing between equal documents, and mirror images the other way round', () => {
    const value = fc.jsonValue({ maxDepth: 5 });
    const mirrored = { missing: 'extra', extra: 'missing', type: 'type', value: 'value' };
    fc.assert(
      fc.property(value, value, (ours, theirs) => {
        expect(diff(ours, structuredClone(ours)).differences).toEqual([]);
        const limits = { ...LIMITS, maxDifferences: 10_000 };
        const there = diff(ours, theirs, [], limits).differences;
        const back = diff(theirs, ours, [], limits).differences;
        const text = (list: typeof there, map = (kind: keyof typeof mirrored) => kind as string) =>
          list.map(({ kind, at, count }) => `${map(kind)} ${at} ${count}`).sort();
        expect(text(back, (kind) => mirrored[kind])).toEqual(text(there));
      }),
    );
  });
});

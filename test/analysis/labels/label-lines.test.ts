import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatOf,
  type LabelFormat,
  type LabelLine,
  readLabelLines,
} from '../../../src/analysis/labels/label-lines.ts';

const ACCEPTED = { positive: 'bad', negative: 'good' };
const NOW_MS = Date.parse('2026-11-26T00:00:00Z');

async function read(
  text: string | Buffer,
  format: LabelFormat = 'csv',
  pieces: readonly number[] = [],
): Promise<LabelLine[]> {
  const bytes = Buffer.from(text);
  async function* chunks(): AsyncGenerator<Buffer> {
    let from = 0;
    for (const size of pieces) {
      yield bytes.subarray(from, from + size);
      from += size;
    }
    yield bytes.subarray(from);
  }
  const of = { accepted: ACCEPTED, nowMs: NOW_MS };
  const lines: LabelLine[] = [];
  for await (const line of readLabelLines(chunks(), format, of)) lines.push(line);
  return lines;
}

const entry = (key: string, label: string, atMs: number | null = null) => ({ key, label, atMs });

describe('files of outcomes', () => {
  it('reads CSV with its columns in any order, quotes, CRLF and a byte-order mark', async () => {
    const text =
      '\uFEFFlabel,ignored,KEY,at\r\nbad,x,"a,""1""",2026-11-25T10:00:00Z\r\n\r\ngood,, b ,\r\n';
    expect(await read(text)).toEqual([
      { line: 2, entry: entry('a,"1"', 'bad', Date.parse('2026-11-25T10:00:00Z')) },
      { line: 4, entry: entry('b', 'good') },
    ]);
  });

  it('reads NDJSON, numbers and booleans as their text', async () => {
    const text =
      '{"key":9007199254740991,"label":"good"}\n{"key":"b","label":"bad","at":"2026-11-25T10:00:00+01:00"}';
    expect(await read(text, 'ndjson')).toEqual([
      { line: 1, entry: entry('9007199254740991', 'good') },
      { line: 2, entry: entry('b', 'bad', Date.parse('2026-11-25T09:00:00Z')) },
    ]);
  });

  it.each<[string, LabelFormat, number, RegExp]>([
    ['key,label\na,Bad\n', 'csv', 2, /^label is "Bad", and must be bad or good$/],
    ['key,label\na\n', 'csv', 2, /^label is missing/],
    ['key,label\n,bad\n', 'csv', 2, /^key is missing/],
    ['key,label\n"a,bad\n', 'csv', 2, /^a quote does not close$/],
    ['id,label\na,bad\n', 'csv', 1, /^the first line must name the columns/],
    [`key,label\n${'k'.repeat(300)},bad\n`, 'csv', 2, /^key is over 256 characters$/],
    ['key,label,at\na,bad,yesterday\n', 'csv', 2, /^at is no time with its zone/],
    ['key,label,at\na,bad,2026-11-25T10:00:00\n', 'csv', 2, /^at is no time with its zone/],
    ['key,label,at\na,bad,2030-01-01T00:00:00Z\n', 'csv', 2, /^at lies in the future$/],
    ['{"key":"a","label":"bad"\n', 'ndjson', 1, /^the line is no JSON object$/],
    ['[1]\n', 'ndjson', 1, /^the line is no JSON object$/],
    ['{"key":{},"label":"bad"}\n', 'ndjson', 1, /^key is missing/],
    ['{"key":12345678901234567891,"label":"bad"}\n', 'ndjson', 1, /^key is a number that keeps/],
    ['{"key":9007199254740993,"label":"bad"}\n', 'ndjson', 1, /write it as a text, in quotes$/],
    ['{"key":1.10,"label":"bad"}\n', 'ndjson', 1, /^key is a number that keeps/],
    ['{"key":"a\\ud800","label":"bad"}\n', 'ndjson', 1, /^key has half a character/],
    ['key,label,at\na,bad,2026-02-30T10:00:00Z\n', 'csv', 2, /^at is no time with its zone/],
  ])('names the line of what is wrong: %j', async (text, format, line, problem) => {
    const [first] = await read(text, format);
    expect(first).toEqual({ line, problem: expect.stringMatching(problem) });
  });

  it('takes no line that is not UTF-8: keys of Latin-1 would be one another', async () => {
    const text = 'key,label\nM\xfcller,good\nM\xf6ller,bad\nb,bad\n';
    expect(await read(Buffer.from(text, 'latin1'))).toEqual([
      { line: 2, problem: 'the line is not UTF-8' },
      { line: 3, problem: 'the line is not UTF-8' },
      { line: 4, entry: entry('b', 'bad') },
    ]);
  });

  it('skips a line that is too long without keeping it, and counts on', async () => {
    const lines = await read(`key,label\n${'x'.repeat(70_000)},bad\nb,bad\n`, 'csv', [60_000]);
    expect(lines).toEqual([
      { line: 2, problem: 'the line is over 65536 bytes' },
      { line: 3, entry: entry('b', 'bad') },
    ]);
  });

  it('says the same however the bytes come', async () => {
    const cell = fc.string({ unit: 'binary', maxLength: 12 }).filter((s) => !/[\n\r"]/.test(s));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, fc.constantFrom('bad', 'good', 'Bad')), { maxLength: 30 }),
        fc.array(fc.nat(20), { maxLength: 60 }),
        async (rows, pieces) => {
          const lines = rows.map(([key, label]) => `"${key}",${label}`);
          const text = ['key,label', ...lines].join('\n');
          expect(await read(text, 'csv', pieces)).toEqual(await read(text));
        },
      ),
      { seed: 20_261_126, numRuns: 100 },
    );
  });

  it('knows a file by its name, and says so where it does not', () => {
    expect([formatOf('a/b.CSV'), formatOf('x.jsonl')]).toEqual(['csv', 'ndjson']);
    expect(() => formatOf('labels.txt')).toThrow(/--format/);
  });
});

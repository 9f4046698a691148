import { expect, it } from 'vitest';
import { printable, printableLines } from '../../src/main/printable.ts';
import { toPrintableJson } from '../../src/telemetry/printable-json.ts';

const HOSTILE = 'a\u001b[2J\u009b31m\u0007\r\u007f\u2028\u202eb\tc';

it('lets nothing through that drives a terminal or begins a line', () => {
  expect(printable(`${HOSTILE}\nd`)).toBe('a?[2J?31m?????b?c?d');
  expect(printableLines(['a\nb', 'c'])).toBe('a?b\nc\n');
});

it('keeps the meaning of JSON', () => {
  const json = toPrintableJson({ text: HOSTILE, list: [1] }, 2);
  expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  expect(JSON.parse(json)).toEqual({ text: HOSTILE, list: [1] });
});

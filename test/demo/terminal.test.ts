import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  alignRows,
  escapeTerminal,
  formatCount,
  formatNumber,
  formatShare,
  ProgressLine,
  progressBar,
  stylesOf,
} from '../../src/demo/terminal.ts';

describe('text for a terminal', () => {
  test('escapes in data are shown, not sent', () => {
    expect(escapeTerminal('a\u001b[31mred\u009b1m\u0007\r')).toBe(
      'a\\u001b[31mred\\u009b1m\\u0007\\u000d',
    );
    expect(escapeTerminal('\u202eevil')).toBe('\\u202eevil');
    expect(escapeTerminal('naïve – 日本\n')).toBe('naïve – 日本\n');
  });

  test('shares are never rounded to all or nothing', () => {
    expect(formatShare(1)).toBe('100.0 %');
    expect(formatShare(0)).toBe('0.0 %');
    expect(formatShare(5914 / 5915)).toBe('99.9 %');
    expect(formatShare(1 / 5915)).toBe('0.1 %');
    expect(formatShare(99_999 / 100_000, 2)).toBe('99.99 %');
    expect(formatShare(Number.NaN)).toBe('–');
  });

  test('numbers have separators, a minus sign, and a dash where there are none', () => {
    expect(formatCount(5915)).toBe('5,915');
    expect(formatNumber(-0.01234, 3)).toBe('−0.012');
    expect(formatNumber(Number.NaN, 3)).toBe('–');
  });

  test('rows are aligned', () => {
    expect(
      alignRows(
        [
          ['', 'x'],
          ['long name', '10'],
          ['b', '5', 'more'],
        ],
        '',
      ),
    ).toEqual(['            x', 'long name  10', 'b           5  more']);
  });

  test('a bar is full at the end and never longer', () => {
    expect(progressBar(0.5, 4)).toBe('██░░');
    expect(progressBar(1.7, 4)).toBe('████');
  });

  test('what is no terminal gets no styles and no carriage returns', () => {
    const stream = new PassThrough();
    expect(stylesOf(stream).bold('x')).toBe('x');
    const line = new ProgressLine(stream);
    line.show('one');
    line.show('two');
    line.end();
    expect(stream.read().toString()).toBe('one\ntwo\n');
    expect(line.intervalMs).toBe(10_000);
  });

  test('a terminal gets one line that changes', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const line = new ProgressLine(stream);
    line.show('one');
    line.show('two');
    line.end();
    expect(stream.read().toString()).toBe('\r\u001b[Kone\r\u001b[Ktwo\n');
  });
});

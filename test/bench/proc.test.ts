import { expect, test } from 'vitest';
import { parseMachineTicks, parsePeakMiB, parseProcessTicks } from '../../bench/proc.ts';

test('finds the times of a process whose name holds blanks and brackets', () => {
  const text = '4242 (a) b (c) S 1 4242 4242 0 -1 4194560 9 8 7 6 120 30 40 5 20 0 11 0 999';
  expect(parseProcessTicks(text)).toEqual({ own: 150, children: 45 });
});

test('a process that is gone has used nothing', () => {
  expect(parseProcessTicks('')).toEqual({ own: 0, children: 0 });
});

test('busy is neither idle, nor waiting for the disk, nor stolen, and guests count once', () => {
  const text = 'cpu  100 10 50 800 30 1 9 40 100 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
  expect(parseMachineTicks(text)).toEqual({ busy: 170, steal: 40, total: 1_040 });
});

test('reads the largest resident set', () => {
  expect(parsePeakMiB('VmPeak:\t  99 kB\nVmHWM:\t  2048 kB\nVmRSS:\t 1 kB\n')).toBe(2);
});

import { expect, test } from 'vitest';
import { selfTimes } from '../../bench/profile.ts';
import { replaceBetween } from '../../bench/results.ts';

test('sums own time by function, without idle time and what lies outside of the load', () => {
  const frame = (functionName: string, url: string, lineNumber: number) => ({
    functionName,
    url,
    lineNumber,
  });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '', -1) },
      { id: 2, callFrame: frame('read', 'file:///p/src/a.ts', 9) },
      { id: 3, callFrame: frame('writev', '', -1) },
      { id: 4, callFrame: frame('read', 'file:///p/src/a.ts', 9) },
    ],
    startTime: 5_000,
    samples: [3, 1, 2, 3, 4, 3],
    timeDeltas: [100, 900, 20, 25, 55, 800],
  };
  expect(selfTimes(JSON.stringify(profile), { root: '/p/', fromUs: 5_500, toUs: 6_200 })).toEqual([
    { place: 'read src/a.ts:10', share: 0.75 },
    { place: 'writev', share: 0.25 },
  ]);
});

test('a new run replaces the last one of its kind and leaves the others and what people wrote', () => {
  const once = replaceBetween('# Measured\n\nWords.\n', 'gateway', 'earlier');
  const both = replaceBetween(`${once}\nMore words.\n`, 'tails', 'beside');
  const again = replaceBetween(both, 'gateway', 'later');
  expect(again).toContain('Words.');
  expect(again).toContain('More words.');
  expect(again).toContain('beside');
  expect(again).toContain('later');
  expect(again).not.toContain('earlier');
});

import { expect, test } from 'vitest';
import { COLLECTOR, OTHER, partTimes } from '../../bench/mirror/parts.ts';

const frame = (functionName: string, path = '') => ({
  functionName,
  url: path === '' ? '' : `file:///u/${path}`,
});
const PROFILE = JSON.stringify({
  startTime: 1_000,
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 6, 8] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('dispatch', 'src/mirror/candidates/http-client.ts'), children: [4] },
    { id: 4, callFrame: frame('write', 'node_modules/undici/lib/x.js'), children: [5] },
    { id: 5, callFrame: frame('writev') },
    { id: 6, callFrame: frame('onread', ''), children: [7] },
    { id: 7, callFrame: frame('(garbage collector)') },
    { id: 8, callFrame: frame('#select', 'src/mirror/legs.ts'), children: [9] },
    { id: 9, callFrame: frame('hash') },
  ],
  samples: [2, 5, 7, 6, 9, 5],
  timeDeltas: [10, 20, 30, 40, 50, 60],
});

test('a sample counts for the innermost of our frames, idle and what is outside the window for none', () => {
  const all = partTimes(PROFILE, { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER });
  expect(Object.fromEntries(all)).toEqual({
    dispatch: 80,
    [COLLECTOR]: 30,
    [OTHER]: 40,
    selection: 50,
  });
  const first = partTimes(PROFILE, { fromUs: 0, toUs: 1_060 });
  expect(Object.fromEntries(first)).toEqual({ dispatch: 20, [COLLECTOR]: 30 });
});

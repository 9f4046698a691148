import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { createSuite, narrowed, SUITES } from '../../bench/suites.ts';

const OPTIONS = { pacedRate: 1_000, gateways: 2 };

test('a suite that is narrowed keeps its order, and ratios to what is left', () => {
  const suite = narrowed(createSuite('ramp', OPTIONS), ['off', 'full']);
  expect(suite.targets.map(({ key }) => key)).toEqual(['off', 'full']);
  expect(suite.cpuBases).toEqual([]);
  const paced = narrowed(createSuite('tails', OPTIONS), ['off', 'hung']);
  expect(paced.targets.map(({ key }) => key)).toEqual(['off@1000', 'hung@1000']);
  expect(paced.cpuBases.map(({ key }) => key)).toEqual(['off@1000']);
});

test('a name that is no target of the suite is refused', () => {
  expect(() => narrowed(createSuite('tails', OPTIONS), ['envoy'])).toThrow('--only envoy');
});

test('keys and titles are unique in each suite', () => {
  for (const name of Object.keys(SUITES)) {
    const suite = parseOptions(['--suite', name])?.suite ?? 'first';
    if (suite === 'stalls' || suite === 'sick') continue;
    const { targets } = createSuite(suite, OPTIONS);
    expect(new Set(targets.map(({ key }) => key)).size).toBe(targets.length);
    expect(new Set(targets.map(({ title }) => title)).size).toBe(targets.length);
  }
});

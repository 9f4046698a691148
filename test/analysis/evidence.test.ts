import { expect, test } from 'vitest';
import type { Assessment } from '../../src/analysis/assess.ts';
import { evidenceSentence } from '../../src/analysis/evidence.ts';
import { planOf } from './pairs.ts';

const LIMIT = 0.08;

function told(state: Assessment['state'], upper: number): string {
  const about = { kind: 'label_flips', segment: '', margin: LIMIT } as const;
  const flips: Assessment = { ...about, n: 297, mean: 0.027, logPass: 0, logFail: 0, state };
  return evidenceSentence(flips, { upper, band: [0, upper], missingPairs: 0 }, planOf());
}

test('a bound is told where it says what the test says', () => {
  expect(told('pass', 0.05)).toBe('flips ≤ 5 % with 95 % confidence after 297 pairs, limit 8 %');
  expect(told('open', 0.132)).toMatch(/^flips ≤ 13\.2 % with /);
});

test('a guardrail that is shown to hold never stands beside a bound over its limit', () => {
  const within = 'flips 2.7 % after 297 pairs: within its limit with 95 % confidence, limit 8 %';
  expect(told('pass', 0.132)).toBe(within);
  expect(told('pass', Number.POSITIVE_INFINITY)).toBe(within);
});

test('nor one that is not shown yet beside a bound below it', () => {
  expect(told('open', 0.05)).toBe('flips 2.7 % so far; 297 pairs do not quite show it, limit 8 %');
});

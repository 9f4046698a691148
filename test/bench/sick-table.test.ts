import { expect, it } from 'vitest';
import { renderSick, type SickResult } from '../../bench/sick-table.ts';

const slice = (p50Ms: number, p99Ms: number, errors = 0) => ({ p50Ms, p99Ms, errors });

const RESULT: SickResult = {
  number: 'M-04',
  title: 'never answers',
  rounds: [
    { off: slice(0.5, 2), on: slice(0.7, 3) },
    { off: slice(0.6, 4), on: slice(0.6, 4, 1) },
    { off: slice(0.7, 3), on: slice(1.1, 8) },
  ],
  gatewayMiB: 105.4,
  mirrorMiB: 160.6,
  coverage: 0.984,
  exchanges: { offered: 3000 },
  copies: { candidate_timeout: 2952, 'shed(in_flight)': 48 },
  unsettled: '',
};

it('shows medians of both sides, the mean of the differences inside rounds, and what failed', () => {
  const [head = '', line, states] = renderSick([RESULT]).split('\n');
  expect(head.length).toBeLessThanOrEqual(108);
  expect(line?.replace(/ +/g, ' ')).toBe(
    'M-04 never answers 0.60 0.70 0.20 3.00 4.00 2.00 1 105 161 98 %',
  );
  expect(line?.length).toBe(head.length);
  expect(states).toBe(
    '     exchanges: offered 3000; copies: candidate_timeout 2952, shed(in_flight) 48; books balance',
  );
});

it('says what was not measured, and what did not come to rest', () => {
  const missing = renderSick([{ ...RESULT, rounds: [] }]);
  expect(missing.split('\n')[1]).toBe(
    'M-04 never answers                 not measured: out of time',
  );
  expect(renderSick([{ ...RESULT, unsettled: 'legs in flight: 2' }])).toContain(
    'NOT AT REST: legs in flight: 2',
  );
});

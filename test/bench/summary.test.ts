import { expect, test } from 'vitest';
import { type Round, spreadOf, summarise } from '../../bench/summary.ts';
import { renderTables } from '../../bench/table.ts';
import { measurement } from './measurement.ts';

const BASES = { rate: ['direct'], cpu: ['direct'] };
const LABELS = { rate: ['×direct'], cpu: ['×direct'] };

function round(direct: number, own: number): Round {
  const measurements = { direct: measurement(direct), full: measurement(own) };
  return { connections: 32, measurements };
}

test('the middle of an even number of values lies between the two', () => {
  expect(spreadOf([4, 1, null, 3, Number.NaN, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(spreadOf([null])).toBeNull();
});

test('ratios are taken inside a round, so a machine that is slow in one round does not bend them', () => {
  const row = summarise([round(100, 50), round(10, 5), round(1_000, 500)], 'full', BASES);
  expect(row.rateRatios[0]).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
});

test('a measurement that others disturbed is left out, unless all were', () => {
  const noisy = { direct: measurement(100), full: measurement(7, { foreign: 0.2 }) };
  const rounds = [round(100, 50), { connections: 32, measurements: noisy }];
  const row = summarise(rounds, 'full', BASES);
  expect([row.used, row.made, row.usedNoisy]).toEqual([1, 2, false]);
  expect(row.requestsPerSecond.median).toBe(50);
  expect(row.rateRatios[0]?.median).toBe(0.5);
  expect(summarise(rounds.slice(1), 'full', BASES).usedNoisy).toBe(true);
});

test('losses, errors and unrest of all rounds are kept', () => {
  const bad = { losses: { 'shed(in_flight)': 2 }, errors: 3, unsettled: 'legs in flight: 1' };
  const rounds = [1, 2].map(() => ({
    connections: 32,
    measurements: { full: measurement(1, bad) },
  }));
  const row = summarise(rounds, 'full', BASES);
  expect(row.losses).toEqual({ 'shed(in_flight)': 4 });
  expect(row.errors).toBe(6);
  const table = renderTables(32, [{ title: 'Understudy, 100 %', row }], LABELS);
  expect(table).toContain('6 ERRORS SEEN BY CALLERS');
  expect(table).toContain('NOT SETTLED: legs in flight: 1');
});

test('no line of a table is wider than 100 columns', () => {
  const row = summarise([round(123_456, 65_432)], 'full', BASES);
  for (const line of renderTables(128, [{ title: 'Understudy, 100 %, 1000/s', row }], LABELS).split(
    '\n',
  )) {
    expect(line.length).toBeLessThanOrEqual(100);
  }
});

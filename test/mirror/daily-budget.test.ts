import { describe, expect, it } from 'vitest';
import { DailyBudget } from '../../src/mirror/daily-budget.ts';
import type { LegCell, LegState } from '../../src/pair/leg-states.ts';

const NOON = Date.UTC(2026, 10, 23, 12);
const HOUR = 3_600_000;

function cell(atMs: number, state: LegState, count: number): LegCell {
  const hour = Math.floor(atMs / HOUR);
  return {
    epoch: 'e',
    candidate: 'c',
    route: 'r',
    hour,
    sizeClass: '1KiB',
    state,
    reason: '',
    count,
  };
}

describe('DailyBudget', () => {
  it('ends at its number of copies, and begins anew at midnight UTC', () => {
    const budget = new DailyBudget(2, NOON);
    budget.take(NOON);
    expect(budget.has(NOON)).toBe(true);
    budget.take(NOON);
    expect(budget.has(NOON + 12 * HOUR - 1)).toBe(false);
    expect(budget.has(NOON + 12 * HOUR)).toBe(true);
    expect(budget.used(NOON + 12 * HOUR)).toBe(0);
  });

  it('counts what earlier mirrors sent, or may have sent, today', () => {
    const budget = new DailyBudget(100, NOON);
    budget.take(NOON);
    const cells = [
      cell(NOON, 'paired', 10),
      cell(NOON - HOUR, 'candidate_error', 5),
      cell(NOON - 2 * HOUR, 'candidate_timeout', 4),
      cell(NOON, 'lost_in_crash', 3),
      cell(NOON, 'journal_dropped', 2),
      cell(NOON, 'shed', 1_000),
      cell(NOON, 'breaker_open', 1_000),
      cell(NOON - 13 * HOUR, 'paired', 1_000),
    ];
    budget.restore(cells, NOON);
    expect(budget.used(NOON)).toBe(25);
  });

  it('counts what is kept back beside what is sent, and never takes its place', () => {
    const budget = new DailyBudget(3, NOON);
    budget.take(NOON);
    expect([budget.keepBack(NOON), budget.keepBack(NOON), budget.keepBack(NOON)]).toEqual([
      true,
      true,
      false,
    ]);
    budget.take(NOON);
    expect(budget.has(NOON)).toBe(true);
    expect(budget.keepBack(NOON + 12 * HOUR)).toBe(true);
    expect(new DailyBudget(0, NOON).keepBack(NOON)).toBe(true);
  });

  it('gives no second day when the clock goes back', () => {
    const budget = new DailyBudget(1, NOON);
    budget.take(NOON);
    expect(budget.has(NOON - 24 * HOUR)).toBe(false);
  });

  it('counts without a budget, too', () => {
    const budget = new DailyBudget(0, NOON);
    budget.take(NOON);
    expect(budget.has(NOON)).toBe(true);
    expect(budget.used(NOON)).toBe(1);
  });
});

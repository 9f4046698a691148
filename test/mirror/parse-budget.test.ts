import { describe, expect, it } from 'vitest';
import { ParseBudget } from '../../src/mirror/parse-budget.ts';

describe('ParseBudget', () => {
  it('charges twenty bytes for each, and holds no more than its cap', () => {
    const budget = new ParseBudget(1_000);
    expect(budget.take(30)).toBe(600);
    expect(budget.take(21)).toBe(-1);
    expect(budget.take(20)).toBe(400);
    expect(budget.held).toBe(1_000);
    budget.giveBack(600);
    budget.giveBack(400);
    expect(budget.held).toBe(0);
  });

  it('allows one body a quarter of it', () => {
    const budget = new ParseBudget(8_000);
    expect(budget.allows(100)).toBe(true);
    expect(budget.allows(101)).toBe(false);
  });
});

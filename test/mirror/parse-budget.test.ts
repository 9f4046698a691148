import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { ParseBudget } from '../../src/mirror/parse-budget.ts';

const FACTOR = LIMITS.parseFactor;

describe('ParseBudget', () => {
  it('charges the factor for each byte, and holds no more than its cap', () => {
    const budget = new ParseBudget(100 * FACTOR);
    expect(budget.take(60)).toBe(60 * FACTOR);
    expect(budget.take(41)).toBe(-1);
    expect(budget.take(40)).toBe(40 * FACTOR);
    expect(budget.held).toBe(100 * FACTOR);
    budget.giveBack(60 * FACTOR);
    budget.giveBack(40 * FACTOR);
    expect(budget.held).toBe(0);
  });

  it('allows one body a quarter of it', () => {
    const budget = new ParseBudget(400 * FACTOR);
    expect(budget.allows(100)).toBe(true);
    expect(budget.allows(101)).toBe(false);
  });

  it('counts no less than parsing can take: nested arrays of one element', () => {
    const unit = `${'['.repeat(8)}${']'.repeat(8)},`;
    const text = `[${unit.repeat(20_000)}0]`;
    const before = process.memoryUsage().heapUsed;
    const tree: unknown[] = JSON.parse(text);
    const used = process.memoryUsage().heapUsed - before;
    expect(tree).toHaveLength(20_001);
    // Garbage of the parse is in it, too, where no collection came in between.
    expect(used / text.length).toBeLessThan(FACTOR + 8);
  });
});

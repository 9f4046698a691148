import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Names } from '../../src/analysis/cut-state.ts';

/** What it is to be: the 16 smallest names, and how often there were others. */
function expected(names: readonly string[]): { entries: [string, number][]; others: number } {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const all = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return { entries: all.slice(0, 16), others: all.slice(16).reduce((sum, [, n]) => sum + n, 0) };
}

it('keeps the 16 smallest names with all of their counts, in any order', () => {
  const some = fc.array(
    fc.integer({ min: 0, max: 40 }).map((n) => `n${n}`),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(some, (all) => {
      const names = new Names();
      for (const name of all) names.add(name);
      const halves = [new Names(), new Names()];
      for (const [i, name] of all.entries()) halves[i % 2]?.add(name);
      halves[0]?.merge(halves[1] ?? new Names());
      for (const each of [names, halves[0]]) {
        expect({ entries: each?.entries(), others: each?.others }).toEqual(expected(all));
      }
    }),
    { seed: 20261126 },
  );
});

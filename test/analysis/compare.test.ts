import { describe, expect, it } from 'vitest';
import { Comparison } from '../../src/analysis/compare.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { type PairOptions, pairOf, planOf } from './pairs.ts';

/** Each exchange's pair with `next` and with `other`. */
function couple(
  seq: number,
  next: Partial<PairOptions>,
  other: Partial<PairOptions>,
): readonly [Pair, Pair] {
  const second = pairOf({ seq, ...other });
  return [
    pairOf({ seq, ...next }),
    { ...second, candidate: { ...second.candidate, name: 'other' } },
  ];
}

const FLIP: Partial<PairOptions> = { candidate: { score: 0.2, label: 'bad' } };

function flipsOf(comparison: Comparison) {
  return comparison.result().losses.find(({ guardrail }) => guardrail === 'label_flips');
}

describe('two candidates on identical exchanges', () => {
  it('shows which of them flips less, in either order of names and pairs', () => {
    for (const names of [
      ['next', 'other'],
      ['other', 'next'],
    ] as const) {
      const comparison = new Comparison(planOf(), names);
      for (let seq = 0; seq < 6_000; seq++) {
        const pairs = couple(seq, seq % 20 === 0 ? FLIP : {}, seq % 200 === 0 ? FLIP : {});
        for (const pair of seq % 2 === 0 ? pairs : pairs.toReversed()) comparison.add(pair);
      }
      const flips = flipsOf(comparison);
      expect(flips?.mean).toBeCloseTo(names[0] === 'next' ? 0.045 : -0.045, 12);
      expect(flips?.better).toBe(names[0] === 'next' ? 'second' : 'first');
    }
  });

  it('shows no difference where both flip as often', () => {
    const comparison = new Comparison(planOf(), ['next', 'other']);
    for (let seq = 0; seq < 6_000; seq++) {
      for (const pair of couple(seq, seq % 20 === 0 ? FLIP : {}, seq % 20 === 1 ? FLIP : {})) {
        comparison.add(pair);
      }
    }
    const flips = flipsOf(comparison);
    expect(flips).toMatchObject({ mean: 0, better: 'neither', n: 6_000 });
    expect(flips?.band[0]).toBeLessThan(0);
    expect(flips?.band[1]).toBeGreaterThan(0);
  });

  it('counts an exchange once, and leaves out those of one alone, of before and of the warm-up', () => {
    const comparison = new Comparison(planOf(), ['next', 'other']);
    const pairs = couple(1, FLIP, {});
    for (const pair of [...pairs, ...pairs]) comparison.add(pair);
    comparison.add(pairOf({ seq: 2 }));
    for (const pair of couple(3, { atMs: -5 }, { atMs: -5 })) comparison.add(pair);
    for (const pair of couple(4, { flags: ['warm_up'] }, {})) comparison.add(pair);
    const { exchanges, unmatched } = comparison.result();
    expect(exchanges).toBe(1);
    expect(flipsOf(comparison)).toMatchObject({ n: 1, mean: 1, better: 'neither' });
    expect(unmatched).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import type { OutcomeRow } from '../../../src/analysis/quality/outcome-row.ts';
import { boundLosses, qualityLoss } from '../../../src/analysis/quality/quality-losses.ts';
import { QUALITY_KINDS, type QualityKind } from '../../../src/analysis/quality/quality-plan.ts';
import { QualityTally } from '../../../src/analysis/quality/quality-tally.ts';

const ROW: OutcomeRow = {
  ...{ id: 'e.1/next', key: 'a', exchange: 'e.1', timeMs: 0 },
  ...{ incumbentScore: 0.8, candidateScore: 0.4, incumbentFlagged: true, candidateFlagged: false },
  ...{ candidateFailed: false, calibrates: false },
};
const OF = { threshold: 0.3, fewerFalsePositives: 0.1 };

function losses(row: OutcomeRow, positive: boolean, of = OF): Record<string, number> {
  const entries = QUALITY_KINDS.map((kind) => [kind, qualityLoss(kind, row, { ...of, positive })]);
  return Object.fromEntries(entries);
}

describe('losses of quality', () => {
  it('say what each side did to a positive', () => {
    expect(losses(ROW, true)).toMatchObject({
      ...{ recall: 1, false_positive_rate: Number.NaN, recall_at_threshold: 0 },
      ...{ brier: expect.closeTo(0.36 - 0.04, 12), false_positives_at_recall: Number.NaN },
    });
  });

  it('and to a negative', () => {
    expect(losses(ROW, false)).toMatchObject({
      ...{ recall: Number.NaN, false_positive_rate: -1, recall_at_threshold: Number.NaN },
      ...{
        brier: expect.closeTo(0.16 - 0.64, 12),
        false_positives_at_recall: expect.closeTo(0.1, 12),
      },
    });
  });

  it('take 1 for a candidate without an answer', () => {
    const failed = { ...ROW, candidateFailed: true, candidateScore: Number.NaN };
    const both = [losses(failed, true), losses(failed, false)].flatMap((each) =>
      Object.values(each),
    );
    expect(both.filter((loss) => !Number.isNaN(loss))).toEqual(Array(8).fill(1));
  });

  it('are not of pairs that have chosen the threshold, where it is judged', () => {
    const chosen = { ...ROW, calibrates: true };
    for (const positive of [true, false]) {
      const { recall_at_threshold, false_positives_at_recall } = losses(chosen, positive);
      expect([recall_at_threshold, false_positives_at_recall]).toEqual([Number.NaN, Number.NaN]);
    }
    const tally = new QualityTally(0);
    tally.add(chosen, false, { ...OF, guardrails: [] });
    expect([tally.negatives, tally.negativesAt]).toEqual([
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
  });

  it.each<[QualityKind, number, { worst: number; best: number }]>([
    // Caught by the incumbent alone: as a positive it speaks against the candidate, else not at all.
    ['recall', 0.02, { worst: 1, best: Number.NaN }],
    // Flagged by the incumbent alone: as a negative it speaks for the candidate, else not at all.
    ['false_positive_rate', 0.01, { worst: Number.NaN, best: -1 }],
    ['brier', 0.005, { worst: 0.32, best: -0.48 }],
  ])('without an outcome lie between bounds: %s', (kind, margin, expected) => {
    const near = (value: number) => (Number.isNaN(value) ? Number.NaN : expect.closeTo(value, 12));
    const { worst, best } = boundLosses({ kind, margin }, ROW, OF);
    expect({ worst, best }).toEqual({ worst: near(expected.worst), best: near(expected.best) });
  });
});

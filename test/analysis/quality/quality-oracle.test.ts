/** Measures of quality against scikit-learn: test/oracles/quality.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Analysis } from '../../../src/analysis/analysis.ts';
import type { JoinedOutcome } from '../../../src/analysis/labels/label-store.ts';
import { QualityBook } from '../../../src/analysis/quality/quality-book.ts';
import { qualityReport } from '../../../src/analysis/quality/quality-measures.ts';
import type { QualityPlan } from '../../../src/analysis/quality/quality-plan.ts';
import { planOf, START_MS } from '../pairs.ts';

interface Side {
  readonly scores: readonly number[];
  readonly labels: readonly boolean[];
  readonly measures: Readonly<Record<string, number>>;
}
interface OracleCase {
  readonly y: readonly boolean[];
  readonly incumbent: Side;
  readonly candidate: Side;
  readonly thresholdAtRecall: number;
}
const CASES = JSON.parse(readFileSync('test/oracles/quality.json', 'utf8')) as OracleCase[];

function planFor(positives: number): QualityPlan {
  return {
    ...{ positive: 'bad', negative: 'good', maturityMs: 1_000, minCoverage: 0.95 },
    ...{ fewerFalsePositives: 0.1, calibrationShare: 1, calibrationPositives: positives },
    guardrails: [],
  };
}

/** @param calibrates - whether all pairs choose the threshold, or none */
function bookOf({ y, incumbent, candidate }: OracleCase, calibrates: boolean): QualityBook {
  const rows = y.map((positive, i): JoinedOutcome => {
    const sides = {
      incumbentScore: incumbent.scores[i] ?? 0,
      candidateScore: candidate.scores[i] ?? 0,
      incumbentFlagged: incumbent.labels[i] ?? false,
      candidateFlagged: candidate.labels[i] ?? false,
    };
    const names = { id: `e.${i}/next`, key: `k${i}`, exchange: `e.${i}` };
    const row = { ...names, ...sides, timeMs: START_MS + i, candidateFailed: false, calibrates };
    return { row, label: positive ? 'bad' : 'good' };
  });
  const quality = planFor(calibrates ? y.filter(Boolean).length : 1_000_000);
  const source = {
    all: () => rows,
    calibrating: (label: string, limit: number) =>
      rows
        .filter((each) => each.label === label && each.row.calibrates)
        .map(({ row }) => row)
        .slice(0, limit),
    leftOut: 0,
  };
  const book = QualityBook.of({ quality, cutMs: 10_000 }, source, { withSample: true });
  if (book === null) throw new Error('no book');
  return book;
}

describe('measures of quality', () => {
  it.each(CASES.map((each, i) => [i, each] as const))(
    'agree with scikit-learn: %i',
    (_, oracle) => {
      const book = bookOf(oracle, false);
      const analysis = new Analysis(planOf({ quality: book.plan }));
      analysis.quality = book;
      const report = qualityReport(analysis, START_MS + 1_000_000);
      expect(report?.measures).toHaveLength(7);
      for (const { name, incumbent, candidate, interval } of report?.measures ?? []) {
        // Scores and losses are rounded to 2^-40 each.
        expect(incumbent, name).toBeCloseTo(oracle.incumbent.measures[name] ?? Number.NaN, 10);
        expect(candidate, name).toBeCloseTo(oracle.candidate.measures[name] ?? Number.NaN, 10);
        const difference = (candidate ?? 0) - (incumbent ?? 0);
        expect(interval?.[0], name).toBeLessThanOrEqual(difference);
        expect(interval?.[1], name).toBeGreaterThanOrEqual(difference);
      }
    },
  );

  it.each(CASES.map((each, i) => [i, each] as const))(
    'choose the threshold as its ROC: %i',
    (_, oracle) => {
      const { calibration } = bookOf(oracle, true);
      expect(calibration.threshold).toBe(oracle.thresholdAtRecall);
    },
  );
});

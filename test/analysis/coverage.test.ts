import { describe, expect, it } from 'vitest';
import { closeCut, coverageAt } from '../../src/analysis/coverage.ts';
import { type CoverageCell, CoverageCells } from '../../src/analysis/coverage-cells.ts';
import { isSettled } from '../../src/analysis/settled.ts';
import type { LegCell, LegState } from '../../src/pair/leg-states.ts';
import type { CommittedBooks, EpochLedger } from '../../src/record/recorder-port.ts';
import { planOf } from './pairs.ts';

function leg(state: LegState, count: number, change: Partial<LegCell> = {}): LegCell {
  const of = { epoch: 'e1', candidate: 'next', route: 'score', hour: 100, sizeClass: 'le_1k' };
  return { ...of, state, reason: '', count, ...change };
}

function epoch(change: Partial<EpochLedger> = {}): EpochLedger {
  return {
    ...{ epoch: 'e1', instance: 'a/gw0', offered: 0, cells: [], foldedBefore: 0, configured: null },
    ...{ receivedAtMs: 1_000, state: 'live', unreportedMs: null },
    ...change,
  };
}

function shed(count: number, hour = 100): EpochLedger['cells'] {
  const cell = { route: 'score', hour, sizeClass: 'le_1k', reason: 'wire_full' } as const;
  return [
    { ...cell, state: 'shed', count },
    { ...cell, state: 'offered', reason: '', count: 1_000 },
  ];
}

function take(cells: CoverageCells, books: Partial<CommittedBooks>): CoverageCell[] {
  cells.take({ legs: [], epochs: [], ...books }, 'next', ['score']);
  return cells.cells();
}

describe('coverage cells', () => {
  it('count each state as docs/accounting.md says, and what gateways shed as lost', () => {
    const legs = [
      leg('paired', 90),
      leg('candidate_error', 3),
      leg('candidate_timeout', 2),
      leg('shed', 4),
      leg('breaker_open', 5),
      leg('lost_in_crash', 1),
      leg('not_selected', 1_000),
      leg('paused', 1_000),
      leg('paired', 7, { candidate: 'other' }),
    ];
    expect(take(new CoverageCells(), { legs, epochs: [epoch({ cells: shed(6) })] })).toEqual([
      {
        ...{ epoch: 'e1', route: 'score', hour: 100, sizeClass: 'le_1k' },
        ...{ observed: 95, lost: 16, breakerOpen: 5 },
      },
    ]);
  });

  it('leave out what was shed in epochs that ended before the candidate was there', () => {
    const ended = epoch({ state: 'clean', cells: shed(6), configured: ['other|score'] });
    expect(take(new CoverageCells(), { epochs: [ended] })).toEqual([]);
    const ours = { ...ended, configured: ['next|score'] };
    expect(take(new CoverageCells(), { epochs: [ours] })).toMatchObject([{ lost: 6 }]);
  });

  it('keep hours apart that the journal has folded since', () => {
    const cells = new CoverageCells();
    take(cells, { legs: [leg('paired', 50), leg('paired', 8, { hour: 101 })], epochs: [epoch()] });
    const folded = epoch({ foldedBefore: 101 });
    // Five more were counted in hour 100 before it was folded.
    const legs = [leg('paired', 55, { hour: 0 }), leg('paired', 9, { hour: 101 })];
    take(cells, { legs, epochs: [folded] });
    expect(take(cells, { legs, epochs: [folded] })).toMatchObject([
      { hour: 100, observed: 50 },
      { hour: 101, observed: 9 },
      { hour: 0, observed: 5 },
    ]);
  });

  it('never go back when a journal is set aside, and tell what has changed', () => {
    const cells = new CoverageCells();
    take(cells, { legs: [leg('paired', 50)] });
    cells.settle();
    expect(take(cells, { legs: [leg('paired', 3)] })).toMatchObject([{ observed: 50 }]);
    expect(cells.changed()).toEqual([]);
    take(cells, { legs: [leg('paired', 51)] });
    expect(cells.changed()).toMatchObject([{ observed: 51 }]);
  });
});

describe('coverage at a cut', () => {
  it('never counts fewer than no copies, though a gateway was an hour ahead at the start', () => {
    const startMs = Date.UTC(2026, 10, 1, 0, 59);
    const hour = startMs / 3_600_000;
    const cell = (at: number, count: number): CoverageCell => ({
      ...{ epoch: 'e', route: 'score', sizeClass: '', hour: Math.floor(at) },
      ...{ observed: 10, lost: count, breakerOpen: count },
    });
    const attempt = {
      plan: planOf({ startedAt: new Date(startMs).toISOString() }),
      baseline: [cell(hour + 1, 5)],
    };
    const none = { missed: 0, segmentPairs: [], windowBefore: undefined, keptBackBefore: null };
    const facts = { ...none, cutMs: startMs + 10_000 };
    // The cut lies in the hour before that of the baseline.
    const coverage = closeCut(attempt as never, { ...facts, cells: [cell(hour + 1, 5)] });
    expect(coverage).toMatchObject({ breakerOpen: 0, breakerOpenLately: 0 });
    expect(coverage.parts[0]).toEqual({ part: '', observed: 0, lost: 0 });
    // Nor does a cut that was closed so before.
    const stored = { ...coverage, breakerOpen: -5 };
    expect(coverageAt(new Map([[1, stored]]))(1).breakerOpen).toBe(0);
  });

  it('has the hours of the cuts before it', () => {
    const part = (name: string, observed: number) => ({ part: name, observed, lost: 0 });
    const none = { breakerOpen: 0, breakerOpenLately: 0 };
    const at = coverageAt(
      new Map([
        [1, { ...none, parts: [part('', 5), part('hour A', 5)] }],
        [2, { ...none, parts: [part('', 9), part('hour B', 4)] }],
      ]),
    );
    expect(at(2).parts.map(({ part }) => part)).toEqual(['', 'hour A', 'hour B']);
    expect(at(1).parts.map(({ part }) => part)).toEqual(['', 'hour A']);
    // Not closed: nobody has told.
    expect(at(3).parts).toEqual([]);
  });
});

describe('a cut', () => {
  const config = { analysis: { settleMs: 600_000 }, mirror: { maxQueueAgeMs: 5_000 } };
  const settled = (nowMs: number, epochs: readonly EpochLedger[]): boolean =>
    isSettled({
      ...{ cutMs: 100_000, nowMs, books: { legs: [], epochs } },
      config: config as Parameters<typeof isSettled>[0]['config'],
      candidate: { timeoutMs: 2_000 },
    });

  it('is closed when copies of before it have ended and all gateways have reported after it', () => {
    const reported = epoch({ receivedAtMs: 100_001 });
    expect(settled(107_999, [reported])).toBe(false);
    expect(settled(108_000, [reported])).toBe(true);
    expect(settled(108_000, [reported, epoch({ receivedAtMs: 99_999 })])).toBe(false);
    expect(settled(108_000, [reported, epoch({ receivedAtMs: 5, state: 'clean' })])).toBe(true);
    expect(settled(108_000, [epoch({ receivedAtMs: 99_000, state: 'unclean' })])).toBe(false);
  });

  it('is closed after so long all the same', () => {
    expect(settled(699_999, [epoch()])).toBe(false);
    expect(settled(700_000, [epoch()])).toBe(true);
  });
});

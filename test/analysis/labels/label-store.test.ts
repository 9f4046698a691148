/** Which outcome counts where a pair has one by its join value and one by its exchange. */
import { expect, it, onTestFinished } from 'vitest';
import type { LabelEntry } from '../../../src/analysis/labels/label-entry.ts';
import { AnalysisStore } from '../../../src/analysis/store.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const EXCHANGE = 'e1.1';
const T = 1_000;

/** The pair's outcome, as all that is judged and as the choice of a threshold see it. */
function labelAfter(imports: readonly (readonly LabelEntry[])[], key = 'loan-1'): string | null {
  const store = AnalysisStore.open(tempFolder());
  onTestFinished(() => store.end());
  const row = {
    ...{ id: `${EXCHANGE}/next`, key, exchange: EXCHANGE, timeMs: T },
    ...{ incumbentScore: 0.5, candidateScore: 0.5, incumbentFlagged: false },
    ...{ candidateFlagged: false, candidateFailed: false, calibrates: true },
  };
  store.labels.put(1, [row]);
  for (const [i, entries] of imports.entries()) store.takeLabels(entries, 10 * T + i);
  const label = [...store.labels.all(1)][0]?.label ?? null;
  for (const each of ['bad', 'good']) {
    expect(store.labels.calibrating(1, each, 9)).toHaveLength(each === label ? 1 : 0);
  }
  return label;
}

const byJoin = (label: string, atMs: number | null = null) => ({ key: 'loan-1', label, atMs });
const byExchange = (label: string, atMs: number | null = null) => ({ key: EXCHANGE, label, atMs });

it('takes the one that is there', () => {
  expect(labelAfter([])).toBe(null);
  expect(labelAfter([[byJoin('bad')]])).toBe('bad');
  expect(labelAfter([[byExchange('bad')]])).toBe('bad');
  expect(labelAfter([[byExchange('bad')]], EXCHANGE)).toBe('bad');
});

it('takes the one that became known last, by whichever it came, in either order of imports', () => {
  for (const [join, exchange, expected] of [
    [byJoin('bad', T), byExchange('good', T + 1), 'good'],
    [byJoin('bad', T + 1), byExchange('good', T), 'bad'],
    [byJoin('bad', T), byExchange('good', T), 'good'],
    [byJoin('good', T), byExchange('bad', T), 'good'],
  ] as const) {
    expect(labelAfter([[join], [exchange]])).toBe(expected);
    expect(labelAfter([[exchange], [join]])).toBe(expected);
    expect(labelAfter([[exchange, join]])).toBe(expected);
  }
});

it('takes the one that was told last where no time is told, within an import too', () => {
  expect(labelAfter([[byJoin('bad')], [byExchange('good')]])).toBe('good');
  expect(labelAfter([[byExchange('good')], [byJoin('bad')]])).toBe('bad');
  expect(labelAfter([[byJoin('bad'), byExchange('good')]])).toBe('good');
  expect(labelAfter([[byExchange('good'), byJoin('bad')]])).toBe('bad');
});

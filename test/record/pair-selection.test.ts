/** A selection is read in pages of bounded size, and none is left out between them. */
import { expect, onTestFinished, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import { entryOf } from './entries.ts';
import { temporaryFolder } from './temporary.ts';

test('pages end at their bytes, and the next one goes on behind them', () => {
  const folder = temporaryFolder();
  const options = { maxBytes: 2 ** 28, retentionMs: 1e12, maxAgeMs: 0, outbox: false } as const;
  const journal = new Journal(journalPath(folder), { ...options, whenFull: 'drop_newest' });
  onTestFinished(() => journal.close());
  const count = 30;
  const entries = Array.from({ length: count }, (_, i) =>
    entryOf(i + 1, { json: JSON.stringify({ i, pad: 'x'.repeat(500_000) }) }),
  );
  journal.commit({ session: 's', number: 1, entries, counts: [], ledgers: [] }, [], Date.now());
  const reader = JournalReader.open(folder);
  onTestFinished(() => reader.close());
  const pages = [...selectPairs(reader, {})];
  expect(pages.length).toBeGreaterThan(2);
  for (const page of pages) {
    const bytes = page.reduce((sum, { json }) => sum + json.length, 0);
    expect(bytes).toBeLessThan(LIMITS.journalPageBytes + 600_000);
  }
  expect(pages.flat().map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
});

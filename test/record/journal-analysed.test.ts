import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { JournalSource } from '../../src/analysis/journal-source.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { journalPath } from '../../src/record/journal/journal-file.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { readWatermark, writeWatermark } from '../../src/record/journal/watermark-file.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { entryOf } from './entries.ts';

const DAY_MS = 86_400_000;

function openJournal(maxBytes = 2 ** 26) {
  const folder = join(tempFolder(), 'data');
  mkdirSync(folder);
  const options = {
    maxBytes,
    retentionMs: 1_000,
    maxAgeMs: 0,
    whenFull: 'drop_newest' as const,
    outbox: false,
    analysisDir: folder,
  };
  const journal = new Journal(journalPath(folder), options);
  const reader = JournalReader.open(folder);
  onTestFinished(() => {
    reader.close();
    journal.close();
  });
  let seq = 0;
  let now = Date.now();
  /** Writes so many pairs, a day after the last ones. */
  const write = (count: number, bytes = 100): number => {
    now += DAY_MS;
    const json = JSON.stringify('x'.repeat(bytes));
    const entries = Array.from({ length: count }, () => entryOf(++seq, { timeMs: now, json }));
    const batch = { session: 's', number: seq, entries, counts: [], ledgers: [] };
    return count - journal.commit(batch, [], now).length;
  };
  return { folder, journal, reader, write };
}

describe('a journal whose pairs are analysed', () => {
  it('keeps pairs past retention until the analysis has read them', () => {
    const { folder, journal, reader, write } = openJournal();
    write(10);
    write(10);
    expect(reader.pairsAfter(0, 100)).toHaveLength(20);
    writeWatermark(folder, { generation: journal.generation, seq: 7 });
    write(1);
    expect(reader.pairsAfter(0, 1)[0]?.seq).toBe(8);
    // The watermark of another journal says nothing of this one.
    writeWatermark(folder, { generation: 'another', seq: 15 });
    write(1);
    expect(reader.pairsAfter(0, 1)[0]?.seq).toBe(8);
    expect(journal.evicted.unanalysed).toBe(0);
    expect(readWatermark(folder)).toEqual({ generation: 'another', seq: 15 });
  });

  it('lets go of them when it is full, counts that, and the analysis notices what it missed', () => {
    const { folder, journal, reader, write } = openJournal(2 ** 21);
    write(100, 4_000);
    const source = new JournalSource(reader, '');
    expect(source.next().pairs).toHaveLength(100);
    writeWatermark(folder, source.watermark);
    let written = 100;
    for (let i = 0; i < 12; i++) written += write(100, 4_000);
    const evicted = journal.evicted.unanalysed;
    expect(evicted).toBeGreaterThan(0);
    const again = new JournalSource(reader, source.position);
    const { pairs } = again.next();
    expect(again.missed).toBe(evicted);
    expect(pairs.length + evicted + 100).toBe(written);
    expect(again.lag()).toBe(0);
  });
});

/** The data folder is moved away from under the recorder, and comes back with what was written to it. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Journal } from '../../src/record/journal/journal.ts';
import { JournalKeeper } from '../../src/record/journal/journal-keeper.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { until } from '../support/until.ts';
import { entryOf, legOf } from './entries.ts';
import { type OpenedRecorder, recorderIn, temporaryFolder } from './temporary.ts';

let seq = 0;

function record({ recorder }: OpenedRecorder): string {
  seq += 1;
  const entry = entryOf(seq);
  recorder.record(entry);
  return entry.id;
}

async function outcomeOf(own: OpenedRecorder, id: string): Promise<string> {
  await until(`${id} is settled`, () => own.outcomes.byId.has(id));
  return own.outcomes.byId.get(id) ?? '';
}

/** A recorder whose folder goes away; `back` brings it back. The first pair afterwards is `unknown`. */
async function moveAway(): Promise<{
  own: OpenedRecorder;
  dataDir: string;
  unknown: string;
  back: () => void;
}> {
  const base = temporaryFolder();
  const dataDir = join(base, 'data');
  const aside = join(base, 'aside');
  const own = await recorderIn(dataDir);
  expect(await outcomeOf(own, record(own))).toBe('paired');
  renameSync(dataDir, aside);
  writeFileSync(dataDir, 'a file where the folder was');
  const unknown = record(own);
  await until('failing', () => own.recorder.status().state === 'failing');
  const back = (): void => {
    rmSync(dataDir);
    renameSync(aside, dataDir);
  };
  return { own, dataDir, unknown, back };
}

test('what was written as it went away is settled when it is back: counted once', async () => {
  const { own, dataDir, unknown, back } = await moveAway();
  expect(await outcomeOf(own, record(own))).toBe('journal_dropped(disk)');
  expect(own.outcomes.byId.has(unknown)).toBe(false);
  back();
  expect(await outcomeOf(own, unknown)).toBe('paired');
  await until('recording', () => own.recorder.status().state === 'recording');
  expect(await outcomeOf(own, record(own))).toBe('paired');
  await own.recorder.close();
  const { recorder } = await recorderIn(dataDir);
  const found = new Map(recorder.committed.legs.map(({ state, count }) => [state, count]));
  expect(found.get('paired')).toBe(own.outcomes.count('paired'));
  expect(found.get('journal_dropped')).toBe(own.outcomes.count('journal_dropped(disk)'));
  expect(own.outcomes.repeated).toEqual([]);
});

test('a recorder that ends while it is away does not wait for it', async () => {
  const { own, unknown } = await moveAway();
  const startedMs = performance.now();
  await own.recorder.close();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(await outcomeOf(own, unknown)).toBe('journal_dropped(disk)');
});

test('a journal that is back at once has the batch, and is not given it twice', () => {
  const dataDir = temporaryFolder();
  const options = {
    dataDir,
    maxBytes: 2 ** 26,
    retentionMs: 3_600_000,
    maxAgeMs: 0,
    whenFull: 'drop_newest' as const,
    outbox: false,
    configured: [],
  };
  const keeper = new JournalKeeper(options, () => undefined);
  onTestFinished(() => keeper.close());
  const entry = entryOf(1_000);
  const counts = [{ ...legOf(), state: 'shed' as const, reason: 'in_flight', count: 3 }];
  // Away when it is looked at after the commit, and back when it is opened again.
  vi.spyOn(Journal.prototype, 'isInPlace').mockReturnValueOnce(false);
  const batch = { session: 's', number: 1, entries: [entry], counts, ledgers: [] };
  expect(keeper.commit(batch, [])).toEqual({ committed: true, dropped: [] });
  const reader = JournalReader.open(dataDir);
  const legs = reader.books().legs.map(({ state, count }) => [state, count]);
  reader.close();
  expect(new Map(legs as [string, number][])).toEqual(
    new Map([
      ['paired', 1],
      ['shed', 3],
    ]),
  );
});

test('another journal in its place has not what went away', async () => {
  const { own, dataDir, unknown } = await moveAway();
  rmSync(dataDir);
  expect(await outcomeOf(own, unknown)).toBe('journal_dropped(disk)');
  await until('recording', () => own.recorder.status().state === 'recording');
  expect(await outcomeOf(own, record(own))).toBe('paired');
});

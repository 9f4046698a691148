/** A backup and an erasure in the recorder's own thread, beside what it records. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { Journal } from '../../src/record/journal/journal.ts';
import { type ChoreRequest, JournalChores } from '../../src/record/journal/journal-chores.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { summariseJournal } from '../../src/record/journal/journal-summary.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import { until } from '../support/until.ts';
import { entryOf } from './entries.ts';
import { type OpenedRecorder, recorderIn, temporaryFolder } from './temporary.ts';

const KEY = 'hmac:00112233445566778899aabbccddeeff';

function recordsIn(path: string): string[] {
  const reader = JournalReader.openFile(path);
  const pages = [...selectPairs(reader, {})];
  reader.close();
  return pages.flat().map(({ json }) => json);
}

/** Records without end, other keys, until it is stopped. */
function feed({ recorder }: OpenedRecorder, last: number): { stop: () => void } {
  let seq = last;
  const timer = setInterval(() => {
    for (let i = 0; i < 10; i += 1) {
      seq += 1;
      recorder.record(entryOf(seq, { json: JSON.stringify({ seq, pad: 'x'.repeat(500) }) }));
    }
  }, 5);
  return { stop: () => clearInterval(timer) };
}

async function done({ recorder }: OpenedRecorder, request: ChoreRequest): Promise<number> {
  recorder.runChore(request);
  await until('done', () => {
    const { chore } = recorder.status();
    return chore?.id === request.id && chore.state !== 'running';
  });
  expect(recorder.status().chore).toMatchObject({ state: 'done', error: '', message: '' });
  return recorder.status().chore?.pairs ?? 0;
}

async function filled(dataDir: string): Promise<OpenedRecorder> {
  const opened = await recorderIn(dataDir);
  for (let seq = 1; seq <= 4_000; seq += 1) {
    const key = seq % 10 === 0 ? KEY : `k${seq}`;
    opened.recorder.record(
      entryOf(seq, { key, json: JSON.stringify({ seq, key, pad: 'x'.repeat(900) }) }),
    );
  }
  await until('recorded', () => opened.outcomes.byId.size === 4_000);
  return opened;
}

test('a backup is whole, has what was recorded before it, and keeps nobody from recording', async () => {
  const dataDir = temporaryFolder();
  const opened = await filled(dataDir);
  const { stop } = feed(opened, 10_000);
  const path = join(temporaryFolder(), 'backup.db');
  await done(opened, { kind: 'backup', id: 'a', path });
  stop();
  const summary = summariseJournal(path);
  expect(summary.addsUp).toBe(true);
  expect(summary.legs.reduce((sum, { legs }) => sum + legs, 0)).toBe(summary.pairs.recorded);
  const backed = recordsIn(path);
  expect(backed.length).toBeGreaterThanOrEqual(4_000);
  expect(recordsIn(join(dataDir, 'journal.db')).slice(0, backed.length)).toEqual(backed);
  await until('settled', () => opened.recorder.status().pendingBytes === 0);
  expect(opened.outcomes.count('paired')).toBe(opened.outcomes.byId.size);
});

test('an erasure ends, and what is recorded meanwhile stays', async () => {
  const dataDir = temporaryFolder();
  const opened = await filled(dataDir);
  const { stop } = feed(opened, 10_000);
  expect(await done(opened, { kind: 'erase', id: 'b', key: KEY })).toBe(400);
  stop();
  await until('settled', () => opened.recorder.status().pendingBytes === 0);
  const left = recordsIn(join(dataDir, 'journal.db'));
  expect(left).toHaveLength(opened.outcomes.count('paired') - 400);
  expect(left.some((json) => json.includes(KEY))).toBe(false);
});

test('others are told of erased pairs as they go, also where a reader keeps the WAL', {
  timeout: 30_000,
}, async () => {
  const folder = temporaryFolder();
  const options = { ...DEFAULTS.journal, outbox: true };
  const journal = new Journal(join(folder, 'journal.db'), options);
  onTestFinished(() => journal.close());
  const entries = [entryOf(1, { key: KEY }), entryOf(2)];
  journal.commit({ session: 's', number: 1, entries, counts: [], ledgers: [] }, [], Date.now());
  const reader = new DatabaseSync(join(folder, 'journal.db'), { readOnly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM pairs').get();
  let told = 0;
  const chores = new JournalChores(
    () => journal,
    () => {
      told += 1;
    },
  );
  await chores.run({ kind: 'erase', id: 'e', key: KEY });
  reader.close();
  expect(chores.status).toMatchObject({ state: 'failed', error: 'UND_JOURNAL_TRACES', pairs: 1 });
  expect(told).toBe(1);
});

test('one that cannot be done says why, and the next one is done', async () => {
  const opened = await filled(temporaryFolder());
  const request = { kind: 'backup', id: 'c', path: '/nowhere/at/all.db' } as const;
  opened.recorder.runChore(request);
  await until('failed', () => opened.recorder.status().chore?.state === 'failed');
  const { chore } = opened.recorder.status();
  expect(chore).toMatchObject({ id: 'c', error: 'UND_JOURNAL_DISK' });
  expect(chore?.message).not.toBe('');
  await done(opened, { kind: 'erase', id: 'd', key: KEY });
});

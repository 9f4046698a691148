/** Backup, restore and erasure of an instance that is up and under load. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { summariseJournal } from '../../src/record/journal/journal-summary.ts';
import { selectPairs } from '../../src/record/journal/pair-selection.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { Load, runLoad } from './load.ts';
import { closeWithTest } from './server.ts';

/** Of SQLite, by default. */
const PAGE = 4_096;

async function instanceOf(): Promise<Instance> {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  return Instance.start({ incumbent: incumbent.address, candidates: [candidate.section()] });
}

function recordsIn(path: string): string[] {
  const reader = JournalReader.openFile(path);
  const pages = [...selectPairs(reader, {})];
  reader.close();
  return pages.flat().map(({ json }) => json);
}

test('a backup made under load is whole, and an instance goes on from it', async () => {
  const instance = await instanceOf();
  await runLoad({ port: instance.port, count: 100, ratePerSecond: 40 });
  await until('recorded', () => instance.pairs().length >= 20, 60_000);
  const load = await Load.start({ port: instance.port, ratePerSecond: 40 });
  const file = join(instance.folder, 'backup.db');
  const made = await instance.cli('journal', 'backup', '--to', file);
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(made.stdout).toContain(`checked: ${file}`);
  await load.stop();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  for (const name of ['.part', '-wal', '-shm']) expect(existsSync(file + name)).toBe(false);
  const summary = summariseJournal(file);
  expect(summary.addsUp).toBe(true);
  expect(summary.pairs.held).toBeGreaterThanOrEqual(20);
  const observed = summary.legs.filter(
    ({ state }) => state === 'paired' || state.startsWith('candidate_'),
  );
  expect(observed.reduce((sum, { legs }) => sum + legs, 0)).toBe(summary.pairs.recorded);
  const backed = recordsIn(file);
  expect(instance.journaled().slice(0, backed.length)).toEqual(backed);
  const again = await instance.cli('journal', 'backup', '--to', file);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('UND_JOURNAL_TARGET') });
  await expectBooksToBalance(instance.run.path);

  // The drill of docs/operations.md.
  await instance.stop();
  const journal = join(instance.dataDir, 'journal.db');
  for (const name of ['', '-wal', '-shm']) rmSync(journal + name, { force: true });
  copyFileSync(file, journal);
  await instance.start();
  expect(instance.journaled().slice(0, backed.length)).toEqual(backed);
  await runLoad({ port: instance.port, count: 30, ratePerSecond: 20 });
  await until('recorded', () => instance.journaled().length > backed.length, 60_000);
  // In the backup the gateways of then are alive for ever: nobody has heard their end.
  await expectBooksToBalance(instance.run.path, { allowUnclean: true });
});

test('erasing a key of a running instance leaves no byte of it, and says so in the audit', async () => {
  const instance = await instanceOf();
  await runLoad({ port: instance.port, count: 120 });
  await until('recorded', () => instance.pairs().length >= 120);
  await until('analysed', async () => (await instance.admin()).analysis?.lag === 0);
  const pair = instance.pairs()[60];
  const key = pair?.key ?? '';
  const load = await Load.start({ port: instance.port, ratePerSecond: 40 });
  const before = instance.journaled().length;
  const erased = await instance.cli('journal', 'erase', '--key', key, '--reason', 'request 7');
  await load.stop();
  expect([erased.code, erased.stderr]).toEqual([0, '']);
  expect(erased.stdout).toContain('1 pair erased');
  const left = instance.journaled();
  expect(left.length).toBeGreaterThanOrEqual(before - 1);
  expect(left.filter((json) => json.includes(`"key":"${key}"`))).toEqual([]);
  const wal = ['', '-wal'].map((name) =>
    readFileSync(join(instance.dataDir, `journal.db${name}`), 'latin1'),
  );
  expect(wal.some((text) => text.includes(`"key":"${key}"`))).toBe(false);
  const audit = await instance.cli('audit');
  expect(audit.stdout).toMatch(/erasure of the key with sha256 [0-9a-f]{64} {2}by .*: request 7/);
  expect(audit.stdout).not.toContain(key);
  await expectBooksToBalance(instance.run.path);
  const inspected = await instance.cli('journal', 'inspect');
  expect(inspected).toMatchObject({ code: 0, stdout: expect.stringContaining('1 erased') });

  const locked = await instance.cli(
    'journal',
    'erase',
    '--key',
    key,
    '--reason',
    'x',
    '--data',
    instance.dataDir,
  );
  expect(locked).toMatchObject({ code: 1, stderr: expect.stringContaining('UND_JOURNAL_LOCKED') });
  await instance.stop();
  const other = JSON.parse(left[5] ?? '').key;
  const offline = await instance.cli(
    'journal',
    'erase',
    '--key',
    other,
    '--reason',
    'request 8',
    '--data',
    instance.dataDir,
  );
  expect(offline).toMatchObject({ code: 0, stdout: expect.stringContaining('1 pair erased') });
  expect(offline.stdout).toContain('no file of');
  const db = new DatabaseSync(join(instance.dataDir, 'analysis.sqlite'), { readOnly: true });
  const samples = db.prepare("SELECT bytes FROM states WHERE kind = 'sample'").all();
  db.close();
  const texts = samples.map(({ bytes }) => Buffer.from(bytes as Uint8Array).toString('latin1'));
  expect(texts.some((text) => text.includes('/cand'))).toBe(true);
  // An id is key/candidate; one key can begin another's.
  for (const gone of [key, other]) {
    expect(texts.some((text) => text.includes(`${gone}/`))).toBe(false);
  }
  mkdirSync(join(instance.folder, 'copy'));
  const backup = join(instance.folder, 'copy', 'journal.db');
  const made = await instance.cli('journal', 'backup', '--to', backup, '--data', instance.dataDir);
  expect(made.code).toBe(0);
  expect(recordsIn(backup)).toEqual(instance.journaled());
});

test('a damaged journal is set aside under load; repaired and put back, it goes on', async () => {
  const instance = await instanceOf();
  await runLoad({ port: instance.port, count: 200, ratePerSecond: 60 });
  await until('recorded', () => instance.journaled().length >= 200, 60_000);
  await instance.stop();
  const before = instance.journaled();
  const journal = join(instance.dataDir, 'journal.db');
  const whole = new DatabaseSync(journal);
  whole.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  whole.close();
  // The beginning of its header, and a third of its pages in the middle.
  const damaged = readFileSync(journal);
  const third = Math.floor(damaged.length / 3 / PAGE) * PAGE;
  damaged.fill('damage! ', 0, 64);
  damaged.fill('damage! ', third, 2 * third);
  writeFileSync(journal, damaged);

  await instance.start();
  await runLoad({ port: instance.port, count: 30, ratePerSecond: 30 });
  await until('recorded anew', () => instance.journaled().length >= 20, 60_000);
  await instance.stop();
  const anew = instance.journaled();
  const names = readdirSync(instance.dataDir);
  const aside = names.find((name) => /^journal\.db\.quarantined-.*Z$/.test(name)) ?? '';
  const file = join(instance.dataDir, aside);
  const salvaged = join(instance.folder, 'salvaged');
  const repaired = await instance.cli('journal', 'repair', '--file', file, '--to', salvaged);
  expect([repaired.code, repaired.stderr]).toEqual([
    0,
    `The new journal is ${join(salvaged, 'journal.db')}; ${file} is as it was.\n`,
  ]);
  const found = recordsIn(join(salvaged, 'journal.db'));
  expect(found.length).toBeGreaterThan(20);
  expect(found.length).toBeLessThan(before.length);
  for (const record of found) expect(before).toContain(record);
  expect(readFileSync(file).includes('damage! damage! ')).toBe(true);

  for (const name of ['', '-wal', '-shm']) rmSync(journal + name, { force: true });
  copyFileSync(join(salvaged, 'journal.db'), journal);
  await instance.start();
  await runLoad({ port: instance.port, count: 30, ratePerSecond: 30 });
  await until('goes on', () => instance.journaled().length > found.length, 60_000);
  expect(instance.journaled().slice(0, found.length)).toEqual(found);
  expect(anew.length).toBeGreaterThan(0);
});

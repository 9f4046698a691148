/** What is missing at the start, or goes away in the middle: served degraded, said, and healed by itself. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { callOnce } from './call-once.ts';
import { TestCandidate } from './candidate.ts';
import { answerOf, drawNumber, requestOf } from './exchanges.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, expectPairsOf, Instance, legsOf } from './instance.ts';
import { expectServed, Load, runLoad } from './load.ts';
import { closeWithTest } from './server.ts';

/** A folder below which a data folder is to be; root may write everywhere, so its parent is a file first. */
function blockedFolder(): { dataDir: string; unblock: () => void } {
  const base = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const blocked = join(base, 'blocked');
  writeFileSync(blocked, 'a file where a folder is to be');
  return { dataDir: join(blocked, 'data'), unblock: () => rmSync(blocked) };
}

/** A small disk of its own; undefined where we may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'und-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** Writes as much as there is room for: the kernel tells by ENOSPC. */
function fill(file: string): void {
  for (const bytes of [65_536, 1_024]) {
    try {
      for (let i = 0; i < 20_000; i++) writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      expect(Reflect.get(Object(error), 'code')).toBe('ENOSPC');
    }
  }
}

async function recorderState(instance: Instance): Promise<string> {
  const { state, error } = (await instance.mirror()).recorder;
  return error === '' ? state : `${state} ${error}`;
}

test('a data folder that cannot be made: served and counted as dropped, recorded once it can', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const { dataDir, unblock } = blockedFolder();
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    dataDir,
  });
  expect(await recorderState(instance)).toBe('failing UND_JOURNAL_DISK');
  expect(instance.logs()).toContain('UND_DATA_FOLDER');
  const dropped = await runLoad({ port: instance.port });
  expectServed(dropped, incumbent);
  const before = legsOf(await expectBooksToBalance(instance.run.path));
  expect(before).toEqual({ 'journal_dropped(disk)': dropped.sent.size });
  unblock();
  await until('recording', async () => (await recorderState(instance)) === 'recording', 20_000);
  await until('the API', async () => (await instance.admin()).url !== '', 20_000);
  const load = await runLoad({ port: instance.port });
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(legsOf(waterfall)).toEqual({
    'journal_dropped(disk)': dropped.sent.size,
    paired: load.sent.size,
  });
  expectPairsOf(instance, waterfall);
});

test('a journal that is away when the mirror starts, and comes back: nothing is counted twice', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
  });
  const before = await runLoad({ port: instance.port });
  expect(legsOf(await expectBooksToBalance(instance.run.path))).toEqual({
    paired: before.sent.size,
  });
  // A volume that is not mounted yet.
  const aside = `${instance.dataDir}-aside`;
  renameSync(instance.dataDir, aside);
  writeFileSync(instance.dataDir, 'a file where the data folder is to be');
  const pid = await instance.signal('mirror', 'SIGKILL');
  await instance.untilReplaced('mirror', pid);
  await until('the wire', async () => (await instance.gateway()).wire.connected);
  expect(await recorderState(instance)).toBe('failing UND_JOURNAL_DISK');
  const without = await runLoad({ port: instance.port });
  // What waits when the journal comes back is recorded.
  const areDropped = async () => (await instance.legsIn('journal_dropped')) === without.sent.size;
  await until('all of them are dropped', areDropped);
  rmSync(instance.dataDir);
  renameSync(aside, instance.dataDir);
  await until('recording', async () => (await recorderState(instance)) === 'recording', 30_000);
  const after = await runLoad({ port: instance.port });
  for (const load of [before, without, after]) expectServed(load, incumbent);
  const expected = {
    paired: before.sent.size + after.sent.size,
    'journal_dropped(disk)': without.sent.size,
  };
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(legsOf(waterfall)).toEqual(expected);
  expectPairsOf(instance, waterfall);
  const again = await instance.signal('mirror', 'SIGKILL');
  await instance.untilReplaced('mirror', again);
  await until('the wire', async () => (await instance.gateway()).wire.connected);
  expect(legsOf(await expectBooksToBalance(instance.run.path))).toEqual(expected);
});

/** Harms the disk under load until pairs are dropped, heals it, and holds what must hold. */
async function harmDisk(
  disk: string,
  harm: () => void,
  heal: () => void,
  /** What the recorder may say meanwhile. */
  states = ['failing UND_JOURNAL_DISK'],
): Promise<void> {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    dataDir: join(disk, 'data'),
  });
  const load = await Load.start({ port: instance.port });
  await until('pairs', async () => (await instance.legsIn('paired')) > 50);
  harm();
  await until('drops', async () => (await instance.legsIn('journal_dropped')) > 50, 30_000);
  expect(states).toContain(await recorderState(instance));
  heal();
  const paired = await instance.legsIn('paired');
  await until('pairs', async () => (await instance.legsIn('paired')) > paired + 50, 30_000);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const legs = legsOf(waterfall);
  const {
    paired: pairs = 0,
    'journal_dropped(disk)': unwritten = 0,
    'journal_dropped(journal_full)': refused = 0,
    ...rest
  } = legs;
  expect(rest).toEqual({});
  expect(pairs + unwritten + refused).toBe(load.sent.size);
  expectPairsOf(instance, waterfall);
  expect(await instance.stop()).toBe(0);
  // The next mirror reads from the journal what this one counted.
  await instance.start();
  expect(legsOf(await expectBooksToBalance(instance.run.path))).toEqual(legs);
  await instance.stop();
}

test('the data folder goes away in the middle, and comes back', async () => {
  const base = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const folder = join(base, 'data');
  const aside = join(base, 'aside');
  await harmDisk(
    base,
    () => {
      renameSync(folder, aside);
      writeFileSync(folder, 'a file where the data folder was');
    },
    () => {
      rmSync(folder);
      renameSync(aside, folder);
    },
  );
});

const skipped = 'mounting a small disk needs root';
const canMount = process.getuid?.() === 0;

test.skipIf(!canMount)(`the disk is full in the middle (${skipped})`, async ({ skip }) => {
  const disk = smallDisk();
  if (disk === undefined) return skip(skipped);
  const ballast = join(disk, 'ballast');
  // While there is room in the WAL that is there, counts still find it: pairs are refused, nothing fails.
  await harmDisk(
    disk,
    () => fill(ballast),
    () => rmSync(ballast),
    ['failing UND_JOURNAL_DISK', 'recording'],
  );
});

test.skipIf(!canMount)(
  `the data folder is read-only in the middle (${skipped})`,
  async ({ skip }) => {
    const disk = smallDisk();
    if (disk === undefined) return skip(skipped);
    const folder = join(disk, 'data');
    // A file system with open files cannot be made read-only; another one can be mounted over it.
    const harm = () => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', folder]);
    const heal = () => execFileSync('umount', [folder]);
    await harmDisk(disk, harm, heal);
  },
);

test.skipIf(!canMount)(
  `a journal that is read-only for the next mirror, and writable again (${skipped})`,
  async ({ skip }) => {
    const disk = smallDisk();
    if (disk === undefined) return skip(skipped);
    const folder = join(disk, 'data');
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const instance = await Instance.start({
      incumbent: incumbent.address,
      candidates: [candidate.section()],
      dataDir: folder,
    });
    const before = await runLoad({ port: instance.port });
    expect(legsOf(await expectBooksToBalance(instance.run.path))).toEqual({
      paired: before.sent.size,
    });
    execFileSync('mount', ['--bind', folder, folder]);
    onTestFinished(() => {
      execFileSync('umount', [folder]);
    });
    execFileSync('mount', ['-o', 'remount,bind,ro', folder]);
    const pid = await instance.signal('mirror', 'SIGKILL');
    await instance.untilReplaced('mirror', pid);
    await until('the wire', async () => (await instance.gateway()).wire.connected);
    expect(await recorderState(instance)).toBe('failing UND_JOURNAL_DISK');
    const without = await runLoad({ port: instance.port });
    execFileSync('mount', ['-o', 'remount,bind,rw', folder]);
    await until('recording', async () => (await recorderState(instance)) === 'recording');
    const after = await runLoad({ port: instance.port });
    for (const load of [before, without, after]) expectServed(load, incumbent);
    const waterfall = await expectBooksToBalance(instance.run.path);
    expect(legsOf(waterfall)).toEqual({
      paired: before.sent.size + after.sent.size,
      'journal_dropped(disk)': without.sent.size,
    });
    expectPairsOf(instance, waterfall);
    expect(await instance.stop()).toBe(0);
  },
);

test.skipIf(!canMount)(
  `an incumbent whose name resolves only later: 502 meanwhile, then served (${skipped})`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'und-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, '127.0.0.1 localhost\n');
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const instance = await Instance.start({
      incumbent: `later.invalid:${incumbent.port}`,
      candidates: [candidate.section()],
      hosts,
    });
    const meanwhile = await callOnce(instance.port, requestOf(drawNumber()));
    expect(meanwhile.toString()).toMatch(/^HTTP\/1\.1 502 .*"code":"UND_INCUMBENT_UNRESOLVED"/s);
    writeFileSync(hosts, '127.0.0.1 localhost later.invalid\n');
    let refused = 1;
    await until('it is served', async () => {
      const number = drawNumber();
      const answer = await callOnce(instance.port, requestOf(number), answerOf(number).length);
      if (answer.equals(answerOf(number))) return true;
      refused += 1;
      return false;
    });
    const load = await runLoad({ port: instance.port });
    expect(load.faults).toEqual([]);
    const waterfall = await expectBooksToBalance(instance.run.path);
    expect(exchangesOf(waterfall)).toEqual({
      'incumbent_unreachable(unresolved)': refused,
      offered: load.sent.size + 1,
    });
  },
);

test('an incumbent that nobody reaches is a 502 with a code, and a 200 once it is there', async () => {
  const incumbent = closeWithTest(await Incumbent.closed());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
  });
  const refused = await callOnce(instance.port, requestOf(drawNumber()));
  expect(refused.toString()).toMatch(/^HTTP\/1\.1 502 .*"code":"UND_INCUMBENT_REFUSED"/s);
  await incumbent.open();
  const number = drawNumber();
  const answer = answerOf(number);
  expect((await callOnce(instance.port, requestOf(number), answer.length)).equals(answer)).toBe(
    true,
  );
  const load = await runLoad({ port: instance.port });
  expectServed(load, incumbent);
  incumbent.close();
  const again = await callOnce(instance.port, requestOf(drawNumber()));
  expect(again.toString()).toMatch(/^HTTP\/1\.1 502 /);
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(exchangesOf(waterfall)).toEqual({
    'incumbent_unreachable(refused)': 2,
    offered: load.sent.size + 1,
  });
});

test('an incumbent whose name does not resolve is a 502 with a code', async () => {
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: 'incumbent.invalid:80',
    candidates: [candidate.section()],
  });
  for (let i = 0; i < 5; i++) {
    const answer = await callOnce(instance.port, requestOf(drawNumber()));
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 502 .*"code":"UND_INCUMBENT_UNRESOLVED"/s);
  }
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(exchangesOf(waterfall)).toEqual({ 'incumbent_unreachable(unresolved)': 5 });
  expect(instance.logs()).toContain('UND_INCUMBENT_UNRESOLVED');
});

test('a candidate whose name does not resolve costs callers nothing', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [{ name: 'cand', url: 'http://candidate.invalid', timeoutMs: 20_000 }],
  });
  // Few: a resolver may answer only so many questions a second.
  const load = await runLoad({ port: instance.port, count: 15 });
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(legsOf(waterfall)).toEqual({ 'candidate_error(unresolved)': load.sent.size });
});

test('a header file of a candidate that is missing, then there: copies carry it from then on', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const folder = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section('cand', { headers: [{ name: 'Authorization', file }] })],
  });
  expect(instance.logs()).toContain('UND_HEADER_FILE');
  const load = await Load.start({ port: instance.port });
  await until('copies', () => candidate.copies.length > 20);
  writeFileSync(file, 'Bearer of-the-candidate\n', { mode: 0o600 });
  const hasToken = () => candidate.copies.at(-1)?.head.includes('Bearer of-the-candidate');
  await until('the token arrives', hasToken);
  await load.stop();
  expectServed(load, incumbent);
  expect(legsOf(await expectBooksToBalance(instance.run.path))).toEqual({
    paired: load.sent.size,
  });
  expect(readFileSync(join(instance.dataDir, 'journal.db')).includes('of-the-candidate')).toBe(
    false,
  );
});

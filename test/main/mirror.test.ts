import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../src/config/types.ts';
import { entryOf } from '../../src/main/entry.ts';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus, sendCommand } from '../../src/telemetry/status-socket.ts';
import { httpCandidate, mirrorConfig, serveHttp } from '../mirror/rig.ts';
import { WireClient } from '../mirror/wire-client.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface Started {
  readonly child: ChildProcess;
  readonly config: Config;
  status(): Promise<MirrorStatus>;
}

async function startProcess(url: string, folder = tempFolder()): Promise<Started> {
  const runDir = join(folder, 'run');
  const dataDir = join(folder, 'data');
  for (const path of [runDir, dataDir]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const config = mirrorConfig([httpCandidate(url)], { runDir, dataDir });
  const child = spawn(process.execPath, [entryOf('mirror')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin?.end(JSON.stringify({ config, name: 'mirror', version: '0.0.0' }));
  const status = () => readStatus<MirrorStatus>(runFolder(runDir).statusSocket('mirror'));
  await until('mirror up', async () => (await status()).pid === child.pid);
  return { child, config, status };
}

function legs(status: MirrorStatus): number {
  return status.legs.reduce((sum, { count }) => sum + count, 0);
}

describe('main/mirror', () => {
  it('journals pairs, ends in order on "stop", and settles everything', async () => {
    const url = await serveHttp((_request, response) => response.end('{"score":1,"label":"a"}'));
    const { child, config, status } = await startProcess(url);
    const folder = runFolder(config.runDir);
    const gateway = new WireClient();
    await gateway.connect(folder.wireSocket);
    for (let i = 0; i < 20; i++) gateway.offer();
    gateway.report();
    await until('pairs on disk', async () => (await status()).recorder.committedPairs === 20);
    expect((await status()).legs).toMatchObject([{ state: 'paired', count: 20 }]);
    expect(readFileSync(`/proc/${child.pid}/coredump_filter`, 'utf8').trim()).toBe('00000000');
    const ended = once(child, 'exit');
    await sendCommand(folder.statusSocket('mirror'), 'stop');
    expect(await ended).toEqual([0, null]);
    const db = new DatabaseSync(join(config.dataDir, 'journal.db'), { readOnly: true });
    onTestFinished(() => db.close());
    expect(db.prepare('SELECT count(*) AS n FROM pairs').get()).toMatchObject({ n: 20 });
  });

  it('sheds what is in flight when it has to end, and counts it', async () => {
    const url = await serveHttp(() => {}); // never answers
    const { child, config } = await startProcess(url);
    const gateway = new WireClient();
    await gateway.connect(runFolder(config.runDir).wireSocket);
    for (let i = 0; i < 20; i++) gateway.offer();
    await gateway.leave();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const db = new DatabaseSync(join(config.dataDir, 'journal.db'), { readOnly: true });
    onTestFinished(() => db.close());
    const rows = db.prepare('SELECT state, count FROM leg_counts WHERE count > 0 ORDER BY 1').all();
    // Eight in flight time out after 2 s; the twelve that waited are shed at once.
    expect(rows).toMatchObject([
      { state: 'candidate_timeout', count: 8 },
      { state: 'shed', count: 12 },
    ]);
  });

  it.each([
    ['wire', 'wire.sock', 'UND_LISTEN_FAILED'],
    ['status', 'mirror.sock', 'UND_STATUS_SOCKET'],
  ])(
    'ends with code 1 where its %s socket cannot be bound, so that it is started again',
    async (_, socket, code) => {
      const folder = tempFolder();
      const runDir = join(folder, 'run');
      mkdirSync(join(runDir, socket), { recursive: true }); // a folder in its place
      const config = mirrorConfig([], { runDir, dataDir: join(folder, 'data') });
      mkdirSync(config.dataDir);
      const child = spawn(process.execPath, [entryOf('mirror')], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let log = '';
      child.stdout?.on('data', (text) => {
        log += text;
      });
      child.stdin?.end(JSON.stringify({ config, name: 'mirror', version: '0.0.0' }));
      expect(await once(child, 'close')).toEqual([1, null]);
      expect(log).toContain(code);
    },
  );

  it('is replaced after SIGKILL without a leg unaccounted for', async () => {
    let answers = true;
    const url = await serveHttp((_request, response) => {
      if (answers) response.end('{"score":1,"label":"a"}');
    });
    const folder = tempFolder();
    const first = await startProcess(url, folder);
    const gateway = new WireClient();
    const { wireSocket } = runFolder(first.config.runDir);
    await gateway.connect(wireSocket);
    for (let i = 0; i < 20; i++) gateway.offer();
    gateway.report();
    await until('pairs on disk', async () => (await first.status()).recorder.committedPairs === 20);
    answers = false;
    for (let i = 0; i < 5; i++) gateway.offer();
    await until('received', async () => (await first.status()).legsInFlight === 5);
    await killed(first.child);
    answers = true;
    const second = await startProcess(url, folder);
    await gateway.connect(wireSocket);
    for (let i = 0; i < 3; i++) gateway.offer();
    gateway.report();
    const status = await until('all settled', async () => {
      const now = await second.status();
      return now.legsInFlight === 0 && legs(now) === 28 ? now : undefined;
    });
    const counts = status.legs.map(({ state, count }) => [state, count]).sort();
    expect(counts).toEqual([
      ['lost_in_crash', 5],
      ['paired', 23],
    ]);
  });

  it('counts each leg once where the journal could not be opened when it started', async () => {
    const url = await serveHttp((_request, response) => response.end('{"score":1,"label":"a"}'));
    const folder = tempFolder();
    const first = await startProcess(url, folder);
    const gateway = new WireClient();
    const { wireSocket } = runFolder(first.config.runDir);
    const { dataDir } = first.config;
    await gateway.connect(wireSocket);
    for (let i = 0; i < 20; i++) gateway.offer();
    gateway.report();
    await until('pairs on disk', async () => (await first.status()).recorder.committedPairs === 20);
    await killed(first.child);
    const lock = join(dataDir, 'journal.lock');
    rmSync(lock);
    mkdirSync(lock); // a folder in its place: the journal's folder cannot be locked

    const second = await startProcess(url, folder);
    await gateway.connect(wireSocket);
    for (let i = 0; i < 3; i++) gateway.offer();
    gateway.report();
    await until('dropped', async () => legs(await second.status()) === 3);
    rmdirSync(lock);
    await until('healed', async () => (await second.status()).recorder.state === 'recording');
    gateway.report();
    const expected = [
      ['journal_dropped', 3],
      ['paired', 20],
    ];
    const countsOf = async ({ status }: Started) =>
      (await status()).legs.map(({ state, count }) => [state, count]).sort();
    await until('journal read', async () => legs(await second.status()) >= 23);
    expect(await countsOf(second)).toEqual(expected);
    expect((await second.status()).epochs).toMatchObject([{ offered: 23, received: 23 }]);
    const ended = once(second.child, 'exit');
    second.child.kill('SIGTERM');
    await ended;

    const third = await startProcess(url, folder);
    await gateway.connect(wireSocket);
    await until('greeted', async () => (await third.status()).epochs[0]?.state === 'live');
    expect(await countsOf(third)).toEqual(expected);
    expect((await third.status()).wireErrors).toBe(0);
  });
});

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

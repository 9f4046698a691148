import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { BoundSocket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { UnderstudyError } from '../../src/errors.ts';
import { type EntryName, entryOf } from '../../src/main/entry.ts';
import type { Role } from '../../src/main/process-plan.ts';
import { Supervisor } from '../../src/main/supervisor.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { isAlive } from '../support/is-alive.ts';

const FAKE = join(import.meta.dirname, 'fixtures', 'fake-process.ts');
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function makeConfig(
  options: { listen?: string; extra?: string; experiment?: string } = {},
): Config {
  const folder = mkdtempSync(join(tmpdir(), 'us-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const text = `experiment: ${options.experiment ?? 'e'}
runDir: run
dataDir: data
listeners: [{ listen: '${options.listen ?? '127.0.0.1:0'}', incumbent: 127.0.0.1:1 }]
routes: [{ name: score, path: /score }]
candidates: [{ name: next, url: http://127.0.0.1:1 }]
${options.extra ?? ''}`;
  return parseConfig(Buffer.from(text), join(folder, 'u.yaml'));
}

async function start(
  config: Config,
  role: Role = 'all',
  programOf: (entry: EntryName) => string = () => FAKE,
): Promise<Supervisor> {
  const options = { config, role, version: 'test', log: silent, programOf };
  const supervisor = await Supervisor.start(options);
  cleanups.push(() => {
    supervisor.kill();
    return supervisor.stop();
  });
  return supervisor;
}

/** What a caller is answered. */
function call(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text.trim()));
    socket.on('error', reject);
  });
}

function portOf(supervisor: Supervisor): number {
  return supervisor.status().listeners[0]?.port ?? 0;
}

function child(supervisor: Supervisor, name: string) {
  const found = supervisor.status().children.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no child ${name}`);
  return found;
}

/** Waits until a condition holds; the test's own time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('the supervisor', () => {
  it('starts the processes of its role in folders that only their user can enter', async () => {
    const config = makeConfig({ extra: 'gateway: { processes: 2 }' });
    const supervisor = await start(config);
    expect(await supervisor.untilUp()).toBe(true);
    const names = supervisor.status().children.map(({ name }) => name);
    expect(names).toEqual(['gw0', 'gw1', 'mirror', 'admin']);
    expect(statSync(config.runDir).mode & 0o777).toBe(0o700);
    expect(statSync(config.dataDir).mode & 0o777).toBe(0o700);
    const path = runFolder(config.runDir).statusSocket('supervisor-all');
    expect(await readStatus(path)).toMatchObject({ process: 'supervisor', pid: process.pid });
  });

  it('splits into the roles gateway and backstage', async () => {
    const config = makeConfig();
    const gateway = await start(config, 'gateway');
    const backstage = await start(config, 'backstage');
    expect(await gateway.untilUp()).toBe(true);
    expect(await backstage.untilUp()).toBe(true);
    expect(gateway.status().children.map(({ name }) => name)).toEqual(['gw0']);
    expect(backstage.status().children.map(({ name }) => name)).toEqual(['mirror', 'admin']);
    await expect(start(config, 'all')).rejects.toThrow('Another supervisor');
  });

  it('is the only one, however close together two are started', async () => {
    const config = makeConfig();
    const [first, second] = await Promise.allSettled([start(config), start(config)]);
    const refused = [first, second].filter(({ status }) => status === 'rejected');
    expect(refused).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'UND_RUN_FOLDER' }) },
    ]);
    const both = await Promise.allSettled([start(config, 'gateway'), start(config, 'backstage')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('says in one sentence that a port is taken, and starts nothing', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => other.close());
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const config = makeConfig({ listen: `127.0.0.1:${port}` });
    const error = await start(config).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnderstudyError);
    expect(error).toMatchObject({
      code: 'UND_LISTEN_FAILED',
      message: `Cannot listen on 127.0.0.1:${port}: another process uses this address.`,
    });
    await expect(readStatus(runFolder(config.runDir).statusSocket('gw0'))).rejects.toThrow();
  });

  it('ends with the same sentence when another has bound before it and listens first', async () => {
    const other = new BoundSocket({ host: '127.0.0.1', port: 0 });
    const { port } = other.address();
    const supervisor = await start(makeConfig({ listen: `127.0.0.1:${port}` }), 'all', (entry) =>
      entry === 'gateway' ? entryOf(entry) : FAKE,
    );
    const server = createServer().listen({ handle: other });
    cleanups.push(() => server.close());
    await supervisor.stopped;
    expect(supervisor.failure).toMatchObject({
      code: 'UND_LISTEN_FAILED',
      message: `Cannot listen on 127.0.0.1:${port}: another process uses this address.`,
    });
    expect(supervisor.status().children.map(({ state }) => state)).toEqual(
      Array(3).fill('stopped'),
    );
  });

  it('starts a killed gateway again, and who connects meanwhile is served by the next', async () => {
    const supervisor = await start(makeConfig());
    await supervisor.untilUp();
    const { pid } = child(supervisor, 'gw0');
    const mirror = child(supervisor, 'mirror').pid;
    process.kill(pid, 'SIGKILL');
    await until(() => child(supervisor, 'gw0').state !== 'running');
    const answer = await call(portOf(supervisor));
    expect(answer).toMatch(/^gw0 \d+$/);
    expect(answer).not.toBe(`gw0 ${pid}`);
    expect(child(supervisor, 'gw0')).toMatchObject({ restarts: 1, lastExit: 'signal SIGKILL' });
    expect(child(supervisor, 'mirror')).toMatchObject({ pid: mirror, restarts: 0 });
  });

  it('waits longer each time before it starts a process that keeps ending', async () => {
    const supervisor = await start(makeConfig({ experiment: 'SPOIL-admin' }));
    await until(() => child(supervisor, 'admin').restarts >= 2);
    expect(child(supervisor, 'admin')).toMatchObject({ lastExit: 'code 7' });
    expect(child(supervisor, 'admin').restarts).toBeLessThan(6);
    expect(await call(portOf(supervisor))).toMatch(/^gw0/);
  });

  it('replaces a gateway that does not answer, and serves before it kills', async () => {
    const supervisor = await start(makeConfig({ extra: 'gateway: { heartbeatTimeoutMs: 1000 }' }));
    await supervisor.untilUp();
    const { pid } = child(supervisor, 'gw0');
    process.kill(pid, 'SIGSTOP');
    await until(() => child(supervisor, 'gw0').pid !== pid);
    await until(() => child(supervisor, 'gw0').state === 'running');
    expect(await call(portOf(supervisor))).not.toBe(`gw0 ${pid}`);
    await until(() => !isAlive(pid));
  });

  it('kills and restarts a mirror that does not answer', async () => {
    const supervisor = await start(makeConfig({ extra: 'gateway: { heartbeatTimeoutMs: 1000 }' }));
    await supervisor.untilUp();
    const { pid } = child(supervisor, 'mirror');
    process.kill(pid, 'SIGSTOP');
    await until(() => child(supervisor, 'mirror').pid !== pid);
    await until(() => child(supervisor, 'mirror').state === 'running');
    expect(child(supervisor, 'gw0').restarts).toBe(0);
  });

  it('ends processes at once that do not want to end, when it is told twice', async () => {
    const supervisor = await start(makeConfig({ experiment: 'STUBBORN' }));
    await supervisor.untilUp();
    const pids = supervisor.status().children.map(({ pid }) => pid);
    const stopped = supervisor.stop();
    expect(child(supervisor, 'gw0').state).toBe('stopping');
    supervisor.kill();
    await stopped;
    expect(pids.filter(isAlive)).toEqual([]);
    expect(supervisor.status().children.map(({ state }) => state)).toEqual(
      pids.map(() => 'stopped'),
    );
  });

  it('stops its processes and gives the address free', async () => {
    const config = makeConfig();
    const supervisor = await start(config);
    await supervisor.untilUp();
    const pids = supervisor.status().children.map(({ pid }) => pid);
    await supervisor.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(call(portOf(supervisor))).rejects.toThrow();
  });
});

/** A new configuration under a running supervisor: what starts again, what stays, and what changes nothing. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/types.ts';
import { type ReloadScope, Supervisor } from '../../src/main/supervisor.ts';
import { isAlive } from '../support/is-alive.ts';
import { until } from '../support/until.ts';

const FAKE = join(import.meta.dirname, 'fixtures', 'fake-process.ts');
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Written {
  readonly experiment?: string;
  readonly listeners?: string;
  readonly candidate?: string;
  readonly extra?: string;
  readonly runDir?: string;
}

const MAIN = "{ name: main, listen: '127.0.0.1:0', incumbent: 127.0.0.1:1 }";

/** A supervisor of fake processes, and what its next reload will read. */
class Scene {
  readonly #folder = mkdtempSync(join(tmpdir(), 'us-'));
  #next: Config = this.config({});
  supervisor!: Supervisor;

  config(written: Written): Config {
    const text = `experiment: ${written.experiment ?? 'e'}
runDir: ${written.runDir ?? 'run'}
dataDir: data
listeners: [${written.listeners ?? MAIN}]
routes: [{ name: score, path: /score }]
candidates: [{ name: next, url: http://127.0.0.1:1, ${written.candidate ?? 'timeoutMs: 1000'} }]
gateway: { processes: 2, drainTimeoutMs: 1000 }
${written.extra ?? ''}`;
    return parseConfig(Buffer.from(text), join(this.#folder, 'u.yaml'));
  }

  static async start(written: Written = {}): Promise<Scene> {
    const scene = new Scene();
    scene.supervisor = await Supervisor.start({
      config: scene.config(written),
      role: 'all',
      version: 'test',
      log: silent,
      programOf: () => FAKE,
      loadConfig: () => scene.#next,
    });
    cleanups.push(async () => {
      scene.supervisor.kill();
      await scene.supervisor.stop();
      rmSync(scene.#folder, { recursive: true, force: true });
    });
    await scene.supervisor.untilUp();
    return scene;
  }

  async reload(written: Written, scope: ReloadScope = 'changed'): Promise<string> {
    this.#next = this.config(written);
    await this.supervisor.reload(scope);
    return this.supervisor.status().reload.lastError;
  }

  /** Process ids by name. */
  pids(): Record<string, number> {
    const { children } = this.supervisor.status();
    return Object.fromEntries(children.map(({ name, pid }) => [name, pid]));
  }

  /** Of the process that was started last. */
  notedPid(name: string): number {
    return JSON.parse(readFileSync(join(this.#folder, 'run', `${name}.pid`), 'utf8')).pid;
  }

  port(name = 'main'): number {
    const { listeners } = this.supervisor.status();
    return listeners.find((listener) => listener.name === name)?.port ?? 0;
  }
}

/** Names whose process is another one. */
function changed(before: Record<string, number>, after: Record<string, number>): string[] {
  return Object.keys(after).filter((name) => before[name] !== after[name]);
}

function call(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text.trim()));
    socket.on('error', reject);
  });
}

/** To gateways that answer in two parts: the first one, and all of it; an error's code where it is cut off. */
function slowCall(port: number): { greeting: Promise<string>; answer: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  const greeting = new Promise<string>((resolve) => {
    socket.setEncoding('utf8').once('data', resolve);
    socket.once('close', () => resolve(''));
  });
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text.trim()));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(`${text} ${error.code}`));
  });
  return { greeting, answer };
}

describe('a reload', () => {
  it.each<[string, Written, ReloadScope, string[]]>([
    ['nothing, when nothing has changed', {}, 'changed', []],
    ['all gateways, when told so', {}, 'gateways', ['gw0', 'gw1']],
    ['everything, when told so', {}, 'all', ['gw0', 'gw1', 'mirror', 'admin']],
    [
      "what reads a candidate's timeout",
      { candidate: 'timeoutMs: 9' },
      'changed',
      ['mirror', 'admin'],
    ],
    ['what reads a rate', { candidate: 'rate: 0.5' }, 'changed', ['gw0', 'gw1', 'mirror', 'admin']],
    ['admin alone for its own section', { extra: 'metrics: null' }, 'changed', ['admin']],
  ])('starts again %s', async (_, written, scope, names) => {
    const scene = await Scene.start();
    const before = scene.pids();
    expect(await scene.reload(written, scope)).toBe('');
    expect(changed(before, scene.pids())).toEqual(names);
    expect(await call(scene.port())).toMatch(/^gw\d/);
    const old = names.map((name) => before[name] ?? 0);
    await until('the old ones have ended', () => !old.some(isAlive));
    expect(scene.supervisor.status().children.map(({ restarts }) => restarts)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('adds, keeps and takes away listeners, by their address', async () => {
    const other = "{ name: other, listen: '127.0.0.1:0', incumbent: 127.0.0.1:1 }";
    const scene = await Scene.start();
    const kept = scene.port();
    expect(await scene.reload({ listeners: `${MAIN}, ${other}` })).toBe('');
    const added = scene.port('other');
    expect(scene.port()).toBe(kept);
    for (const port of [kept, added]) expect(await call(port)).toMatch(/^gw/);
    const renamed = MAIN.replace('main', 'second');
    expect(await scene.reload({ listeners: renamed })).toBe('');
    expect(scene.port('second')).toBe(kept);
    expect(await call(kept)).toMatch(/^gw/);
    await until('nobody listens there', () =>
      call(added).then(
        () => false,
        () => true,
      ),
    );
  });

  it('starts and ends processes as their number changes', async () => {
    const scene = await Scene.start();
    const before = scene.pids();
    const more = { extra: 'metrics: null' };
    expect(await scene.reload(more)).toBe('');
    const model =
      'timeoutMs: 1000 }, { name: file, kind: onnx, model: m.onnx, output: p, inputs: [{ name: a, pointer: /a, type: float32 }]';
    expect(await scene.reload({ candidate: model })).toBe('');
    expect(Object.keys(scene.pids())).toEqual(['gw0', 'gw1', 'mirror', 'admin', 'model-file']);
    expect(await scene.reload({})).toBe('');
    expect(Object.keys(scene.pids())).toEqual(Object.keys(before));
  });

  it('goes back to the old configuration when a gateway does not come up with the new one', async () => {
    const scene = await Scene.start();
    const before = scene.pids();
    const error = await scene.reload({ experiment: 'SPOIL-gw1' });
    expect(error).toContain('UND_RELOAD_FAILED');
    expect(error).toContain('gw1');
    expect(changed(before, scene.pids())).toEqual(['gw0']);
    expect(isAlive(before.gw1 ?? 0)).toBe(true);
    expect(await call(scene.port())).toMatch(/^gw/);
    expect(scene.supervisor.status().reload).toMatchObject({ done: 1, failed: 1, lastOk: false });
    expect(await scene.reload({ candidate: 'timeoutMs: 9' })).toBe('');
    expect(scene.supervisor.status().reload).toMatchObject({ done: 2, failed: 1, lastOk: true });
  });

  it('puts a configuration in force that mends gateways which do not come up', async () => {
    const scene = await Scene.start();
    expect(await scene.reload({ experiment: 'SPOIL-admin' })).toBe('');
    const { children } = scene.supervisor.status();
    expect(children.find(({ name }) => name === 'admin')?.state).not.toBe('running');
    expect(await scene.reload({})).toBe('');
    expect(await scene.supervisor.untilUp()).toBe(true);
  });

  it('changes nothing when an address is taken, or the run folder is another one', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => taken.close());
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const scene = await Scene.start();
    const before = scene.pids();
    const other = `{ name: other, listen: '127.0.0.1:${port}', incumbent: 127.0.0.1:1 }`;
    expect(await scene.reload({ listeners: `${MAIN}, ${other}` })).toContain('UND_LISTEN_FAILED');
    expect(await scene.reload({ runDir: 'elsewhere' })).toContain('runDir cannot change');
    expect(scene.pids()).toEqual(before);
    expect(await call(scene.port())).toMatch(/^gw/);
  });

  it('starts no third gateway where one ends while its successor comes up', async () => {
    const scene = await Scene.start();
    const { gw0: before = 0 } = scene.pids();
    const reload = scene.reload({}, 'gateways');
    // In the next turns of the loop its successor is spawned; it needs far longer to answer.
    await until('its successor starts', () => scene.notedPid('gw0') !== before);
    process.kill(before, 'SIGKILL');
    expect(await reload).toBe('');
    const gw0 = scene.supervisor.status().children.find(({ name }) => name === 'gw0');
    expect(gw0).toMatchObject({ state: 'running', restarts: 0, draining: 0 });
  });

  it('is given up by a stop that cuts nobody off whom the successor serves already', async () => {
    const scene = await Scene.start({ experiment: 'SLOW' });
    const { gw0: before = 0 } = scene.pids();
    const reload = scene.reload({ experiment: 'SLOW' }, 'gateways');
    await until('its successor starts', () => scene.notedPid('gw0') !== before);
    const greeting = `gw0 ${scene.notedPid('gw0')}`;
    const answers: Promise<string>[] = [];
    await until('its successor serves', async () => {
      const caller = slowCall(scene.port());
      answers.push(caller.answer);
      return (await caller.greeting) === greeting;
    });
    await scene.supervisor.stop();
    await reload;
    const all = await Promise.all(answers);
    expect(all).toContain(`${greeting} done`);
    expect(all.filter((answer) => !/^gw\d \d+ done$/.test(answer))).toEqual([]);
  });

  it('that fails leaves the note of the gateway that goes on', async () => {
    const scene = await Scene.start();
    const before = scene.pids();
    expect(await scene.reload({ experiment: 'SPOIL-gw0' })).toContain('gw0');
    expect(scene.notedPid('gw0')).toBe(before.gw0);
    expect(scene.notedPid('gw1')).toBe(before.gw1);
  });

  it('is given up by a stop, which leaves nobody behind', async () => {
    const scene = await Scene.start();
    const before = Object.values(scene.pids());
    const reload = scene.reload({}, 'all');
    await until('a second gateway is there', () => scene.pids().gw0 !== before[0]);
    await scene.supervisor.stop();
    await reload;
    const after = Object.values(scene.pids()).filter((pid) => pid !== 0);
    expect([...before, ...after].filter(isAlive)).toEqual([]);
    expect(await scene.reload({})).toContain('is being stopped');
  });
});

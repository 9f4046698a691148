/** The mirror process is killed, stopped, or hangs for good, under load: no caller notices, the books balance. */
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Waterfall } from '../../src/admin/waterfall.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, expectPairsOf, Instance, legsOf, type Sections } from './instance.ts';
import { expectServed, Load } from './load.ts';
import { MemoryWatch } from './memory-watch.ts';
import { closeWithTest } from './server.ts';

async function setScene(sections: Sections = {}, env: Readonly<Record<string, string>> = {}) {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections,
    env,
  });
  const load = await Load.start({ port: instance.port });
  await load.answers(50);
  return { incumbent, candidate, instance, load };
}

type Scene = Awaited<ReturnType<typeof setScene>>;

/** Ends the load and holds what must hold whatever happened to the mirror. */
async function expectUnharmed({ load, incumbent, instance }: Scene): Promise<Waterfall> {
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  expectPairsOf(instance, waterfall);
  const exchanges = exchangesOf(waterfall);
  const { offered = 0, 'shed(mirror_down)': shed = 0, ...others } = exchanges;
  expect(others).toEqual({});
  expect(offered + shed).toBe(load.sent.size);
  return waterfall;
}

test('a killed mirror is started again; what it had and had not recorded is lost_in_crash', async () => {
  const scene = await setScene();
  const { instance } = scene;
  const gateway = await instance.pidOf('gw0');
  const recorded = await instance.legsIn('paired');
  const killed = await instance.signal('mirror', 'SIGKILL');
  await instance.untilReplaced('mirror', killed);
  await until('the wire is up', async () => (await instance.gateway()).wire.connected);
  const paired = await instance.legsIn('paired');
  await until('new pairs', async () => (await instance.legsIn('paired')) > paired + 50);
  const waterfall = await expectUnharmed(scene);
  expect(await instance.pidOf('gw0')).toBe(gateway);
  const legs = legsOf(waterfall);
  const { paired: pairs = 0, lost_in_crash: _, ...others } = legs;
  expect(others).toEqual({});
  // What was on disk stays counted; what dies with it was in flight, or not yet there.
  expect(pairs).toBeGreaterThan(recorded + 50);
  expect(waterfall.exchanges.states.some(({ state }) => state === 'shed')).toBe(true);
});

test('a mirror killed again and again under load: the books balance each time', async () => {
  const scene = await setScene();
  for (let i = 0; i < 4; i++) {
    const killed = await scene.instance.signal('mirror', 'SIGKILL');
    await scene.instance.untilReplaced('mirror', killed);
    await scene.load.answers(20);
  }
  const { children } = await scene.instance.supervisor();
  expect(children.find(({ name }) => name === 'mirror')).toMatchObject({ restarts: 4 });
  await expectUnharmed(scene);
});

test('a stopped mirror that goes on loses nothing: copies wait on the wire', async () => {
  const scene = await setScene();
  const { instance, load } = scene;
  const pid = await instance.signal('mirror', 'SIGSTOP');
  await load.answers(200);
  process.kill(pid, 'SIGCONT');
  const waterfall = await expectUnharmed(scene);
  expect(legsOf(waterfall)).toEqual({ paired: load.sent.size });
  expect(await instance.pidOf('mirror')).toBe(pid);
});

test('a mirror that stays stopped is replaced after the heartbeat timeout', async () => {
  const scene = await setScene({ gateway: { heartbeatTimeoutMs: 1_000 } });
  const { instance, load } = scene;
  const pid = await instance.signal('mirror', 'SIGSTOP');
  await instance.untilReplaced('mirror', pid);
  // On a busy machine some are asked before the gateway has found the new one.
  await load.answers(100);
  const { paired = 0, lost_in_crash: lost = 0, ...others } = legsOf(await expectUnharmed(scene));
  expect(others).toEqual({});
  expect(lost).toBeGreaterThan(0);
  expect(paired).toBeGreaterThan(50);
});

test('a wire that nobody reads is bounded: what finds no room is shed(wire_full)', async () => {
  const scene = await setScene({ gateway: { maxWireBytes: 100_000 } });
  const { instance, load, incumbent } = scene;
  const pid = await instance.signal('mirror', 'SIGSTOP');
  await until('exchanges are shed', async () => {
    const { cells, wire } = await instance.gateway();
    expect(wire.queuedBytes).toBeLessThanOrEqual(100_000);
    return cells.some(({ reason }) => reason === 'wire_full');
  });
  await load.answers(50);
  process.kill(pid, 'SIGCONT');
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const { offered = 0, 'shed(wire_full)': shed = 0 } = exchangesOf(waterfall);
  expect(offered + shed).toBe(load.sent.size);
  expect(legsOf(waterfall)).toEqual({ paired: offered });
});

/** Blocks its main thread, and no other, for so long: through the inspector that Node opens on SIGUSR1. */
async function blockMirror(instance: Instance, ms: number): Promise<void> {
  await instance.signal('mirror', 'SIGUSR1');
  const url = /Debugger listening on (ws:\/\/\S+)/;
  await until('its inspector', () => url.test(instance.logs()));
  const socket = new WebSocket(url.exec(instance.logs())?.[1] ?? '');
  await once(socket, 'open');
  const expression = `setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms}))`;
  const answered = once(socket, 'message');
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  await answered;
  socket.close();
}

test('M-16 a mirror whose loop is blocked for ten seconds: copies wait on the wire, none is lost', async () => {
  const env = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };
  const scene = await setScene({ gateway: { heartbeatTimeoutMs: 60_000 } }, env);
  const { instance, load } = scene;
  const memory = await MemoryWatch.of(instance, ['gw0', 'mirror']);
  const pid = await instance.pidOf('mirror');
  await blockMirror(instance, 10_000);
  const startedMs = performance.now();
  const { answered } = load;
  // What it says of itself comes when it is free again; callers are answered all the while.
  await readStatus(instance.run.statusSocket('mirror'), 60_000);
  expect(performance.now() - startedMs).toBeGreaterThan(8_000);
  expect(load.answered - answered).toBeGreaterThan(500);
  const waterfall = await expectUnharmed(scene);
  expect(legsOf(waterfall)).toEqual({ paired: load.sent.size });
  expect(await instance.pidOf('mirror')).toBe(pid);
  expect(memory.mostMiB('gw0')).toBeLessThan(320);
  expect(memory.mostMiB('mirror')).toBeLessThan(420);
});

test('M-16 the wire socket is removed: the connection goes on, and a new gateway finds its way', async () => {
  const scene = await setScene();
  const { instance, load } = scene;
  rmSync(instance.run.wireSocket);
  const paired = await instance.legsIn('paired');
  await until('pairs go on', async () => (await instance.legsIn('paired')) > paired + 50);
  await until('it is bound again', () => existsSync(instance.run.wireSocket));
  const pid = await instance.pidOf('mirror');
  await load.stop();
  expectServed(load, scene.incumbent);
  expect(await instance.cli('restart')).toMatchObject({ code: 0 });
  await until('the wire is up', async () => (await instance.gateway()).wire.connected);
  const before = await instance.legsIn('paired');
  const after = await Load.start({ port: instance.port });
  await until('pairs again', async () => (await instance.legsIn('paired')) > before + 20);
  await after.stop();
  expectServed(after, scene.incumbent);
  expect(await instance.pidOf('mirror')).toBe(pid);
  await expectBooksToBalance(instance.run.path);
});

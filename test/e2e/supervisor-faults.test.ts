/**
 * What happens to the supervisor and to admin, and does not happen to callers (M-17). Stops are short here; the supervisor
 * 15 s, longer than the default heartbeat, and admin five minutes with
 *
 *   STOPS=long npm exec -- vitest run test/e2e/supervisor-faults.test.ts
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/is-alive.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { expectServed, Load } from './load.ts';
import { MemoryWatch } from './memory-watch.ts';
import { NewCallers } from './new-callers.ts';
import { closeWithTest } from './server.ts';

const IS_LONG = process.env.STOPS === 'long';
const SUPERVISOR_STOPPED_MS = IS_LONG ? 15_000 : 5_000;
const HEARTBEAT_MS = IS_LONG ? 10_000 : 2_000;
const ADMIN_STOPPED_MS = IS_LONG ? 300_000 : 3_000;
vi.setConfig({ testTimeout: 90_000 + SUPERVISOR_STOPPED_MS + ADMIN_STOPPED_MS });

async function setScene(role: 'gateway' | 'all', gateway: Record<string, unknown>) {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const port = await freePort();
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    role,
    sections: {
      listeners: [{ name: 'main', listen: `127.0.0.1:${port}`, incumbent: incumbent.address }],
      gateway,
    },
  });
  return { incumbent, instance, port };
}

test('a supervisor that was stopped for longer than the heartbeat kills no healthy gateway', async () => {
  const { incumbent, instance, port } = await setScene('gateway', {
    processes: 2,
    heartbeatTimeoutMs: HEARTBEAT_MS,
  });
  const before = await instance.supervisor();
  const load = await Load.start({ port, ratePerSecond: 50 });
  process.kill(before.pid, 'SIGSTOP');
  await sleep(SUPERVISOR_STOPPED_MS);
  process.kill(before.pid, 'SIGCONT');
  // Longer than the heartbeat: who was judged by the old stamps would be gone by then.
  await sleep(HEARTBEAT_MS + 1_000);
  const after = await instance.supervisor();
  const pidsOf = ({ children }: typeof before) =>
    children.map(({ pid, restarts }) => [pid, restarts]);
  expect(pidsOf(after)).toEqual(pidsOf(before));
  await load.stop();
  expectServed(load, incumbent);
});

test('a killed supervisor: keep-alive callers lose nothing, newcomers are refused for a moment', async () => {
  const { instance, port } = await setScene('gateway', { drainTimeoutMs: 5_000 });
  const load = await Load.start({ port, drains: true, reconnects: true, ratePerSecond: 50 });
  const newcomers = new NewCallers(port, 2);
  await newcomers.answers(20);
  const { pid, children } = await instance.supervisor();
  process.kill(pid, 'SIGKILL');
  await newcomers.answers(20);
  expect(newcomers.faults).toEqual([]);
  await instance.start();
  await newcomers.answers(20);
  await load.answers(20);
  await newcomers.stop();
  await load.stop();
  expect(load.faults).toEqual([]);
  expect(load.lostExchanges).toBe(0);
  await until('the orphans have ended', () => !children.some((child) => isAlive(child.pid)));
  const gapMs = newcomers.faults.length === 0 ? 0 : newcomers.lastFaultMs - newcomers.firstFaultMs;
  const isRefusal = (fault: string) => /ECONNREFUSED|ECONNRESET|socket hang up/.test(fault);
  expect(newcomers.faults.filter((fault) => !isRefusal(fault))).toEqual([]);
  expect(gapMs).toBeLessThan(10_000);
  console.info(
    `newcomers were refused for ${Math.round(gapMs)} ms (${newcomers.faults.length} of them)`,
  );
  await expectBooksToBalance(instance.run.path, { withoutMirror: true });
});

test('an admin process that is stopped changes no readiness and no answer', async () => {
  const health = await freePort();
  const { incumbent, instance, port } = await setScene('all', {
    health: `127.0.0.1:${health}`,
    heartbeatTimeoutMs: 3_600_000,
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).status;
  expect(await ready()).toBe(200);
  const load = await Load.start({ port, ratePerSecond: 20 });
  const memory = await MemoryWatch.of(instance, ['gw0', 'mirror']);
  await instance.signal('admin', 'SIGSTOP');
  const seen = new Set<number>();
  const untilMs = performance.now() + ADMIN_STOPPED_MS;
  while (performance.now() < untilMs) {
    seen.add(await ready());
    await sleep(100);
  }
  expect([...seen]).toEqual([200]);
  const paired = await instance.legsIn('paired');
  await until('pairs go on', async () => (await instance.legsIn('paired')) > paired + 20);
  await load.stop();
  expectServed(load, incumbent);
  process.kill(await pidOf(instance, 'admin'), 'SIGCONT');
  await instance.admin();
  await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
  expect(memory.mostMiB('gw0')).toBeLessThan(320);
  expect(memory.mostMiB('mirror')).toBeLessThan(420);
});

test('an admin process that is killed is started again; nobody else is touched', async () => {
  // Who is slow on a busy machine is not to be replaced besides.
  const { incumbent, instance, port } = await setScene('all', { heartbeatTimeoutMs: 120_000 });
  const others = async () => [await instance.pidOf('gw0'), await instance.pidOf('mirror')];
  const before = await others();
  const load = await Load.start({ port, ratePerSecond: 50 });
  const killed = await instance.signal('admin', 'SIGKILL');
  await instance.untilReplaced('admin', killed);
  const paired = await instance.legsIn('paired');
  await until('pairs go on', async () => (await instance.legsIn('paired')) > paired + 20);
  await load.stop();
  expectServed(load, incumbent);
  expect(await others()).toEqual(before);
  await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
});

/** As the supervisor knows it: also of a process that does not answer. */
async function pidOf(instance: Instance, name: string): Promise<number> {
  const { children } = await instance.supervisor();
  return children.find((child) => child.name === name)?.pid ?? 0;
}

/** What happens to the supervisor and to admin, and does not happen to callers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/is-alive.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { expectServed, Load } from './load.ts';
import { NewCallers } from './new-callers.ts';
import { closeWithTest } from './server.ts';

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
    heartbeatTimeoutMs: 2_000,
  });
  const before = await instance.supervisor();
  const load = await Load.start({ port, ratePerSecond: 50 });
  process.kill(before.pid, 'SIGSTOP');
  await sleep(5_000);
  process.kill(before.pid, 'SIGCONT');
  // Longer than the heartbeat: who was judged by the old stamps would be gone by then.
  await sleep(3_000);
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
    heartbeatTimeoutMs: 120_000,
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).status;
  expect(await ready()).toBe(200);
  const load = await Load.start({ port, ratePerSecond: 50 });
  await instance.signal('admin', 'SIGSTOP');
  const seen = new Set<number>();
  for (let i = 0; i < 30; i++) {
    seen.add(await ready());
    await sleep(100);
  }
  expect([...seen]).toEqual([200]);
  await instance.legsIn('paired');
  await load.answers(20);
  await load.stop();
  expectServed(load, incumbent);
  process.kill(
    (await instance.supervisor()).children.find((c) => c.name === 'admin')?.pid ?? 0,
    'SIGCONT',
  );
  await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
});

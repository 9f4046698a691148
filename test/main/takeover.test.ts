/** A killed supervisor takes nobody along, and the next one takes over. With real processes. */
import { expect, test } from 'vitest';
import { TestCandidate } from '../e2e/candidate.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { Instance, type Sections } from '../e2e/instance.ts';
import { expectServed, Load, runLoad } from '../e2e/load.ts';
import { closeWithTest } from '../e2e/server.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/is-alive.ts';
import { until } from '../support/until.ts';

async function setScene(gateway: Sections = { processes: 2, drainTimeoutMs: 2_000 }) {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: {
      listeners: [{ listen, incumbent: incumbent.address }],
      gateway,
    },
  });
  return { incumbent, instance, port };
}

test('callers and mirror go on when the supervisor is killed, and the next one takes over', async () => {
  const { incumbent, instance, port } = await setScene();
  const before = await instance.supervisor();
  const load = await Load.start({ port });
  await load.answers(30);

  process.kill(before.pid, 'SIGKILL');
  await load.answers(60);
  await load.stop();
  expectServed(load, incumbent);
  await expectBooksToBalance(instance.run.path);
  const orphans = before.children.map(({ pid }) => pid);
  expect(orphans.filter(isAlive)).toEqual(orphans);

  await instance.start();
  const after = await instance.supervisor();
  expect(after.listeners).toEqual(before.listeners);
  expect(after.children.filter(({ pid }) => orphans.includes(pid))).toEqual([]);
  await until('the orphans have ended', () => !orphans.some(isAlive));
  expectServed(await runLoad({ port }), incumbent);
  await expectBooksToBalance(instance.run.path);
});

test('a gateway that hangs and its dead supervisor: the next one finds and kills it, and serves', async () => {
  const { incumbent, instance, port } = await setScene({ processes: 1, heartbeatTimeoutMs: 1_000 });
  const before = await instance.supervisor();
  const gateway = await instance.pidOf('gw0');
  process.kill(before.pid, 'SIGKILL');
  await until('the supervisor is gone', () => !isAlive(before.pid));
  process.kill(gateway, 'SIGSTOP');
  await instance.start();
  expect(isAlive(gateway)).toBe(false);
  expect(instance.logs()).toContain('UND_PROCESS_SILENT');
  expectServed(await runLoad({ port }), incumbent);
  await expectBooksToBalance(instance.run.path, { allowUnclean: true });
});

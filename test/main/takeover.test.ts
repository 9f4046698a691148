/** A killed supervisor takes nobody along, and the next one takes over. With real processes. */
import { expect, test } from 'vitest';
import { TestCandidate } from '../e2e/candidate.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { Instance } from '../e2e/instance.ts';
import { expectServed, Load, runLoad } from '../e2e/load.ts';
import { closeWithTest } from '../e2e/server.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { isAlive } from '../support/is-alive.ts';
import { until } from '../support/until.ts';

async function setScene() {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: {
      listeners: [{ listen, incumbent: incumbent.address }],
      gateway: { processes: 2, drainTimeoutMs: 2_000 },
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

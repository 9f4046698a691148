/**
 * Gateways that are started again and configurations that change under load: wrk and a strict keep-alive
 * caller see no error and no reset. Three rounds here; twenty with
 *
 *   RESTART_ROUNDS=20 npm exec -- vitest run test/e2e/rolling-restart.test.ts
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SupervisorStatus } from '../../src/main/supervisor.ts';
import { sendCommand } from '../../src/telemetry/status-socket.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance, legsOf } from './instance.ts';
import { Load } from './load.ts';
import { closeWithTest } from './server.ts';

const ROUNDS = Number(process.env.RESTART_ROUNDS ?? 3);
vi.setConfig({ testTimeout: 90_000 + ROUNDS * 20_000 });

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers each request without a body with `OK`. */
async function plainIncumbent(): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const asked = chunk.toString('latin1').split('\r\n\r\n').length - 1;
      socket.write(OK.repeat(asked));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

async function setScene() {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const [port, plainPort] = [await freePort(), await freePort()];
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: {
      listeners: [
        { name: 'main', listen: `127.0.0.1:${port}`, incumbent: incumbent.address },
        { name: 'plain', listen: `127.0.0.1:${plainPort}`, incumbent: await plainIncumbent() },
      ],
      // A mirror that a busy machine starves is not to be replaced meanwhile.
      gateway: { processes: 2, drainTimeoutMs: 10_000, heartbeatTimeoutMs: 120_000 },
    },
  });
  return { incumbent, instance, port, plainPort };
}

function pidsOf({ children }: SupervisorStatus): Record<string, number> {
  return Object.fromEntries(children.map(({ name, pid }) => [name, pid]));
}

/** Sends a command to the supervisor and waits until it is done. */
async function command(instance: Instance, name: string): Promise<SupervisorStatus> {
  const { reload } = await instance.supervisor();
  await sendCommand(instance.run.statusSocket('supervisor-all'), name);
  return until(
    name,
    async () => {
      const status = await instance.supervisor();
      return status.reload.done > reload.done && status;
    },
    60_000,
  );
}

/** wrk against a port, until the last round is over. @returns what it printed */
function startWrk(port: number, seconds: number): Promise<string> {
  const args = ['-t1', '-c4', `-d${seconds}s`, `http://127.0.0.1:${port}/x`];
  return promisify(execFile)('wrk', args).then(({ stdout }) => stdout);
}

test(`${ROUNDS} rolling restarts cost no caller anything`, async () => {
  const { incumbent, instance, port, plainPort } = await setScene();
  const load = await Load.start({ port, drains: true, reconnects: true, ratePerSecond: 60 });
  const wrk = startWrk(plainPort, 6 * ROUNDS);
  const before = await instance.supervisor();
  let last = before;
  for (let round = 0; round < ROUNDS; round++) {
    const { reload, ...status } = await command(instance, 'restart-gateways');
    expect(reload).toMatchObject({ lastOk: true, failed: 0 });
    const [old, now] = [pidsOf(last), pidsOf({ ...status, reload })];
    expect([now.gw0 !== old.gw0, now.gw1 !== old.gw1]).toEqual([true, true]);
    expect([now.mirror, now.admin]).toEqual([old.mirror, old.admin]);
    last = { ...status, reload };
    await load.answers(20);
  }
  const printed = await wrk;
  await load.stop();
  expect(printed).toMatch(/Requests\/sec/);
  expect(printed).not.toMatch(/Socket errors|Non-2xx/);
  expect(load.faults).toEqual([]);
  expect([load.lostExchanges, load.unannounced]).toEqual([0, 0]);
  expect(load.answered).toBe(load.sent.size);
  expect(load.lostConnections).toBeGreaterThan(0);
  expect(incumbent.repeated).toEqual([]);
  expect(last.children.map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0]);
  const waterfall = await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
  expect(legsOf(waterfall)).toEqual({ paired: load.answered });
});

test('a wrong configuration changes nothing, a right one is in force, and callers notice neither', async () => {
  const { instance, port } = await setScene();
  const load = await Load.start({ port, drains: true, reconnects: true, ratePerSecond: 60 });
  const before = pidsOf(await instance.supervisor());
  const written = readFileSync(instance.configFile, 'utf8');
  writeFileSync(instance.configFile, `${written}\nlog: { level: loud }\n`);
  const refused = await instance.cli('reload');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/UND_CONFIG_INVALID.*log\.level: got loud/s);
  expect(pidsOf(await instance.supervisor())).toEqual(before);
  expect(instance.logs()).toContain('the old configuration stays in force');
  const metrics = await (await fetch((await instance.admin()).metricsUrl)).text();
  expect(metrics).toContain('understudy_reload_last_success{process="supervisor-all"} 0');
  expect(metrics).toContain('result="failed"} 1');

  const added = await freePort();
  const options: Record<string, unknown> = parse(written);
  const listeners = options.listeners as object[];
  const incumbent = await plainIncumbent();
  listeners.push({ name: 'added', listen: `127.0.0.1:${added}`, incumbent });
  writeFileSync(instance.configFile, stringify({ ...options, listeners }));
  const { pid } = await instance.supervisor();
  process.kill(pid, 'SIGHUP');
  await until(
    'it is in force',
    async () => (await instance.supervisor()).reload.done === 2,
    60_000,
  );
  const after = await instance.supervisor();
  expect(after.reload).toMatchObject({ lastOk: true, lastError: '' });
  expect(after.listeners.map(({ name }) => name)).toEqual(['main', 'plain', 'added']);
  const now = pidsOf(after);
  expect(Object.keys(now).filter((name) => now[name] === before[name])).toEqual(['mirror']);
  expect(await (await fetch(`http://127.0.0.1:${added}/x`)).text()).toBe('ok');
  const restarted = await instance.cli('restart', 'all');
  expect(restarted).toMatchObject({ code: 0, stderr: '' });
  expect(pidsOf(await instance.supervisor()).mirror).not.toBe(before.mirror);
  await load.answers(20);
  await load.stop();
  expect(load.faults).toEqual([]);
  expect([load.lostExchanges, load.unannounced]).toEqual([0, 0]);
  await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
});

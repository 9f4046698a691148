/** Under a service manager that holds the sockets (this test), the supervisor comes and goes without a gap. */
import { spawnSync } from 'node:child_process';
import { BoundSocket, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { answerOf, drawNumber, requestOf } from './exchanges.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { closeWithTest } from './server.ts';

/** A socket that listens and of which nobody accepts: as a service manager has it. */
function listeningSocket(): BoundSocket {
  const socket = new BoundSocket({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => socket.close());
  const listen = "require('net').createServer().listen({ fd: 3 }, () => process.exit())";
  spawnSync(process.execPath, ['-e', listen], {
    stdio: ['ignore', 'ignore', 'inherit', socket.fd()],
  });
  return socket;
}

/** A new connection for each exchange, one after the other: each must be accepted and answered. */
class Newcomers {
  readonly #port: number;
  #isOver = false;
  readonly done: Promise<void>;
  answered = 0;
  readonly faults: string[] = [];
  longestMs = 0;

  constructor(port: number) {
    this.#port = port;
    this.done = this.#run();
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.done;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const startedMs = performance.now();
      const fault = await callOnce(this.#port);
      this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
      if (fault === '') this.answered += 1;
      else this.faults.push(fault);
      // Often enough to meet every moment of a restart, and no load.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** @returns what went wrong, in words */
function callOnce(port: number): Promise<string> {
  const number = drawNumber();
  const expected = answerOf(number);
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(requestOf(number)));
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk.replace('Connection: close\r\n', '');
      if (received.length >= expected.length) socket.end();
    });
    socket.on('error', (error) => resolve(String(Reflect.get(error, 'code'))));
    socket.on('close', () => {
      resolve(
        received === expected.toString('latin1') ? '' : `${number}: ${received.length} bytes`,
      );
    });
  });
}

test('no newcomer is refused while supervisors are killed, stopped and started', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const traffic = listeningSocket();
  const health = listeningSocket();
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: {
      // The port is another one on purpose: the manager's socket counts, and the log says so.
      listeners: [
        { name: 'main', listen: `127.0.0.1:${await freePort()}`, incumbent: incumbent.address },
      ],
      gateway: {
        health: `127.0.0.1:${health.address().port}`,
        drainTimeoutMs: 3_000,
        heartbeatTimeoutMs: 120_000,
      },
    },
    sockets: { fds: [health.fd(), traffic.fd()], names: 'health:main' },
  });
  const { port } = traffic.address();
  expect(instance.port).toBe(port);
  expect(instance.logs()).toContain('another port than is configured');
  const ready = await fetch(`http://127.0.0.1:${health.address().port}/readyz`);
  expect(ready.status).toBe(200);

  const newcomers = new Newcomers(port);
  await until('some are served', () => newcomers.answered > 20);
  process.kill((await instance.supervisor()).pid, 'SIGKILL');
  await instance.start();
  await until('some are served', () => newcomers.answered > 40);
  const killedMs = newcomers.longestMs;
  newcomers.longestMs = 0;
  expect(await instance.stop()).toBe(0);
  await instance.start();
  const before = newcomers.answered;
  await until('some are served', () => newcomers.answered > before + 20);
  await newcomers.stop();
  expect(newcomers.faults).toEqual([]);
  console.info(
    `longest wait of a newcomer: supervisor killed ${Math.round(killedMs)} ms, ` +
      `stopped and started ${Math.round(newcomers.longestMs)} ms`,
  );
  await expectBooksToBalance(instance.run.path, { timeoutMs: 30_000 });
});

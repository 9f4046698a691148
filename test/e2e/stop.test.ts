/** How an instance ends, with callers there: the first SIGTERM, and a second one. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive } from '../support/is-alive.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { answerOf, drawNumber, requestOf } from './exchanges.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { closeWithTest } from './server.ts';

async function setScene() {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    role: 'gateway',
  });
  return { instance };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

test('a newcomer is refused while an exchange is drained, and that one is answered', async () => {
  const { instance } = await setScene();
  const number = drawNumber();
  const request = requestOf(number);
  const caller = await connected(instance.port);
  caller.write(request.subarray(0, 30));
  await until('it is there', async () => (await instance.gateway()).connections.open === 1);
  const stopped = instance.stop();
  await until('newcomers are refused', async () => {
    const error: unknown = await connected(instance.port).catch((reason: unknown) => reason);
    return error instanceof Error && Reflect.get(error, 'code') === 'ECONNREFUSED';
  });
  let received = '';
  caller.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk;
  });
  caller.write(request.subarray(30));
  await once(caller, 'end');
  expect(received.replace('Connection: close\r\n', '')).toBe(answerOf(number).toString('latin1'));
  expect(await stopped).toBe(0);
});

test('a second SIGTERM ends everything at once, with exit code 1', async () => {
  const { instance } = await setScene();
  const caller = await connected(instance.port);
  caller.write(requestOf(drawNumber()).subarray(0, 30));
  await until('it is there', async () => (await instance.gateway()).connections.open === 1);
  const { pid, children } = await instance.supervisor();
  const startedMs = performance.now();
  const ended = once(caller, 'close');
  caller.on('error', () => undefined);
  const stopped = instance.stop();
  await until('it drains', async () => (await instance.gateway()).draining);
  process.kill(pid, 'SIGTERM');
  expect(await stopped).toBe(1);
  await ended;
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  expect([pid, ...children.map((child) => child.pid)].filter(isAlive)).toEqual([]);
});

/** Gateways under load: one is killed, and two callers of different speed share one. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, expectPairsOf, Instance, legsOf } from './instance.ts';
import { expectServed, Load, runLoad } from './load.ts';
import { closeWithTest } from './server.ts';

test('a killed gateway takes its own connections alone, and is there again by itself', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: { gateway: { processes: 2 } },
  });
  const load = await Load.start({ port: instance.port, connections: 12 });
  let connections = 12;
  const before = await until('both gateways have callers', async () => {
    const gw0 = await instance.gateway('gw0');
    const gw1 = await instance.gateway('gw1');
    const [a, b] = [gw0.connections.open, gw1.connections.open];
    if (a + b === connections && a > 0 && b > 0) return { gw0, gw1 };
    // Whichever wakes first accepts: with one caller more, both soon have some.
    if (a + b === connections && connections < 200) connections += 1;
    else return undefined;
    await load.connect();
    return undefined;
  });
  await load.answers(50);
  await instance.signal('gw0', 'SIGKILL');
  await instance.untilReplaced('gw0', before.gw0.pid);
  await load.answers(100);
  const after = { gw0: await instance.gateway('gw0'), gw1: await instance.gateway('gw1') };
  await load.stop();
  expect(load.faults).toEqual([]);
  expect(load.lostConnections).toBe(before.gw0.connections.open);
  expect(load.lostExchanges).toBeLessThanOrEqual(load.lostConnections);
  expect(load.answered).toBe(load.sent.size - load.lostExchanges);
  expect(after.gw1.pid).toBe(before.gw1.pid);
  expect(after.gw0.epoch).not.toBe(before.gw0.epoch);
  expect(incumbent.repeated).toEqual([]);

  const waterfall = await expectBooksToBalance(instance.run.path, { allowUnclean: true });
  const [unclean, ...more] = waterfall.uncleanEpochs;
  expect(more).toEqual([]);
  expect(unclean?.epoch).toBe(before.gw0.epoch);
  expect(unclean?.unreportedMs).toBeGreaterThanOrEqual(0);
  expect(unclean?.unreportedMs).toBeLessThan(5_000);
  // Only what came after the last report is not known, and the mirror has made no leg of it up.
  const { seen } = waterfall.exchanges;
  expect(seen).toBeLessThanOrEqual(load.sent.size);
  expect(seen).toBeGreaterThan(load.sent.size - 60);
  const { paired = 0, lost_in_crash: lost = 0, ...others } = legsOf(waterfall);
  expect(others).toEqual({});
  expect(instance.pairs().length).toBe(paired);
  expect(lost).toBeLessThan(60);
  expect((await instance.cli('status')).stdout).toContain('unclean');
});

test('an instance that is stopped under load drains: no caller loses an answer, no pair is lost', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
  });
  const load = await Load.start({ port: instance.port, drains: true });
  await load.answers(100);
  expect(await instance.stop()).toBe(0);
  await load.stop();
  expect(load.faults).toEqual([]);
  expect(load.lostExchanges).toBe(0);
  expect(load.lostConnections).toBe(8);
  expect(load.answered).toBe(load.sent.size);
  // All that was offered is on disk when the last process has ended.
  expect(instance.pairs().length).toBe(load.sent.size);
  await instance.start();
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(legsOf(waterfall)).toEqual({ paired: load.sent.size });
  expect(exchangesOf(waterfall)).toEqual({ offered: load.sent.size });
});

test('a killed supervisor takes no caller along, and the next one takes over', async () => {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const listen = `127.0.0.1:${await freePort()}`;
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: { listeners: [{ listen, incumbent: incumbent.address }] },
  });
  const load = await Load.start({ port: instance.port, drains: true });
  await load.answers(50);
  const { pid } = await instance.supervisor();
  const gateway = await instance.pidOf('gw0');
  process.kill(pid, 'SIGKILL');
  await load.answers(100);
  expect(await instance.pidOf('gw0')).toBe(gateway);
  await instance.start();
  await load.stop();
  expect(load.faults).toEqual([]);
  expect(load.lostExchanges).toBe(0);
  expect(load.answered).toBe(load.sent.size);
  const again = await runLoad({ port: instance.port });
  expectServed(again, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(legsOf(waterfall)).toEqual({ paired: load.sent.size + again.sent.size });
  expectPairsOf(instance, waterfall);
});

const SLOW_BYTES = 16 * 1024 * 1024;
const FAST_BODY = 'f'.repeat(30_000);
const FAST = `HTTP/1.1 200 OK\r\nContent-Length: ${FAST_BODY.length}\r\n\r\n${FAST_BODY}`;
const SLOW_HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${SLOW_BYTES}\r\n\r\n`;

/** Answers `/slow` with 16 MiB of `s`, all else with 30 kB of `f`. */
async function startTwoSpeedIncumbent(): Promise<{ address: string; slow: () => Socket | null }> {
  let slow: Socket | null = null;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (!chunk.includes('/slow')) return void socket.write(FAST);
      slow = socket;
      socket.write(SLOW_HEAD);
      socket.write(Buffer.alloc(SLOW_BYTES, 's'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    slow?.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { address: `127.0.0.1:${address.port}`, slow: () => slow };
}

async function caller(port: number): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = connect(port, '127.0.0.1');
  const pieces: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => pieces.push(chunk));
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, received: () => Buffer.concat(pieces) };
}

test('a slow and a fast caller never see each other’s bytes', async () => {
  const incumbent = await startTwoSpeedIncumbent();
  const candidate = closeWithTest(await TestCandidate.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: { routes: [{ name: 'score', path: '/*', methods: ['GET'] }] },
  });
  const slow = await caller(instance.port);
  slow.socket.pause();
  slow.socket.write('GET /slow HTTP/1.1\r\nHost: h\r\n\r\n');
  let last = -1;
  await until('writes to the slow caller wait', async () => {
    const before = last;
    last = incumbent.slow()?.writableLength ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return last > 0 && last === before;
  });
  const fast = await caller(instance.port);
  for (let i = 1; i <= 30; i++) {
    fast.socket.write('GET /fast HTTP/1.1\r\nHost: h\r\n\r\n');
    await until('a fast answer', () => fast.received().length >= i * FAST.length);
  }
  expect(fast.received().equals(Buffer.from(FAST.repeat(30)))).toBe(true);
  slow.socket.resume();
  const wanted = Buffer.concat([Buffer.from(SLOW_HEAD), Buffer.alloc(SLOW_BYTES, 's')]);
  await until('the slow answer', () => slow.received().length >= wanted.length, 30_000);
  expect(slow.received().equals(wanted)).toBe(true);
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(exchangesOf(waterfall)).toEqual({ offered: 30, 'shed(answer_too_large)': 1 });
});

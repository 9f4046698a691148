/** Whatever the mirror does: callers get the incumbent's bytes, memory is bounded, the books balance. */

import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import {
  candidate,
  countsOf,
  expectExchangesToBalance,
  type GatewayRig,
  ROUTE,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  TestMirror,
  untilReceived,
} from './rig.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function post(bytes: number): string {
  return `POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;
}

/** Sends requests one after the other on one connection; each must be answered. */
async function ask(rig: GatewayRig, count: number, request = post(100)): Promise<void> {
  const caller = await rawCaller(rig.port);
  for (let i = 1; i <= count; i++) {
    caller.socket.write(request);
    await untilReceived(caller, i * OK.length);
  }
  expect(caller.received().toString()).toBe(OK.repeat(count));
  caller.socket.destroy();
}

/** Answers each request of the given size. */
async function origin(request = post(100)) {
  const answered = new Map<object, number>();
  return startOrigin((socket, received) => {
    const done = answered.get(socket) ?? 0;
    const asked = Math.floor(received.length / request.length);
    for (let i = done; i < asked; i++) socket.write(OK);
    answered.set(socket, asked);
  });
}

describe('the wire', () => {
  it('absent: exchanges are shed as mirror_down, and offered again when it comes', async () => {
    const rig = await startGateway((await origin()).port);
    await ask(rig, 3);
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 3, 'shed(mirror_down)': 3 });
    const mirror = await startMirror(rig);
    await ask(rig, 2);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 5, 'shed(mirror_down)': 3, offered: 2 });
    expect(mirror.messages[0]).toMatchObject({
      type: 'hello',
      hello: { version: 1, instance: 'test/gw0', nextSeq: 1, epoch: rig.status().epoch },
    });
  });

  it('killed: exchanges are shed until another mirror listens, which learns all from the hello', async () => {
    const rig = await startGateway((await origin()).port);
    const first = await startMirror(rig);
    await ask(rig, 2);
    await until('both arrived', () => first.frames.length === 2);
    first.close();
    await until('the loss is noticed', () => !rig.status().wire.connected);
    await ask(rig, 1);
    const second = await startMirror(rig);
    await ask(rig, 1);
    await until('it arrived', () => second.frames.length === 1);
    expect(second.frames[0]?.seq).toBe(3);
    expect(second.messages[0]).toMatchObject({ hello: { nextSeq: 3 } });
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 4, offered: 3, 'shed(mirror_down)': 1 });
    await until('its ledger is whole', () => {
      expect(countsOf(second.cells)).toEqual(counts);
      return true;
    });
  });

  it('hung: what it is owed is bounded, the rest is shed as wire_full, and nothing waits', async () => {
    const request = post(200_000);
    const maxWireBytes = 2_000_000;
    const rig = await startGateway((await origin(request)).port, { gateway: { maxWireBytes } });
    const mirror = new TestMirror();
    mirror.reading = false;
    await mirror.listen(rig.wireSocket);
    await until('the wire is up', () => rig.status().wire.connected);
    await ask(rig, 30, request);
    expect(rig.status().wire.queuedBytes).toBeLessThanOrEqual(maxWireBytes);
    expect(rig.status().wire.queuedBytes).toBeGreaterThan(maxWireBytes / 2);
    const counts = await expectExchangesToBalance(rig);
    expect(counts['shed(wire_full)']).toBeGreaterThan(10);
    expect((counts.offered ?? 0) + (counts['shed(wire_full)'] ?? 0)).toBe(30);
  });

  it('slow: everything that was offered arrives, whole and in order', async () => {
    const request = post(90_000);
    const rig = await startGateway((await origin(request)).port);
    const mirror = await startMirror(rig);
    await ask(rig, 1, request);
    await until('the first arrived', () => mirror.frames.length === 1);
    for (const socket of mirror.sockets) socket.pause();
    await ask(rig, 20, request);
    for (const socket of mirror.sockets) socket.resume();
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 21, offered: 21 });
    for (const frame of mirror.frames) expect(frame.request.toString()).toBe(request);
    await until('the queue is empty', () => rig.status().wire.queuedBytes === 0);
  });

  it('carries exchanges larger than a slab', async () => {
    const request = post(900_000);
    const rig = await startGateway((await origin(request)).port);
    const mirror = await startMirror(rig);
    await ask(rig, 3, request);
    await expectExchangesToBalance(rig, mirror);
    for (const frame of mirror.frames) expect(frame.request.toString()).toBe(request);
  });

  it('carries a ledger at least every 100 ms when nothing happens', async () => {
    const rig = await startGateway((await origin()).port);
    const mirror = await startMirror(rig);
    await until('three ledgers', () => mirror.messages.length > 3, 1_000);
    expect(mirror.messages[2]).toEqual({
      type: 'ledger',
      cells: [],
      nextSeq: 1,
      foldedBefore: 0,
    });
  });

  it('ends with a farewell that carries the final ledger', async () => {
    const rig = await startGateway((await origin()).port);
    const mirror = await startMirror(rig);
    await ask(rig, 2);
    await rig.gateway.drain();
    await until('farewell', () => mirror.messages.at(-1)?.type === 'farewell');
    expect(mirror.nextSeq).toBe(3);
    expect(countsOf(mirror.cells)).toEqual({ seen: 2, offered: 2 });
  });
});

describe('caps and switches', () => {
  it('sheds past the bytes a process may hold, and gives all of them back', async () => {
    const request = post(50_000);
    const rig = await startGateway((await origin(request)).port, {
      gateway: { maxHeldBytes: 60_000 },
    });
    const mirror = await startMirror(rig);
    const holder = await rawCaller(rig.port);
    holder.socket.write(request.slice(0, 30_000));
    await until('bytes are held', () => rig.status().heldBytes === 30_000);
    await ask(rig, 1, request);
    holder.socket.write(request.slice(30_000));
    await untilReceived(holder, OK.length);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 2, offered: 1, 'shed(gateway_memory)': 1 });
  });

  it('stops at mirror.off and says so', async () => {
    const rig = await startGateway((await origin()).port);
    const mirror = await startMirror(rig);
    writeFileSync(`${rig.folder}/mirror.off`, '');
    await until('it is seen', () => rig.status().paused === 'mirror_off', 1_000);
    await ask(rig, 2);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 2, 'paused(mirror_off)': 2 });
  });

  it.each([
    [0, 0, 0],
    [0.25, 20, 80],
    [1, 200, 200],
  ])('at rate %d selects by number, and sends u and rate along', async (rate, min, max) => {
    const rig = await startGateway((await origin()).port, {
      config: { candidates: [candidate(rate)] },
    });
    const mirror = await startMirror(rig);
    await ask(rig, 200);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts.offered ?? 0).toBeGreaterThanOrEqual(min);
    expect(counts.offered ?? 0).toBeLessThanOrEqual(max);
    expect((counts.offered ?? 0) + (counts.not_selected ?? 0)).toBe(200);
    for (const { u, rate: sent } of mirror.frames) {
      expect(sent).toBe(rate);
      expect(rate < 1 ? u < rate : Number.isNaN(u)).toBe(true);
    }
  });

  it('leaves what no route matches alone', async () => {
    const routes = [{ ...ROUTE, path: '/other' }];
    const rig = await startGateway((await origin()).port, { config: { routes } });
    const mirror = await startMirror(rig);
    await ask(rig, 1);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'ineligible(route)': 1 });
  });
});

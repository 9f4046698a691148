/** A gateway that ends: callers are told with their next answer, and nobody's exchange fails. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import type { Config } from '../../src/config/types.ts';
import { until } from '../support/until.ts';
import {
  countsOf,
  expectExchangesToBalance,
  rawCaller,
  startGateway,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n';
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n';
const OK = `${HEAD}\r\nok`;
const CLOSING = `${HEAD}Connection: close\r\n\r\nok`;

/** Answers each request, in pieces. */
async function origin(answer = OK, cut: readonly number[] = [1e9]) {
  const answered = new Map<object, number>();
  return startOrigin((socket, received) => {
    const asked = received.length / GET.length;
    for (let i = answered.get(socket) ?? 0; i + 1 <= asked; i++) {
      answered.set(socket, i + 1);
      void writePieces(socket, Buffer.from(answer), cut);
    }
  });
}

describe('drain', () => {
  it('puts Connection: close into the next answer head, and ends after that answer', async () => {
    for (const cut of [[1e9], [HEAD.length], [HEAD.length - 3], [7]]) {
      const rig = await startGateway((await origin(OK, cut)).port);
      const caller = await rawCaller(rig.port);
      caller.socket.write(GET);
      await untilReceived(caller, OK.length);
      const drained = rig.gateway.drain();
      caller.socket.write(GET);
      await until('the caller is ended', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(OK + CLOSING);
      caller.socket.end();
      await drained;
      expect(countsOf(rig.status().cells)).toEqual({ seen: 2, 'shed(mirror_down)': 2 });
    }
  });

  it('answers all that is pipelined, and closes with the last', async () => {
    const rig = await startGateway((await origin()).port);
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await untilReceived(caller, OK.length);
    const drained = rig.gateway.drain();
    caller.socket.write(GET + GET);
    await until('the caller is ended', () => caller.closed() === 'end');
    const text = caller.received().toString();
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
    expect(text.endsWith(CLOSING)).toBe(true);
    caller.socket.end();
    await drained;
  });

  it('leaves an answer alone that closes anyway', async () => {
    const closing = `${HEAD}connection: Close\r\n\r\nok`;
    const rig = await startGateway((await origin(closing)).port);
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await untilReceived(caller, closing.length);
    const drained = rig.gateway.drain();
    caller.socket.write(GET);
    await untilReceived(caller, 2 * closing.length);
    expect(caller.received().toString()).toBe(closing + closing);
    caller.socket.destroy();
    await drained;
  });

  it('refuses new connections, ends idle ones in time, and is ready no more', async () => {
    const rig = await startGateway((await origin()).port, { gateway: { drainIdleMs: 200 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await untilReceived(caller, OK.length);
    expect(rig.gateway.ready).toBe(true);
    const drained = rig.gateway.drain();
    expect(rig.gateway.ready).toBe(false);
    await expect(rawCaller(rig.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await until('the idle caller is ended', () => caller.closed() === 'end');
    caller.socket.end();
    await drained;
  });

  it('answers a request that has come just as its connection was to be ended for being idle', async () => {
    const rig = await startGateway((await origin()).port, { gateway: { drainIdleMs: 0 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await untilReceived(caller, OK.length);
    await new Promise<void>((resolve) => caller.socket.write(GET, () => resolve()));
    // The kernel has it and this process has not read it: a look now would find the connection idle.
    const drained = rig.gateway.drain();
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK + CLOSING);
    caller.socket.end();
    await drained;
  });

  it('ends what is left at its deadline, and counts it', async () => {
    const silent = await startOrigin(() => undefined);
    const rig = await startGateway(silent.port, { gateway: { drainTimeoutMs: 200 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await until('the request is under way', () => rig.status().open === 1);
    await rig.gateway.drain();
    await until('the caller is closed', () => caller.closed() !== '');
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'shed(gateway_exit)': 1 });
  });

  it('does not wait for a caller that stays when its incumbent has ended before it answered', async () => {
    const cut = await startOrigin((socket) => {
      socket.end(HEAD);
    });
    const rig = await startGateway(cut.port, { gateway: { drainIdleMs: 0 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await untilReceived(caller, HEAD.length);
    await until('the incumbent has ended', () => caller.closed() === 'end');
    const startMs = performance.now();
    await rig.gateway.drain();
    expect(performance.now() - startMs).toBeLessThan(10_000);
    caller.socket.destroy();
    expect(countsOf(rig.status().cells)).toEqual({ seen: 1, 'incumbent_abort(truncated)': 1 });
  });

  it('cuts no body that its incumbent reads after an end of its own', async () => {
    const early = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
    const asked = 'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n';
    const hasty = await startOrigin((socket, received) => {
      if (received.length === asked.length) socket.end(early);
    });
    const rig = await startGateway(hasty.port, { gateway: { drainIdleMs: 0 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(asked);
    await until('the incumbent has ended', () => caller.closed() === 'end');
    const drained = rig.gateway.drain();
    for (const byte of 'body') {
      await new Promise((resolve) => setTimeout(resolve, LIMITS.drainSweepMs * 3));
      caller.socket.write(byte);
    }
    await untilReceived(caller, early.length);
    await until('all of it has come', () => hasty.received[0]?.toString() === `${asked}body`);
    caller.socket.end();
    await drained;
  });

  it('lets a caller that reads slowly have all of its answer', async () => {
    const { rig, caller, bytes } = await startSlowReader({ drainIdleMs: 0 });
    const drained = rig.gateway.drain();
    // Longer than a connection that has been ended may linger.
    await new Promise((resolve) => setTimeout(resolve, LIMITS.lingerMs + 500));
    caller.socket.resume();
    await until('the caller is ended', () => caller.closed() === 'end');
    expect(caller.receivedBytes()).toBe(bytes);
    caller.socket.end();
    await drained;
  });

  it('resets whom it must cut short at its deadline', async () => {
    const { rig, caller } = await startSlowReader({ drainTimeoutMs: 200 });
    await rig.gateway.drain();
    caller.socket.resume();
    await until('the caller is closed', () => caller.closed() === 'ECONNRESET');
  });

  it('lets go of an incumbent that does not end when it is told to', async () => {
    let closed = false;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', () => socket.write(OK));
      const writing = setInterval(() => socket.write('x'), 100);
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(writing);
        closed = true;
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const rig = await startGateway(port, { gateway: { drainIdleMs: 0 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(GET);
    await untilReceived(caller, OK.length);
    caller.socket.end();
    await rig.gateway.drain();
    await until('its connection is gone', () => closed);
  });
});

/**
 * A caller that has not read a byte of an answer of which the incumbent has given all: its end waits in the
 * gateway itself. How much the kernel takes before that, a first caller shows.
 */
async function startSlowReader(gateway: Partial<Config['gateway']>) {
  const piece = Buffer.alloc(16 * 1024, 'a');
  let size = 1e8;
  const pouring = await startOrigin((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    let left = size;
    const pour = (): void => {
      while (left > 0) {
        const bytes = Math.min(left, piece.length);
        left -= bytes;
        if (!socket.write(piece.subarray(0, bytes))) break;
      }
      if (left > 0) socket.once('drain', pour);
    };
    pour();
  });
  const caps = { maxAnswerBytes: 2e8, maxHeldBytes: 3e8 };
  const rig = await startGateway(pouring.port, { gateway: { ...caps, ...gateway } });
  const ask = async () => {
    const caller = await rawCaller(rig.port);
    caller.socket.pause();
    caller.socket.write(GET);
    return caller;
  };
  const first = await ask();
  // What the gateway has read is what it holds.
  let held = 0;
  await until('nothing goes any more', async () => {
    held = rig.status().heldBytes;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return held > 100_000 && rig.status().heldBytes === held;
  });
  first.socket.resetAndDestroy();
  await until('it is over', () => rig.status().open === 0);
  size = held - 32 * 1024;
  const caller = await ask();
  await until('all is read', () => rig.status().seen === 2 && rig.status().open === 0);
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
  return { rig, caller, bytes: head.length + size };
}

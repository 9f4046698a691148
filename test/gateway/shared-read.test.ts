/**
 * All sockets of a gateway read into one buffer. A slow and a fast caller must never see each other's
 * bytes, and this test must be able to see it: with the bug planted, it does.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adoptPublicly, adoptSocket, connectSocket } from '../../src/gateway/shared-read.ts';
import { until } from '../support/until.ts';
import { startGatewayProcess } from './process-rig.ts';
import { rawCaller, startOrigin, untilReceived } from './rig.ts';

const SLOW_BYTES = 24 * 1024 * 1024;
const SLOW_PIECE = Buffer.alloc(64 * 1024, 's');
/** Many times the buffer, so that reads fill all of it. */
const FAST_BODY = Buffer.alloc(2 * 1024 * 1024, 'f');
const FAST_HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${FAST_BODY.length}\r\n\r\n`;
const FAST = Buffer.concat([Buffer.from(FAST_HEAD), FAST_BODY]);
const SLOW_HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${SLOW_BYTES}\r\n\r\n`;
/** A slow answer that has not moved while so many fast ones passed the same loop does not move. */
const STILL_ROUNDS = 3;
const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

/** Answers /slow piece by piece, as far as it is taken, and /fast at once. */
async function startSlowAndFast() {
  const slow = { pieces: 0 };
  const origin = await startOrigin((socket, received) => {
    if (!received.includes('/slow')) {
      socket.write(FAST);
      return;
    }
    socket.write(SLOW_HEAD);
    const pour = (): void => {
      for (; slow.pieces * SLOW_PIECE.length < SLOW_BYTES; ) {
        slow.pieces += 1;
        if (!socket.write(SLOW_PIECE)) return;
      }
    };
    socket.on('drain', pour);
    pour();
  });
  return { origin, slow };
}

/** A slow and a fast caller through a gateway; @returns how many of the slow one's bytes are not its own. */
async function foreignBytes(nodeArgs: readonly string[]): Promise<number> {
  const { origin, slow: poured } = await startSlowAndFast();
  const gateway = await startGatewayProcess(origin.port, { nodeArgs });
  const slow = await rawCaller(gateway.port);
  slow.socket.pause();
  slow.socket.write(ask('/slow'));
  // With the bug planted, its request could be overwritten while it waits for its connection.
  await until('the slow answer is under way', () => poured.pieces > 0);
  const fast = await rawCaller(gateway.port);
  let still = 0;
  for (let i = 1; still < STILL_ROUNDS; i++) {
    const before = poured.pieces;
    fast.socket.write(ask('/fast'));
    await untilReceived(fast, i * FAST.length);
    still = poured.pieces === before ? still + 1 : 0;
  }
  // A write to the slow caller waits, and since then the fast one's bytes have filled the buffer.
  expect(poured.pieces * SLOW_PIECE.length).toBeLessThan(SLOW_BYTES);
  slow.socket.resume();
  const received = await untilReceived(slow, SLOW_HEAD.length + SLOW_BYTES);
  let foreign = 0;
  for (let at = SLOW_HEAD.length; at < received.length; at++)
    if (received[at] !== 115) foreign += 1;
  return foreign;
}

describe('the shared read buffer', () => {
  it('never lets a slow and a fast caller see each other’s bytes', async () => {
    expect(await foreignBytes([])).toBe(0);
  });

  it('would be caught if a view of it were passed on: the planted bug shows', async () => {
    const preload = join(import.meta.dirname, 'preload/plant-shared-view.mjs');
    expect(await foreignBytes(['--import', preload])).toBeGreaterThan(0);
  });
});

describe('adoptPublicly', () => {
  it('reads with public API alone, pauses on false and goes on after resume', async () => {
    const reads: Buffer[] = [];
    let paused = false;
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
      const socket = adoptPublicly(accepted, (bytes) => {
        reads.push(bytes);
        paused = true;
        setImmediate(() => {
          paused = false;
          socket.resume();
        });
        return false;
      });
      socket.on('data', () => expect(paused).toBe(true));
      socket.on('end', () => socket.end('bye'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const caller = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
    caller.end(Buffer.alloc(1_000_000, 'x'));
    const [answer] = await once(caller, 'data');
    expect(String(answer)).toBe('bye');
    expect(Buffer.concat(reads)).toHaveLength(1_000_000);
    expect(reads.length).toBeGreaterThan(1);
  });
});

describe('a socket that is reset right after its end', () => {
  it('is reset, and over, on both sides', async () => {
    const resets: Promise<unknown>[] = [];
    const closes: Promise<unknown>[] = [];
    const endAndReset = (socket: Socket): void => {
      const errors: Error[] = [];
      socket.on('error', (error) => errors.push(error));
      closes.push(once(socket, 'close').then(() => errors));
      socket.end();
      socket.resetAndDestroy();
    };
    const sockets = await startOrigin(() => undefined);
    const upstream = connectSocket({ host: '127.0.0.1', port: sockets.port }, () => true);
    await once(upstream, 'connect');
    await until('accepted', () => sockets.sockets.length === 1);
    const [peer] = sockets.sockets;
    if (peer !== undefined) resets.push(once(peer, 'close'));
    endAndReset(upstream);
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
      endAndReset(adoptSocket(accepted, () => true));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    const caller = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    caller.on('error', () => undefined);
    resets.push(new Promise((resolve) => caller.once('close', resolve)));
    await Promise.all(resets);
    expect(await Promise.all(closes)).toEqual([[], []]);
  });
});

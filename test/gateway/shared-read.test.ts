/**
 * All sockets of a gateway read into one buffer. A slow and a fast caller must never see each other's
 * bytes, and this test must be able to see it: with the bug planted, it does.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adoptPublicly } from '../../src/gateway/shared-read.ts';
import { until } from '../support/until.ts';
import { startGatewayProcess } from './process-rig.ts';
import { rawCaller, startOrigin, untilReceived } from './rig.ts';

const SLOW_BYTES = 24 * 1024 * 1024;
const FAST_BODY = 'f'.repeat(30_000);
const FAST = `HTTP/1.1 200 OK\r\nContent-Length: ${FAST_BODY.length}\r\n\r\n${FAST_BODY}`;
const SLOW_HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${SLOW_BYTES}\r\n\r\n`;
const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

/** A slow and a fast caller through a gateway; @returns how many of the slow one's bytes are not its own. */
async function foreignBytes(nodeArgs: readonly string[]): Promise<number> {
  const origin = await startOrigin((socket, received) => {
    if (received.includes('/slow')) {
      socket.write(SLOW_HEAD);
      socket.write(Buffer.alloc(SLOW_BYTES, 's'));
    } else {
      socket.write(FAST);
    }
  });
  const gateway = await startGatewayProcess(origin.port, { nodeArgs });
  const slow = await rawCaller(gateway.port);
  slow.socket.pause();
  slow.socket.write(ask('/slow'));
  let last = -1;
  await until('writes to the slow caller wait', async () => {
    const before = last;
    last = origin.sockets[0]?.writableLength ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return last > 0 && last === before;
  });
  const fast = await rawCaller(gateway.port);
  for (let i = 1; i <= 20; i++) {
    fast.socket.write(ask('/fast'));
    await untilReceived(fast, i * FAST.length);
  }
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

  it('would be caught if a view of it were passed on: the planted bug shows', {
    timeout: 90_000,
  }, async () => {
    const preload = join(import.meta.dirname, 'preload/plant-shared-view.mjs');
    // Which bytes the kernel takes at once is the kernel's affair: on a busy machine a round can show none.
    let foreign = 0;
    for (let round = 0; round < 6 && foreign === 0; round++) {
      foreign += await foreignBytes(['--import', preload]);
    }
    expect(foreign).toBeGreaterThan(0);
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

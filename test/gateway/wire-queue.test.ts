import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WireQueue } from '../../src/gateway/wire-queue.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

async function socketPair(): Promise<Pair> {
  const server = createServer();
  server.listen(join(tempFolder(), 'w.sock'));
  await once(server, 'listening');
  const near = connect({ path: String(server.address()) });
  const [far] = await once(server, 'connection');
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

/** Messages, and pauses between them: the reader stops, goes on, the loop turns, the queue is flushed. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.nat(40_000).map((size) => ({ kind: 'message', size })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'message', size: 300_000 }) },
    {
      weight: 4,
      arbitrary: fc.constantFrom('turn', 'wait', 'flush', 'pause', 'resume').map((kind) => ({
        kind,
        size: 0,
      })),
    },
  ),
  { minLength: 20, maxLength: 80 },
);

async function run(queue: WireQueue, far: Socket, step: { kind: string; size: number }, n: number) {
  if (step.kind === 'message') {
    const message = Buffer.alloc(step.size + 1, n);
    queue.push(message);
    return message;
  }
  if (step.kind === 'turn') await new Promise((resolve) => setImmediate(resolve));
  if (step.kind === 'wait') await new Promise((resolve) => setTimeout(resolve, 3));
  if (step.kind === 'flush') queue.flush();
  if (step.kind === 'pause') far.pause();
  if (step.kind === 'resume') far.resume();
  return Buffer.alloc(0);
}

describe('WireQueue', () => {
  it('delivers every byte once and in order, however slowly it is read', async () => {
    const { near, far } = await socketPair();
    let received: Buffer[] = [];
    far.on('data', (chunk) => received.push(chunk));
    const queue = new WireQueue(1e9);
    queue.attach(near);
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        received = [];
        const sent: Buffer[] = [];
        for (const [n, step] of list.entries()) sent.push(await run(queue, far, step, n));
        far.resume();
        queue.flush();
        const expected = Buffer.concat(sent);
        await until('the queue is empty', () => queue.queuedBytes === 0);
        await until('all arrived', () => {
          return received.reduce((sum, { length }) => sum + length, 0) >= expected.length;
        });
        expect(Buffer.concat(received).equals(expected)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('does not reuse a slab of which the socket still holds a part', async () => {
    const { near, far } = await socketPair();
    far.pause();
    const received: Buffer[] = [];
    const queue = new WireQueue(1e9);
    queue.attach(near);
    const sent = [
      Buffer.alloc(60_000, 'a'),
      Buffer.alloc(190_000, 'b'),
      Buffer.alloc(260_000, 'c'),
    ];
    for (const message of sent.slice(0, 2)) {
      queue.push(message);
      queue.flush();
    }
    await until('the first was let go, the second not', () => queue.queuedBytes === 190_000);
    queue.push(sent[2] ?? Buffer.alloc(0));
    queue.flush();
    far.on('data', (chunk) => received.push(chunk));
    far.resume();
    await until('the queue is empty', () => queue.queuedBytes === 0);
    await until('all arrived', () => Buffer.concat(received).length === 510_000);
    expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
  });

  it('hands over what waits by itself, within a few milliseconds', async () => {
    const { near, far } = await socketPair();
    const queue = new WireQueue(1_000);
    queue.attach(near);
    queue.push(Buffer.from('now'));
    const [chunk] = await once(far, 'data');
    expect(String(chunk)).toBe('now');
  });

  it('has room up to its limit, and all of it again after a detach', async () => {
    const { near } = await socketPair();
    const queue = new WireQueue(1_000);
    queue.attach(near);
    queue.push(Buffer.alloc(900));
    expect([queue.hasRoom(100), queue.hasRoom(101), queue.queuedBytes]).toEqual([true, false, 900]);
    queue.flush();
    queue.detach();
    expect([queue.hasRoom(1_000), queue.queuedBytes]).toEqual([true, 0]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // The dead socket's write is done by now: it must not be counted again.
    expect(queue.queuedBytes).toBe(0);
  });
});

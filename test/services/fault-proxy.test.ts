import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { FaultProxy, type Toxic } from './fault-proxy.ts';

let target: Server;
let proxy: FaultProxy;
let atTarget: Socket[] = [];
/** How the target serves a connection; default: sends back what it gets. */
let serve: (socket: Socket) => void;

beforeEach(async () => {
  atTarget = [];
  serve = (socket) => void socket.on('data', (bytes) => socket.write(bytes));
  target = createServer({ allowHalfOpen: true }, (socket) => {
    atTarget.push(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    serve(socket);
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  proxy = await FaultProxy.start({ target: { host: '127.0.0.1', port }, random: () => 0.5 });
});

afterEach(async () => {
  await proxy.close();
  for (const socket of atTarget) socket.destroy();
  target.close();
});

/** What a caller sees. */
class Caller {
  readonly socket: Socket;
  readonly startMs = performance.now();
  received = Buffer.alloc(0);
  pieces = 0;
  firstMs = 0;
  ended = false;
  error = '';

  constructor() {
    this.socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes: Buffer) => {
      if (this.pieces === 0) this.firstMs = performance.now() - this.startMs;
      this.pieces += 1;
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? '';
    });
  }

  gets(text: string): Promise<unknown> {
    return until(`"${text.slice(0, 20)}"`, () => this.received.toString() === text);
  }

  get elapsedMs(): number {
    return performance.now() - this.startMs;
  }
}

function call(text: string): Caller {
  const caller = new Caller();
  caller.socket.write(text);
  return caller;
}

test('without toxics bytes and ends pass as they are, half-closes too', async () => {
  const caller = call('hello');
  await caller.gets('hello');
  caller.socket.end('bye');
  await caller.gets('hellobye');
  await until('end', () => caller.ended);
  await until('forgotten', () => proxy.connections === 0);
});

test('a large body passes whole', async () => {
  const body = Buffer.alloc(5_000_000, 'abcdefg');
  const caller = new Caller();
  caller.socket.write(body);
  await until('all', () => caller.received.length === body.length);
  expect(caller.received.equals(body)).toBe(true);
});

test('a reset is passed on as one, in both directions', async () => {
  const first = call('a');
  await first.gets('a');
  atTarget[0]?.resetAndDestroy();
  await until('reset', () => first.error === 'ECONNRESET');
  const second = call('b');
  await second.gets('b');
  second.socket.resetAndDestroy();
  await until('reset at the target', () => atTarget[1]?.destroyed === true);
});

test('latency delays bytes, and not their rate', async () => {
  proxy.add({ type: 'latency', latencyMs: 150 });
  const caller = call('x');
  await caller.gets('x');
  expect(caller.firstMs).toBeGreaterThanOrEqual(149);
  const startMs = performance.now();
  for (let i = 0; i < 20; i += 1) caller.socket.write('y');
  await caller.gets(`x${'y'.repeat(20)}`);
  // One after the other would be 3 s.
  expect(performance.now() - startMs).toBeLessThan(1_500);
});

test('bandwidth holds bytes to a rate', async () => {
  proxy.add({ type: 'bandwidth', bytesPerSecond: 100_000 }, 'upstream');
  const caller = call('x'.repeat(50_000));
  await until('all', () => caller.received.length === 50_000);
  expect(caller.elapsedMs).toBeGreaterThanOrEqual(490);
});

test('slow_close delays the end, not the bytes', async () => {
  serve = (socket) => socket.end('answer');
  proxy.add({ type: 'slow_close', delayMs: 200 });
  const caller = call('x');
  await caller.gets('answer');
  const gotMs = caller.firstMs;
  expect(caller.ended).toBe(false);
  await until('end', () => caller.ended);
  expect(caller.elapsedMs - gotMs).toBeGreaterThanOrEqual(190);
});

test('timeout swallows bytes of its direction: a request arrives, its answer does not; then it closes', async () => {
  proxy.add({ type: 'timeout', timeoutMs: 200 }, 'downstream');
  let arrived = '';
  serve = (socket) =>
    void socket.on('data', (bytes: Buffer) => {
      arrived += bytes.toString();
      socket.write('answer');
    });
  const caller = call('request');
  await until('closed', () => caller.ended || caller.error !== '');
  expect(arrived).toBe('request');
  expect(caller.received.length).toBe(0);
  expect(caller.elapsedMs).toBeGreaterThanOrEqual(190);
});

test('timeout 0 never closes, and lets go when it is taken away', async () => {
  const remove = proxy.add({ type: 'timeout', timeoutMs: 0 });
  const caller = call('lost');
  await until('arrived', () => (atTarget[0]?.bytesRead ?? 0) === 4);
  remove();
  caller.socket.write('found');
  await caller.gets('found');
});

test('reset_peer resets both sides after its time', async () => {
  const caller = call('x');
  await caller.gets('x');
  let atServer = '';
  atTarget[0]?.on('error', (error: NodeJS.ErrnoException) => {
    atServer = error.code ?? '';
  });
  proxy.add({ type: 'reset_peer', timeoutMs: 50 });
  await until('reset', () => caller.error === 'ECONNRESET' && atServer === 'ECONNRESET');
});

test('slicer cuts bytes into pieces, in order', async () => {
  proxy.add({ type: 'slicer', averageBytes: 10, variationBytes: 5, delayMs: 3 });
  const text = Array.from({ length: 100 }, (_, i) => String(i % 10)).join('');
  const caller = call(text);
  await caller.gets(text);
  expect(caller.pieces).toBeGreaterThan(3);
  expect(caller.elapsedMs).toBeGreaterThanOrEqual(29);
});

test('limit_data closes after so many bytes, those that passed before it included', async () => {
  const caller = call('12345');
  await caller.gets('12345');
  proxy.add({ type: 'limit_data', bytes: 8 });
  caller.socket.write('67890');
  await until('closed', () => caller.ended || caller.error !== '');
  expect(caller.received.toString()).toBe('12345678');
});

test('down refuses and closes, up serves again on the same port', async () => {
  const caller = call('x');
  await caller.gets('x');
  const { port } = proxy;
  await proxy.down();
  await until('closed', () => caller.ended || caller.error !== '');
  const refused = call('y');
  await until('refused', () => refused.error === 'ECONNREFUSED');
  await proxy.up();
  expect(proxy.port).toBe(port);
  await call('z').gets('z');
});

test('toxicity spares connections, one draw each; a toxic of one direction spares the other', async () => {
  const toxic: Toxic = { type: 'timeout', timeoutMs: 0 };
  proxy.add(toxic, 'downstream', 0.4); // the test draws 0.5
  await call('spared').gets('spared');
  proxy.add(toxic, 'downstream', 0.6);
  const caller = call('hit');
  await until('arrived', () => (atTarget[1]?.bytesRead ?? 0) === 3);
  expect(caller.received.length).toBe(0);
  proxy.clear();
  caller.socket.write('free');
  await caller.gets('free');
});

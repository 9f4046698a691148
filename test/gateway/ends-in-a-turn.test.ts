/**
 * What a connection gives and how it ends, read in one turn of the event loop: the bytes go first. Real sockets
 * do that only where TLS hands over both at once or both directions are over, so the two sides are played here.
 */
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Endpoint } from '../../src/config/types.ts';
import type { ByteConnection, OnBytes } from '../../src/gateway/byte-connection.ts';
import { SYSTEM_RESOLVER } from '../../src/gateway/resolve-name.ts';
import { Splice } from '../../src/gateway/splice.ts';
import { Upstream } from '../../src/gateway/upstream.ts';
import type { Attempt } from '../../src/gateway/upstream-tls.ts';
import { LogLines } from '../../src/telemetry/log-lines.ts';
import { countsOf, gatewayConfig, PLAIN_UPSTREAM, startGateway, startMirror } from './rig.ts';

const REQUEST = Buffer.from('POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}');
const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"b"');

/** One side: what was done to it, in order, and whatever a test has it say. */
class Side extends EventEmitter implements ByteConnection {
  readonly told: string[] = [];
  writableEnded = false;
  destroyed = false;
  readonly writableLength = 0;
  readonly writableNeedDrain = false;

  write(bytes: Buffer): boolean {
    if (this.writableEnded || this.destroyed) throw new Error('written after its end');
    this.told.push(bytes.toString('latin1'));
    return true;
  }

  end(): void {
    this.writableEnded = true;
    this.told.push('end');
  }

  destroy(): void {
    this.destroyed = true;
    this.told.push('destroyed');
  }

  resetAndDestroy(): void {
    this.destroyed = true;
    this.told.push('reset');
  }

  pause(): void {}
  resume(): void {}
}

class PlayedUpstream extends Upstream {
  readonly side = new Side();
  answer: OnBytes = () => true;

  override connect(_to: Endpoint, _head: Buffer | null, onBytes: OnBytes, attempt: Attempt): Side {
    this.answer = onBytes;
    setImmediate(() => attempt.opened());
    return this.side;
  }
}

/** A splice of a real gateway between two sides that are played. */
async function play() {
  const rig = await startGateway(1);
  onTestFinished(() => rig.gateway.drain());
  await startMirror(rig);
  const config = gatewayConfig(rig.folder, 1);
  const incumbent = new PlayedUpstream({
    listener: 'main',
    incumbent: { host: '127.0.0.1', port: 1 },
    upstream: PLAIN_UPSTREAM,
    gateway: config.gateway,
    resolver: SYSTEM_RESOLVER,
    log: new LogLines({ process: 'gw0', level: 'error' }),
  });
  const caller = new Side();
  let ask: OnBytes = () => true;
  const openCaller = (onBytes: OnBytes) => {
    ask = onBytes;
    return caller;
  };
  const info = { secure: false, addresses: null };
  const options = { caller: info, upstream: incumbent, insert: null, refuse: false };
  new Splice(openCaller, options, rig.gateway);
  return {
    caller,
    incumbent,
    ask: (bytes: Buffer) => ask(bytes),
    counts: () => countsOf(rig.status().cells),
  };
}

test('a request and the caller’s end: the request goes first, and then the end', async () => {
  const { caller, incumbent, ask } = await play();
  ask(REQUEST);
  caller.emit('end');
  await turn();
  await turn();
  expect(incumbent.side.told).toEqual([REQUEST.toString(), 'end']);
  expect(caller.told).toEqual([]);
});

test('an answer and the incumbent’s end: the answer goes first, and is offered', async () => {
  const { caller, incumbent, ask, counts } = await play();
  ask(REQUEST);
  await turn();
  await turn();
  incumbent.answer(ANSWER);
  incumbent.side.emit('end');
  await turn();
  expect(caller.told).toEqual([ANSWER.toString(), 'end']);
  expect(counts()).toEqual({ seen: 1, offered: 1 });
});

test('half an answer and the incumbent’s reset: the half goes first, and then the reset', async () => {
  const { caller, incumbent, ask, counts } = await play();
  ask(REQUEST);
  await turn();
  await turn();
  incumbent.answer(ANSWER.subarray(0, 20));
  incumbent.side.emit('error', Object.assign(new Error('read'), { code: 'ECONNRESET' }));
  await turn();
  expect(caller.told).toEqual([ANSWER.subarray(0, 20).toString(), 'reset']);
  expect(counts()).toEqual({ seen: 1, 'incumbent_abort(reset)': 1 });
});

test.each(['error', 'close'])(
  'an answer and the caller’s %s: it had been answered',
  async (event) => {
    const { caller, incumbent, ask, counts } = await play();
    ask(REQUEST);
    await turn();
    await turn();
    incumbent.answer(ANSWER);
    caller.emit(event, Object.assign(new Error('read'), { code: 'ECONNRESET' }));
    await turn();
    expect(counts()).toEqual({ seen: 1, offered: 1 });
  },
);

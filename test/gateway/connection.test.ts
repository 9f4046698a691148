/** Ends, resets, errors and slow peers: what a caller sees, and how the books end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { FLAG_DOWNSTREAM_PAUSED, FLAG_EARLY } from '../../src/wire/messages.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  PLAIN_UPSTREAM,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
} from './rig.ts';

const POST = 'POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi';
const HEAD = POST.slice(0, -2);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers each whole request with `OK`. */
function echoing() {
  let answered = 0;
  return startOrigin((socket, received) => {
    const asked = received.toString('latin1').split(POST).length - 1;
    for (; answered < asked; answered++) socket.write(OK);
  });
}

/** Waits until the origin's bytes no longer move; @returns how many of them wait with it. */
function untilStopped(sockets: readonly Socket[]): Promise<number> {
  let last = 0;
  let since = 0;
  return until('the incumbent is stopped', () => {
    const length = sockets[0]?.writableLength ?? 0;
    since = length === last ? since + 1 : 0;
    last = length;
    return length > 0 && since >= 20 && length;
  });
}

/** A port whose accept queue is full, of a process that is stopped: the kernel drops each SYN. */
async function deafPort(): Promise<number> {
  const script =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }," +
    ' () => process.stdout.write(String(s.address().port)))';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const fillers = [1, 2, 3].map(() => connect({ port: Number(port), host: '127.0.0.1' }));
  onTestFinished(() => {
    for (const filler of fillers) filler.destroy();
  });
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')));
  return Number(port);
}

describe('opening', () => {
  it('opens no upstream connection before the first byte', async () => {
    const origin = await echoing();
    const rig = await startGateway(origin.port);
    const probe = await rawCaller(rig.port);
    probe.socket.end();
    await until('the probe is closed', () => probe.closed() === 'end');
    await until('the gateway has forgotten it', () => rig.status().connections.open === 0);
    expect(origin.sockets).toHaveLength(0);
    const caller = await rawCaller(rig.port);
    caller.socket.write('P');
    await until('the upstream is open', () => origin.sockets.length === 1);
  });

  it.each([
    ['GET', '', 502, 'UND_INCUMBENT_REFUSED', 'incumbent_unreachable(refused)'],
    ['HEAD', '', 502, '', 'incumbent_unreachable(refused)'],
    [
      'GET',
      'nowhere.invalid',
      502,
      'UND_INCUMBENT_UNRESOLVED',
      'incumbent_unreachable(unresolved)',
    ],
  ])('answers %s of %s with %i %s and closes', async (method, host, status, code, state) => {
    const port = await freePort();
    const listeners = [
      {
        name: 'main',
        address: { host: '127.0.0.1', port: 0 },
        incumbent: { host: host || '127.0.0.1', port },
        upstream: PLAIN_UPSTREAM,
        tls: null,
        insert: DEFAULTS.listener.insert,
        proxy: null,
      },
    ];
    const rig = await startGateway(port, { config: { listeners } });
    const caller = await rawCaller(rig.port);
    const request = `${method} /x HTTP/1.1\r\nHost: h\r\n\r\n`;
    caller.socket.write(request + request);
    await until('closed', () => caller.closed() === 'end');
    const text = caller.received().toString();
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text).toContain('\r\nConnection: close\r\n');
    expect(text).toContain('\r\nContent-Type: application/problem+json\r\n');
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    if (code === '') expect(body).toBe('');
    else expect(JSON.parse(body)).toMatchObject({ status, code, type: 'about:blank' });
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 2, [state]: 2 });
  });

  it('answers 504 when the incumbent does not accept in time', async () => {
    const rig = await startGateway(await deafPort(), { gateway: { connectTimeoutMs: 150 } });
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('closed', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 504 .*UND_INCUMBENT_TIMEOUT/s);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(timeout)': 1 });
  });

  it('answers 503 over the connection cap, once there is a request, and serves the others', async () => {
    const origin = await echoing();
    const rig = await startGateway(origin.port, { gateway: { maxConnections: 1 } });
    const first = await rawCaller(rig.port);
    await until('the first is open', () => rig.status().connections.open === 1);
    const second = await rawCaller(rig.port);
    second.socket.write(POST);
    await until('the second is closed', () => second.closed() === 'end');
    expect(second.received().toString()).toMatch(/^HTTP\/1.1 503 .*UND_GATEWAY_BUSY/s);
    first.socket.write(POST);
    await untilReceived(first, OK.length);
    expect(first.received().toString()).toBe(OK);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 2, 'refused(busy)': 1, 'shed(mirror_down)': 1 });
  });

  it('hangs up on what is not HTTP when there is no incumbent', async () => {
    const rig = await startGateway(await freePort());
    const caller = await rawCaller(rig.port);
    caller.socket.write('\x16\x03\x01\x00\x00');
    await until('reset', () => caller.closed() === 'ECONNRESET');
    expect(caller.received()).toHaveLength(0);
  });
});

describe('ending', () => {
  it('keeps a half-close of the caller: the answer still comes', async () => {
    let ended = false;
    const origin = await startOrigin((socket, received) => {
      if (received.length < POST.length) return;
      socket.removeAllListeners('end');
      socket.on('end', () => {
        ended = true;
        socket.end(OK);
      });
    });
    const rig = await startGateway(origin.port);
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    caller.socket.end(POST);
    await until('the caller got the end', () => caller.closed() === 'end');
    expect(ended).toBe(true);
    expect(caller.received().toString()).toBe(OK);
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('keeps a half-close of the incumbent: the rest of the request still goes', async () => {
    const origin = await startOrigin((socket, received) => {
      if (received.length === HEAD.length) socket.end(OK);
    });
    const rig = await startGateway(origin.port);
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    caller.socket.write(HEAD);
    await until('answered and ended', () => caller.closed() === 'end');
    caller.socket.end('hi');
    await until('the incumbent has all', () => origin.received[0]?.toString() === POST);
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
    expect(mirror.frames[0]?.flags).toBe(FLAG_EARLY);
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('passes a reset of the incumbent on as a reset, after all bytes before it', async () => {
    const part = OK.slice(0, -1);
    const origin = await startOrigin((socket) => {
      socket.write(part, () => socket.resetAndDestroy());
    });
    const rig = await startGateway(origin.port);
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('the caller is reset', () => caller.closed() === 'ECONNRESET');
    expect(part.startsWith(caller.received().toString())).toBe(true);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'incumbent_abort(reset)': 1 });
  });

  it('passes a reset of the caller on as a reset', async () => {
    let code = '';
    const origin = await startOrigin((socket) => {
      socket.on('error', (error) => {
        code = String(Reflect.get(error, 'code'));
      });
    });
    const rig = await startGateway(origin.port);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('the request arrived', () => origin.received[0]?.length === POST.length);
    caller.socket.resetAndDestroy();
    await until('the incumbent is reset', () => code === 'ECONNRESET');
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'client_abort(reset)': 1 });
  });

  it('ends a truncated answer as truncated, cleanly', async () => {
    const origin = await startOrigin((socket) => socket.end(OK.slice(0, -1)));
    const rig = await startGateway(origin.port);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK.slice(0, -1));
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_abort(truncated)': 1 });
  });

  it('ends a truncated request as the caller truncated it', async () => {
    const origin = await startOrigin(() => undefined);
    const rig = await startGateway(origin.port);
    const caller = await rawCaller(rig.port);
    caller.socket.end(POST.slice(0, -1));
    await until('the end came back', () => caller.closed() === 'end');
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'client_abort(truncated)': 1 });
  });

  it('counts an exchange once whose incumbent gave up before its request was complete', async () => {
    const origin = await startOrigin((socket, received) => {
      if (received.length === HEAD.length) socket.end();
    });
    const rig = await startGateway(origin.port);
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    caller.socket.write(HEAD);
    await until('ended', () => caller.closed() === 'end');
    caller.socket.end('hi');
    await until('the incumbent has all', () => origin.received[0]?.toString() === POST);
    await until('nothing is left', () => rig.status().connections.open === 0);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'incumbent_abort(truncated)': 1 });
  });

  it('closes without bytes where a reused upstream closes before it answers', async () => {
    const origin = await startOrigin((socket, received) => {
      if (received.length === POST.length) socket.write(OK);
      else socket.end();
    });
    const rig = await startGateway(origin.port);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await untilReceived(caller, OK.length);
    caller.socket.write(POST);
    await until('ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({
      seen: 2,
      'shed(mirror_down)': 1,
      'incumbent_abort(truncated)': 1,
    });
  });
});

describe('pace', () => {
  it('passes back-pressure on: a caller that does not read stops the incumbent', async () => {
    const size = 64 * 1024 * 1024;
    const origin = await startOrigin((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 120));
    });
    const rig = await startGateway(origin.port, { gateway: { maxAnswerBytes: 1e6 } });
    const caller = await rawCaller(rig.port);
    caller.socket.pause();
    caller.socket.write(POST);
    const before = process.memoryUsage().arrayBuffers;
    const waiting = await untilStopped(origin.sockets);
    expect(waiting).toBeGreaterThan(size / 2);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size + 16e6);
    caller.socket.resume();
    const received = await untilReceived(caller, size);
    expect(received.length).toBeGreaterThan(size);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'shed(answer_too_large)': 1 });
  });

  it('flags an exchange whose caller read slowly', async () => {
    const size = 40 * 1024 * 1024;
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
    const origin = await startOrigin((socket) => {
      socket.write(head);
      socket.write(Buffer.alloc(size, 120));
    });
    const rig = await startGateway(origin.port, { gateway: { maxAnswerBytes: 1e8 } });
    const frames: number[] = [];
    const offer = rig.gateway.offer.bind(rig.gateway);
    rig.gateway.offer = (exchange) => {
      frames.push(exchange.flags);
      return offer(exchange);
    };
    const caller = await rawCaller(rig.port);
    caller.socket.pause();
    caller.socket.write(POST);
    await untilStopped(origin.sockets);
    caller.socket.resume();
    await untilReceived(caller, head.length + size);
    await until('offered', () => frames.length === 1);
    expect(frames).toEqual([FLAG_DOWNSTREAM_PAUSED]);
  });

  it('forwards a first byte at once', async () => {
    const origin = await startOrigin((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
    });
    const rig = await startGateway(origin.port);
    const caller = await rawCaller(rig.port);
    const started = performance.now();
    caller.socket.write(POST);
    await untilReceived(caller, 60);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('opaque connections', () => {
  it('relays a WebSocket both ways, untouched and never mirrored', async () => {
    const request =
      'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n';
    const accepted = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
    const origin = await startOrigin((socket, received) => {
      if (received.length === request.length) socket.write(accepted);
      else socket.write(received.subarray(request.length));
    });
    const rig = await startGateway(origin.port);
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    caller.socket.write(request);
    await untilReceived(caller, accepted.length);
    caller.socket.write(Buffer.from([0x81, 0x02, 0x68, 0x69]));
    const received = await untilReceived(caller, accepted.length + 4);
    expect(received.subarray(-4)).toEqual(Buffer.from([0x81, 0x02, 0x68, 0x69]));
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'ineligible(upgrade)': 1 });
    expect(rig.status().connections).toMatchObject({ opaque: { upgrade: 1 }, opaqueBytes: 8 });
  });

  it('passes back-pressure on, like any other', async () => {
    const size = 64 * 1024 * 1024;
    const request = 'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n';
    const accepted = 'HTTP/1.1 101 Switching\r\n\r\n';
    const origin = await startOrigin((socket) => {
      socket.write(accepted);
      socket.write(Buffer.alloc(size, 120));
    });
    const rig = await startGateway(origin.port);
    const caller = await rawCaller(rig.port);
    caller.socket.pause();
    caller.socket.write(request);
    expect(await untilStopped(origin.sockets)).toBeGreaterThan(size / 2);
    caller.socket.resume();
    expect(await untilReceived(caller, accepted.length + size)).toHaveLength(
      accepted.length + size,
    );
  });

  it('settles what is open when a later request is in doubt, and relays on', async () => {
    const doubtful =
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx';
    const origin = await startOrigin((socket, received) => {
      if (received.length === POST.length + doubtful.length) socket.write(OK + OK);
    });
    const rig = await startGateway(origin.port);
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST + doubtful);
    const received = await untilReceived(caller, 2 * OK.length);
    expect(received.toString()).toBe(OK + OK);
    const counts = await expectExchangesToBalance(rig, mirror);
    expect(counts).toEqual({ seen: 1, 'ineligible(opaque)': 1 });
    expect(rig.status().connections.opaque).toEqual({ content_length: 1 });
  });
});

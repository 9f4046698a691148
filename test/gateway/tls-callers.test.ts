/** TLS with callers: bytes, ends, resets and pace are as in plain; TLS 1.2 and 1.3. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  type OriginScript,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';
import {
  AUTHORITY,
  SERVER_NAME,
  tlsCaller,
  tlsListener,
  VERSIONS,
  writeServerCertificate,
} from './tls-rig.ts';

const POST = 'POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi';
const HEAD = POST.slice(0, -2);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A gateway with TLS in front of a plain incumbent. */
async function start(script: OriginScript, gateway = {}) {
  const origin = await startOrigin(script);
  const files = writeServerCertificate(tempFolder());
  const rig = await startGateway(origin.port, {
    gateway,
    config: { listeners: [tlsListener(origin.port, files)] },
  });
  return { origin, rig };
}

describe.each(VERSIONS)('a caller with %s', (version) => {
  it('gets the bytes of the incumbent, which gets its own', async () => {
    const { origin, rig } = await start((socket, received) => {
      if (received.toString().endsWith('hi')) socket.write(OK);
    });
    const mirror = await startMirror(rig);
    const caller = await tlsCaller(rig.port, { version });
    expect(caller.socket.getProtocol()).toBe(version);
    await writePieces(caller.socket, Buffer.from(POST), [1]);
    await untilReceived(caller, OK.length);
    caller.socket.write(POST);
    await untilReceived(caller, 2 * OK.length);
    expect(caller.received().toString()).toBe(OK + OK);
    expect(origin.received.map(String)).toEqual([POST + POST]);
    expect(rig.status().tls[0]?.handshakes).toEqual({ ok: 1 });
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 2, offered: 2 });
    expect(mirror.frames.map((frame) => Buffer.from(frame.request).toString())).toEqual([
      POST,
      POST,
    ]);
  });

  it('may half-close: the answer still comes', async () => {
    let ended = false;
    const { rig } = await start((socket) => {
      socket.removeAllListeners('end');
      socket.on('end', () => {
        ended = true;
        socket.end(OK);
      });
    });
    const mirror = await startMirror(rig);
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.end(POST);
    await until('the caller got the end', () => caller.closed() === 'end');
    expect(ended).toBe(true);
    expect(caller.received().toString()).toBe(OK);
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('keeps a half-close of the incumbent: the rest of the request still goes', async () => {
    const { origin, rig } = await start((socket, received) => {
      if (received.length === HEAD.length) socket.end(OK);
    });
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.write(HEAD);
    await until('answered and ended', () => caller.closed() === 'end');
    caller.socket.end('hi');
    await until('the incumbent has all', () => origin.received[0]?.toString() === POST);
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('sees a reset of the incumbent as a reset, after all bytes before it', async () => {
    const part = OK.slice(0, -1);
    const { rig } = await start((socket) => {
      socket.write(part, () => setTimeout(() => socket.resetAndDestroy(), 50));
    });
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.write(POST);
    await until('the caller is reset', () => caller.closed() === 'ECONNRESET');
    expect(caller.received().toString()).toBe(part);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_abort(reset)': 1 });
  });

  it('passes its own reset on as a reset', async () => {
    let code = '';
    const { origin, rig } = await start((socket) => {
      socket.on('error', (error) => {
        code = String(Reflect.get(error, 'code'));
      });
    });
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.write(POST);
    await until('the request arrived', () => origin.received[0]?.length === POST.length);
    caller.raw.resetAndDestroy();
    await until('the incumbent is reset', () => code === 'ECONNRESET');
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'client_abort(reset)': 1 });
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('has ended when its TCP connection has, close_notify or not', async () => {
    const { rig } = await start((socket) => {
      socket.removeAllListeners('end');
      socket.on('end', () => socket.end(OK));
    });
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.write(POST);
    await until('the request arrived', () => rig.status().seen === 1);
    caller.raw.end();
    await until('the answer came', () => caller.received().toString() === OK);
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('slows the incumbent down when it does not read, and gets all in the end', async () => {
    const size = 32 * 1024 * 1024;
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
    const { origin, rig } = await start((socket) => {
      socket.write(head);
      socket.write(Buffer.alloc(size, 120));
    });
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.pause();
    caller.socket.write(POST);
    let last = 0;
    let same = 0;
    await until('the incumbent is stopped', () => {
      const waits = origin.sockets[0]?.writableLength ?? 0;
      same = waits === last ? same + 1 : 0;
      last = waits;
      return waits > 0 && same > 20;
    });
    expect(last).toBeGreaterThan(size / 2);
    caller.socket.resume();
    const received = await untilReceived(caller, head.length + size);
    expect(received.subarray(head.length).every((byte) => byte === 120)).toBe(true);
    expect(received.length).toBe(head.length + size);
  });

  it('is slowed down by an incumbent that does not read, and loses nothing', async () => {
    const size = 32 * 1024 * 1024;
    const head = `POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`;
    let bytes = 0;
    let foreign = 0;
    const origin = await startOrigin(() => undefined);
    // A reader of its own: the rig's would join all pieces again and again.
    const files = writeServerCertificate(tempFolder());
    const rig = await startGateway(origin.port, {
      config: { listeners: [tlsListener(origin.port, files)] },
    });
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.write(head);
    const socket = await until('the upstream is open', () => origin.sockets[0]);
    await until('the head arrived', () => origin.received[0]?.length === head.length);
    socket.removeAllListeners('data');
    socket.pause();
    caller.socket.write(Buffer.alloc(size, 121));
    let last = 0;
    let same = 0;
    await until('the caller is stopped', () => {
      same = caller.socket.writableLength === last ? same + 1 : 0;
      last = caller.raw.writableLength + caller.socket.writableLength;
      return last > 0 && same > 20;
    });
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      for (const byte of chunk) if (byte !== 121) foreign += 1;
      if (bytes === size) socket.write(OK);
    });
    socket.resume();
    await untilReceived(caller, OK.length);
    expect([bytes, foreign]).toEqual([size, 0]);
  });

  it('is told by a draining gateway to close', async () => {
    const { rig } = await start((socket) => socket.write(OK));
    const caller = await tlsCaller(rig.port, { version });
    caller.socket.write(POST);
    await untilReceived(caller, OK.length);
    const drained = rig.gateway.drain();
    caller.socket.write(POST);
    await until('ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toContain('Connection: close');
    caller.socket.end();
    await drained;
  });
});

describe('a caller in the middle of its handshake', () => {
  it('is served when the gateway begins to drain, and told to close', async () => {
    const { rig } = await start((socket) => socket.write(OK));
    const raw = connectTcp({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void raw.destroy());
    await until('accepted', () => rig.status().connections.total === 1);
    const drained = rig.gateway.drain();
    await new Promise((resolve) => setImmediate(resolve));
    const socket = connectTls({ socket: raw, ca: AUTHORITY.cert, servername: SERVER_NAME });
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.end(POST);
    await once(socket, 'end');
    expect(text).toContain('Connection: close');
    await drained;
  });

  it('is not waited for by a draining gateway when it never ends it', async () => {
    const { rig } = await start(() => undefined);
    const raw = connectTcp({ port: rig.port, host: '127.0.0.1' }).on('error', () => undefined);
    onTestFinished(() => void raw.destroy());
    await until('accepted', () => rig.status().connections.total === 1);
    const started = performance.now();
    await rig.gateway.drain();
    expect(performance.now() - started).toBeLessThan(DEFAULTS.listener.tls.handshakeTimeoutMs);
  });
});

describe('a TLS listener', () => {
  it('offers http/1.1 and nothing else', async () => {
    const { rig } = await start(() => undefined);
    const caller = await tlsCaller(rig.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(caller.socket.alpnProtocol).toBe('http/1.1');
    expect((await tlsCaller(rig.port)).socket.alpnProtocol).toBe(false);
    await expect(tlsCaller(rig.port, { ALPNProtocols: ['h2'] })).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
    await until('counted', () => rig.status().tls[0]?.handshakes.alpn === 1);
    expect(rig.status().tls[0]?.handshakes).toEqual({ ok: 2, alpn: 1 });
    expect(rig.status().connections.open).toBe(2);
    caller.socket.destroy();
    await once(caller.socket, 'close');
  });
});

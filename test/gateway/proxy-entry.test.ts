/** PROXY headers on real sockets: from a balancer to the gateway, and from the gateway to the incumbent. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { ListenerConfig } from '../../src/config/types.ts';
import { encodeProxyHeader, parseProxyHeader } from '../../src/gateway/proxy-protocol.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  gatewayConfig,
  type OriginScript,
  type RigOptions,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
  writePieces,
} from './rig.ts';
import { AUTHORITY, SERVER_NAME, tlsListener, writeServerCertificate } from './tls-rig.ts';

const POST = 'POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 8080 80\r\n';
const TOLD = {
  source: { host: '192.0.2.1', port: 8080 },
  destination: { host: '198.51.100.2', port: 80 },
};
const V2 = encodeProxyHeader('v2', TOLD);
const REQUIRED = { timeoutMs: 5_000, sources: [] };
const answering: OriginScript = (socket, received) => {
  if (received.toString().endsWith('hi')) socket.write(OK);
};

async function start(part: Partial<ListenerConfig>, options: RigOptions = {}, script = answering) {
  const origin = await startOrigin(script);
  const [listener] = gatewayConfig('', origin.port).listeners;
  if (listener === undefined) throw new Error('no listener');
  const listeners = [{ ...listener, ...part }];
  const rig = await startGateway(origin.port, { ...options, config: { listeners } });
  const headers = () => rig.status().proxy[0]?.headers;
  return { origin, rig, headers };
}

describe('a listener that requires a PROXY header', () => {
  it.each([
    ['v1 in one piece', Buffer.from(V1), [10_000]],
    ['v1 a byte at a time', Buffer.from(V1), [1]],
    ['v2 in one piece', V2, [10_000]],
    ['v2 a byte at a time', V2, [1]],
    ['v1 with the request behind', Buffer.from(V1 + POST), [10_000]],
  ])('%s: takes it off, and relays the rest', async (_, bytes, cut) => {
    const { origin, rig, headers } = await start({ proxy: REQUIRED });
    const mirror = await startMirror(rig);
    const caller = await rawCaller(rig.port);
    await writePieces(caller.socket, bytes, cut);
    if (!bytes.includes('POST')) await writePieces(caller.socket, Buffer.from(POST), cut);
    await untilReceived(caller, OK.length);
    expect(caller.received().toString()).toBe(OK);
    expect(origin.received.map(String)).toEqual([POST]);
    expect(headers()).toEqual({ ok: 1 });
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
  });

  it.each([
    ['a request', POST, 'no_header'],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01', 'no_header'],
    ['a broken line', 'PROXY TCP4 192.0.2.1\r\n', 'malformed'],
    ['an endless line', `PROXY UNKNOWN ${'x'.repeat(100_000)}`, 'too_long'],
    [
      'a header of datagrams',
      Buffer.concat([V2.subarray(0, 13), Buffer.from([0x12]), V2.subarray(14)]),
      'family',
    ],
  ])('resets %s, and relays nothing', async (_, bytes, fault) => {
    const { origin, rig, headers } = await start({ proxy: REQUIRED });
    const caller = await rawCaller(rig.port);
    caller.socket.write(bytes);
    await until('reset', () => caller.closed() !== '');
    expect(caller.received()).toHaveLength(0);
    expect(origin.sockets).toHaveLength(0);
    expect(headers()).toEqual({ [fault]: 1 });
    expect(rig.status()).toMatchObject({ seen: 0, connections: { open: 0 } });
  });

  it('waits for it only so long, and counts who leaves', async () => {
    const { rig, headers } = await start({ proxy: { ...REQUIRED, timeoutMs: 200 } });
    const slow = await rawCaller(rig.port);
    slow.socket.write('PROXY ');
    const gone = await rawCaller(rig.port);
    gone.socket.end(V1.slice(0, 9));
    await until('both are over', () => slow.closed() !== '' && gone.closed() !== '');
    expect(headers()).toEqual({ timeout: 1, aborted: 1 });
    const good = await rawCaller(rig.port);
    good.socket.write(V1);
    await until('read', () => headers()?.ok === 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    good.socket.write(POST);
    await untilReceived(good, OK.length);
  });

  it('takes it only from where it may come', async () => {
    const sources = ['192.0.2.0/24', '127.0.0.1'];
    const refused = await start({ proxy: { ...REQUIRED, sources: ['192.0.2.0/24', 'fd00::/8'] } });
    // It may be reset before it knows that it is connected.
    const stranger = connectTcp(refused.rig.port, '127.0.0.1').on('error', () => undefined);
    stranger.write(V1 + POST);
    await until('reset', () => stranger.closed);
    expect(refused.headers()).toEqual({ source: 1 });
    expect(refused.origin.sockets).toHaveLength(0);
    const taken = await start({ proxy: { ...REQUIRED, sources } });
    const caller = await rawCaller(taken.rig.port);
    caller.socket.write(V1 + POST);
    await untilReceived(caller, OK.length);
  });

  it.each<[string, Partial<ListenerConfig>]>([
    ['a network that may send headers', { proxy: { ...REQUIRED, sources: ['192.0.2.0/24'] } }],
    ['a header for the incumbent', { upstream: { tls: null, proxyProtocol: 'v1' } }],
    ['an inserted field', { insert: { ...DEFAULTS.listener.insert, xForwardedFor: 'replace' } }],
  ])('does not take a caller that is gone for one without an address: %s', async (...of) => {
    const [, part] = of;
    const gateway = { ambiguous: part.insert === undefined ? 'relay' : 'reject' } as const;
    const { origin, rig } = await start(part, { gateway });
    // It sends and resets while this process does not look: the kernel knows no peer then, and has its bytes.
    const sent = JSON.stringify(part.proxy ? V1 + POST : POST);
    const program =
      `const s = require('net').connect(${rig.port}, '127.0.0.1', ` +
      `() => s.write(${sent}, () => s.resetAndDestroy()))`;
    spawnSync(process.execPath, ['-e', program]);
    await until('accepted', () => rig.status().connections.total === 1);
    const after = await rawCaller(origin.port);
    after.socket.write(POST);
    await untilReceived(after, OK.length);
    expect(origin.received.map(String)).toEqual([POST]);
    expect(rig.status()).toMatchObject({ seen: 0, connections: { open: 0 } });
  });

  it('gives the caller that the balancer told of to what is inserted', async () => {
    const insert = { ...DEFAULTS.listener.insert, xForwardedFor: 'append' } as const;
    const gateway = { ambiguous: 'reject' } as const;
    const { origin, rig } = await start({ proxy: REQUIRED, insert }, { gateway });
    const caller = await rawCaller(rig.port);
    caller.socket.write(V1 + POST);
    await untilReceived(caller, OK.length);
    expect(origin.received.join()).toContain('\r\nX-Forwarded-For: 192.0.2.1\r\n');
  });

  it('keeps half-closes, resets and pace as they are', async () => {
    const { origin, rig } = await start({ proxy: REQUIRED }, {}, (socket, received) => {
      if (received.toString().endsWith('cut')) socket.resetAndDestroy();
    });
    const half = await rawCaller(rig.port);
    half.socket.end(V1 + POST);
    await until('ended', () => half.closed() === 'end');
    const reset = await rawCaller(rig.port);
    reset.socket.write(`${V1}POST /cut`);
    reset.socket.write('cut');
    await until('reset', () => reset.closed() === 'ECONNRESET');
    const large = await rawCaller(rig.port);
    large.socket.write(V1);
    large.socket.write(Buffer.alloc(8_000_000, 'x'));
    await until('all arrived', () => origin.received[2]?.length === 8_000_000);
  });

  it('reads it before TLS', async () => {
    const origin = await startOrigin(answering);
    const listener = tlsListener(origin.port, writeServerCertificate(tempFolder()));
    const out = { tls: null, proxyProtocol: 'v1' } as const;
    const rig = await startGateway(origin.port, {
      config: { listeners: [{ ...listener, proxy: REQUIRED, upstream: out }] },
    });
    for (const split of [1, 20, V1.length]) {
      const raw = connectTcp({ port: rig.port, host: '127.0.0.1', noDelay: true });
      onTestFinished(() => void raw.destroy());
      await writePieces(raw, Buffer.from(V1), [split]);
      const socket = connectTls({ socket: raw, ca: AUTHORITY.cert, servername: SERVER_NAME });
      socket.write(POST);
      const [bytes] = await once(socket, 'data');
      expect(String(bytes)).toBe(OK);
      socket.destroy();
    }
    expect(origin.received.map(String)).toEqual(Array.from({ length: 3 }, () => V1 + POST));
    expect(rig.status().tls[0]?.handshakes).toEqual({ ok: 3 });
    await until('nothing is left', () => rig.status().connections.open === 0);
  });

  it('takes header and TLS hello from one segment', async () => {
    const origin = await startOrigin(answering);
    const listener = tlsListener(origin.port, writeServerCertificate(tempFolder()));
    const rig = await startGateway(origin.port, {
      config: { listeners: [{ ...listener, proxy: REQUIRED }] },
    });
    const raw = connectTcp({ port: rig.port, host: '127.0.0.1' });
    onTestFinished(() => void raw.destroy());
    raw.cork();
    raw.write(V2);
    const socket = connectTls({ socket: raw, ca: AUTHORITY.cert, servername: SERVER_NAME });
    await new Promise((resolve) => setImmediate(resolve));
    raw.uncork();
    socket.write(POST);
    expect(String((await once(socket, 'data'))[0])).toBe(OK);
  });

  it.skipIf(spawnSync('curl', ['-V']).error !== undefined)('answers curl', async () => {
    const { rig, origin } = await start({ proxy: REQUIRED }, {}, (socket) => socket.end(OK));
    const url = `http://127.0.0.1:${rig.port}/`;
    const child = spawn('curl', ['-sS', '--haproxy-protocol', url]);
    expect(String((await once(child.stdout, 'data'))[0])).toBe('ok');
    expect(origin.received.join()).toMatch(/^GET \/ HTTP/);
  });
});

describe('an incumbent that is sent a PROXY header', () => {
  it.each(['v1', 'v2'] as const)(
    '%s: gets the caller’s addresses, then its bytes',
    async (version) => {
      const upstream = { tls: null, proxyProtocol: version };
      const { origin, rig } = await start({ upstream });
      const mirror = await startMirror(rig);
      const caller = await rawCaller(rig.port);
      caller.socket.write(POST);
      await untilReceived(caller, OK.length);
      const received = origin.received[0] ?? Buffer.alloc(0);
      const header = parseProxyHeader(received);
      const { localPort: port = 0 } = caller.socket;
      expect(header).toMatchObject({
        state: 'whole',
        addresses: {
          source: { host: '127.0.0.1', port },
          destination: { host: '127.0.0.1', port: rig.port },
        },
      });
      expect(String(received).endsWith(`\n${POST}`) || version === 'v2').toBe(true);
      expect(received.subarray(-POST.length).toString()).toBe(POST);
      expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
      expect(Buffer.from(mirror.frames[0]?.request ?? []).toString()).toBe(POST);
    },
  );

  it('gets those that the balancer told, and the balancer’s own where it told none', async () => {
    const upstream = { tls: null, proxyProtocol: 'v1' } as const;
    const { origin, rig } = await start({ upstream, proxy: REQUIRED });
    for (const header of [V1, 'PROXY UNKNOWN\r\n']) {
      const caller = await rawCaller(rig.port);
      caller.socket.write(header + POST);
      await untilReceived(caller, OK.length);
    }
    const [told, untold] = origin.received.map(String);
    expect(told).toBe(V1 + POST);
    expect(untold).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nPOST/);
  });

  it('gets UNKNOWN of a caller on a Unix socket', async () => {
    const upstream = { tls: null, proxyProtocol: 'v1' } as const;
    const listen = { path: join(tempFolder(), 'c.sock') };
    const { origin } = await start({ upstream }, { listen });
    const caller = await rawCaller(listen);
    caller.socket.write(POST);
    await untilReceived(caller, OK.length);
    expect(origin.received.map(String)).toEqual([`PROXY UNKNOWN\r\n${POST}`]);
  });

  it('gets it before TLS', async () => {
    const { cert, key } = AUTHORITY.issue({ commonName: 'i', names: [SERVER_NAME] });
    const tls = createTlsServer({ cert, key }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(OK));
    });
    let header = '';
    const origin = await startOrigin((socket, received) => {
      const parsed = parseProxyHeader(received);
      if (parsed.state !== 'whole' || header !== '') return;
      header = received.subarray(0, parsed.bytes).toString();
      socket.removeAllListeners('data').removeAllListeners('end').pause();
      socket.unshift(received.subarray(parsed.bytes));
      tls.emit('connection', socket);
    });
    const caFile = join(tempFolder(), 'ca.pem');
    writeFileSync(caFile, AUTHORITY.cert);
    const [listener] = gatewayConfig('', origin.port).listeners;
    if (listener === undefined) throw new Error('no listener');
    const upstreamTls = { ...DEFAULTS.listener.upstream, caFile, serverName: SERVER_NAME };
    const upstream = { tls: upstreamTls, proxyProtocol: 'v1' } as const;
    const rig = await startGateway(origin.port, {
      config: { listeners: [{ ...listener, upstream }] },
    });
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await untilReceived(caller, OK.length);
    expect(caller.received().toString()).toBe(OK);
    expect(header).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/);
  });
});

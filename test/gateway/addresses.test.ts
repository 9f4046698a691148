/** Names with several addresses, IPv6 and Unix sockets, on real sockets. */
import { once } from 'node:events';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import type { Endpoint } from '../../src/config/types.ts';
import type { NameResolver } from '../../src/gateway/resolve-name.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  gatewayConfig,
  type RigOptions,
  rawCaller,
  startGateway,
  startMirror,
  startOrigin,
  untilReceived,
} from './rig.ts';
import { AUTHORITY, SERVER_NAME, tlsListener, writeServerCertificate } from './tls-rig.ts';

const POST = 'POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const NAME = 'scoring.internal';

/** An origin on 127.0.0.x and a port that is the same for all of them. */
function originAt(host: string, port: number) {
  return startOrigin((socket) => socket.write(OK), { host, port });
}

/** A resolver that a test can change, and that counts. */
class TestNames implements NameResolver {
  found: readonly string[];
  lookups = 0;
  held: Promise<void> = Promise.resolve();

  constructor(found: readonly string[]) {
    this.found = found;
  }

  async addresses(): Promise<readonly string[]> {
    this.lookups += 1;
    await this.held;
    if (this.found.length > 0) return this.found;
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  }

  ttlMs(): Promise<null> {
    return Promise.resolve(null);
  }
}

function startNamed(port: number, resolver: NameResolver, options: RigOptions = {}) {
  return startTo({ host: NAME, port }, { resolver, ...options });
}

function startTo(incumbent: Endpoint, options: RigOptions = {}) {
  const [listener] = gatewayConfig('', 0).listeners;
  if (listener === undefined) throw new Error('no listener');
  return startGateway(0, { ...options, config: { listeners: [{ ...listener, incumbent }] } });
}

/** @returns the first line of the answer */
async function callOnce(to: number | Endpoint): Promise<string> {
  const caller = await rawCaller(to);
  caller.socket.write(POST);
  const answer = await until('answered', () => {
    const text = caller.received().toString();
    return text.includes('\r\n\r\n') && text;
  });
  caller.socket.destroy();
  return answer.split('\r\n', 1)[0] ?? '';
}

describe('an incumbent with several addresses', () => {
  it('is called at all of them, with one look-up', async () => {
    const port = await freePort();
    const hosts = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
    const origins = await Promise.all(hosts.map((host) => originAt(host, port)));
    const names = new TestNames(hosts);
    const rig = await startNamed(port, names);
    for (let i = 0; i < 9; i++) expect(await callOnce(rig.port)).toBe('HTTP/1.1 200 OK');
    expect(origins.map(({ sockets }) => sockets.length)).toEqual([3, 3, 3]);
    expect(names.lookups).toBe(1);
    expect(rig.status().incumbents).toEqual([
      {
        listener: 'main',
        incumbent: `${NAME}:${port}`,
        addresses: 3,
        skippedAddresses: 0,
        addressSkips: 0,
        resolveFailures: 0,
        tlsFault: '',
      },
    ]);
  });

  it('is tried at the next one when one refuses, and passes that over for a while', async () => {
    const port = await freePort();
    const origin = await originAt('127.0.0.3', port);
    const rig = await startNamed(port, new TestNames(['127.0.0.2', '127.0.0.3']));
    const mirror = await startMirror(rig);
    for (let i = 0; i < 6; i++) expect(await callOnce(rig.port)).toBe('HTTP/1.1 200 OK');
    expect(origin.received.map(String)).toEqual(Array.from({ length: 6 }, () => POST));
    expect(rig.status().incumbents[0]).toMatchObject({ skippedAddresses: 1, addressSkips: 1 });
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 6, offered: 6 });
  });

  it('answers 502 when all refuse', async () => {
    const rig = await startNamed(await freePort(), new TestNames(['127.0.0.2', '127.0.0.3']));
    expect(await callOnce(rig.port)).toBe('HTTP/1.1 502 Bad Gateway');
    expect(rig.status().incumbents[0]).toMatchObject({ skippedAddresses: 2, addressSkips: 2 });
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(refused)': 1 });
  });

  it('is not asked again once it has bytes of the caller', async () => {
    const port = await freePort();
    const reset = await startOrigin((socket) => socket.resetAndDestroy(), {
      host: '127.0.0.2',
      port,
    });
    const other = await originAt('127.0.0.3', port);
    const rig = await startNamed(port, new TestNames(['127.0.0.2', '127.0.0.3']));
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('reset', () => caller.closed() === 'ECONNRESET');
    expect(reset.received.map(String)).toEqual([POST]);
    expect(other.sockets).toHaveLength(0);
  });
});

describe('the name of an incumbent', () => {
  it('is looked up again in the background: connections follow it', async () => {
    const port = await freePort();
    const [first, second] = await Promise.all([
      originAt('127.0.0.2', port),
      originAt('127.0.0.3', port),
    ]);
    const names = new TestNames(['127.0.0.2']);
    const rig = await startNamed(port, names, { gateway: { resolveIntervalMs: 100 } });
    await callOnce(rig.port);
    names.found = ['127.0.0.3'];
    const before = names.lookups;
    await until('looked up twice more', () => names.lookups > before + 1);
    await callOnce(rig.port);
    expect([first.sockets.length, second.sockets.length]).toEqual([1, 1]);
    names.found = []; // fails from now on: the last addresses stay
    await until('it failed', () => (rig.status().incumbents[0]?.resolveFailures ?? 0) > 1);
    expect(await callOnce(rig.port)).toBe('HTTP/1.1 200 OK');
    expect(second.sockets).toHaveLength(2);
    await rig.gateway.drain();
  });

  it('answers 502 with its code while it does not resolve, and heals by itself', async () => {
    const port = await freePort();
    const origin = await originAt('127.0.0.2', port);
    const names = new TestNames([]);
    const rig = await startNamed(port, names, { gateway: { resolveIntervalMs: 50 } });
    await until('it has failed', () => (rig.status().incumbents[0]?.resolveFailures ?? 0) > 0);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('closed', () => caller.closed() === 'end');
    expect(caller.received().toString()).toMatch(/^HTTP\/1.1 502 .*UND_INCUMBENT_UNRESOLVED/s);
    names.found = ['127.0.0.2'];
    await until('healed', async () => (await callOnce(rig.port)) === 'HTTP/1.1 200 OK');
    expect(origin.sockets).toHaveLength(1);
    await rig.gateway.drain();
  });

  it('lets the first callers wait for the first look-up', async () => {
    const port = await freePort();
    const origin = await originAt('127.0.0.2', port);
    const names = new TestNames(['127.0.0.2']);
    const gate = Promise.withResolvers<void>();
    names.held = gate.promise;
    const rig = await startNamed(port, names);
    const caller = await rawCaller(rig.port);
    caller.socket.write(POST);
    await until('asked', () => rig.status().seen === 1);
    gate.resolve();
    await untilReceived(caller, OK.length);
    expect(caller.received().toString()).toBe(OK);
    expect(origin.received.map(String)).toEqual([POST]);
  });

  it('answers 502 when the first look-up takes longer than a connection may', async () => {
    const names = new TestNames(['127.0.0.2']);
    names.held = new Promise(() => undefined);
    const rig = await startNamed(9, names, { gateway: { connectTimeoutMs: 100 } });
    expect(await callOnce(rig.port)).toBe('HTTP/1.1 502 Bad Gateway');
  });
});

describe('other kinds of addresses', () => {
  it('relays between Unix sockets on both sides', async () => {
    const folder = tempFolder();
    const path = join(folder, 'incumbent.sock');
    const listen = { path: join(folder, 'callers.sock') };
    const origin = await startOrigin((socket) => socket.end(OK), { path });
    const rig = await startTo({ path }, { listen });
    const mirror = await startMirror(rig);
    const caller = await rawCaller(listen);
    caller.socket.write(POST);
    await until('ended', () => caller.closed() === 'end');
    expect(caller.received().toString()).toBe(OK);
    expect(origin.received.map(String)).toEqual([POST]);
    expect(rig.status().incumbents[0]?.incumbent).toBe(`unix:${path}`);
    expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
  });

  it('ends a caller on a Unix socket whose incumbent resets, since there is no reset', async () => {
    const folder = tempFolder();
    const listen = { path: join(folder, 'callers.sock') };
    const origin = await startOrigin((socket) => socket.resetAndDestroy());
    const rig = await startTo({ host: '127.0.0.1', port: origin.port }, { listen });
    const caller = await rawCaller(listen);
    caller.socket.write(POST);
    await until('ended', () => caller.closed() !== '');
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_abort(reset)': 1 });
  });

  it('survives too many callers on a Unix socket', async () => {
    const listen = { path: join(tempFolder(), 'callers.sock') };
    const origin = await startOrigin((socket) => socket.write(OK));
    const gateway = { maxConnections: 1 };
    const to = { host: '127.0.0.1', port: origin.port };
    const rig = await startTo(to, { listen, gateway });
    const callers = Array.from({ length: LIMITS.refusedConnections + 2 }, () => rawCaller(listen));
    const closed = (await Promise.all(callers)).map((caller) => caller.closed);
    await until('one is over', () => rig.status().connections.limited.overflow === 1);
    await until('it is ended', () => closed.some((how) => how() !== ''));
  });

  it.each([
    ['whose incumbent resets', POST, 'incumbent_abort(reset)'],
    ['who sends no PROXY header', '', ''],
  ])('ends a caller with TLS on a Unix socket %s', async (_, request, state) => {
    const folder = tempFolder();
    const path = join(folder, 'callers.sock');
    const origin = await startOrigin((socket) => socket.resetAndDestroy());
    const proxy = state === '' ? { timeoutMs: 5_000, sources: [] } : null;
    const listener = { ...tlsListener(origin.port, writeServerCertificate(folder)), proxy };
    const rig = await startGateway(origin.port, {
      config: { listeners: [listener] },
      listen: { path },
    });
    const caller = connectTls({ path, ca: AUTHORITY.cert, servername: SERVER_NAME });
    caller.on('error', () => undefined);
    onTestFinished(() => void caller.destroy());
    if (request !== '') await once(caller, 'secureConnect');
    caller.write(request);
    await new Promise((resolve) => caller.once('close', resolve));
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual(state === '' ? {} : { seen: 1, [state]: 1 });
  });

  it('answers 502 where nobody owns the Unix socket of the incumbent', async () => {
    const rig = await startTo({ path: join(tempFolder(), 'nobody.sock') });
    expect(await callOnce(rig.port)).toBe('HTTP/1.1 502 Bad Gateway');
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(refused)': 1 });
  });

  it('relays between IPv6 addresses', async () => {
    const host = '::1';
    const origin = await startOrigin((socket) => socket.write(OK), { host, port: 0 });
    const rig = await startTo({ host, port: origin.port }, { listen: { host, port: 0 } });
    expect(await callOnce({ host, port: rig.port })).toBe('HTTP/1.1 200 OK');
    expect(rig.status().incumbents[0]?.incumbent).toBe(`[::1]:${origin.port}`);
  });

  it('resolves localhost as the system does', async () => {
    const origin = await startOrigin((socket) => socket.write(OK));
    const rig = await startTo({ host: 'localhost', port: origin.port });
    expect(await callOnce(rig.port)).toBe('HTTP/1.1 200 OK');
  });
});

/** TLS with the incumbent: whom the gateway trusts, and what each kind of end becomes for the caller. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { UpstreamTlsConfig } from '../../src/config/types.ts';
import { Authority, type Certificate, writeCertificate } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectExchangesToBalance,
  gatewayConfig,
  type RawCaller,
  rawCaller,
  startGateway,
  startMirror,
  untilReceived,
} from './rig.ts';
import {
  AUTHORITY,
  SERVER_NAME,
  tlsCaller,
  tlsListener,
  VERSIONS,
  type Version,
  writeServerCertificate,
} from './tls-rig.ts';

const POST = 'POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GOOD = AUTHORITY.issue({ commonName: 'incumbent', names: [SERVER_NAME, '127.0.0.1'] });

/** What it does with each read; `raw` is the TCP socket below. */
type Script = (socket: TLSSocket, received: string, raw: Socket) => void;

/** An incumbent that speaks TLS; @returns its port, what it received and its sockets */
async function tlsOrigin(script: Script, options: TlsOptions = {}) {
  const received: string[] = [];
  const raws: Socket[] = [];
  const sockets: TLSSocket[] = [];
  const ends: string[] = [];
  const tls = createServer({ ...GOOD, ...options }, (socket) => {
    const index = sockets.push(socket) - 1;
    received.push('');
    socket.on('error', (error) => ends.push(String(Reflect.get(error, 'code'))));
    socket.on('end', () => ends.push('end'));
    socket.on('data', (bytes) => {
      received[index] += bytes.toString('latin1');
      const raw = raws[index];
      if (raw !== undefined) script(socket, received[index] ?? '', raw);
    });
  });
  tls.on('tlsClientError', () => undefined);
  const server = createTcpServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    raw.on('error', () => undefined);
    raws.push(raw);
    tls.emit('connection', raw);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const raw of raws) raw.destroy();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { port, received, raws, sockets, ends };
}

function caFileOf(cert: string): string {
  const path = join(tempFolder(), 'ca.pem');
  writeFileSync(path, cert);
  return path;
}

/** A gateway whose incumbent speaks TLS, and whose callers do where `callers` says so. */
async function start(
  port: number,
  part: Partial<UpstreamTlsConfig> = {},
  options: { readonly callers?: Version; readonly gateway?: object; readonly host?: string } = {},
) {
  const caFile = part.caFile ?? caFileOf(AUTHORITY.cert);
  const tls = { ...DEFAULTS.listener.upstream, serverName: SERVER_NAME, caFile, ...part };
  const plain = gatewayConfig('', port).listeners;
  const listeners =
    options.callers === undefined
      ? plain
      : [tlsListener(port, writeServerCertificate(tempFolder()))];
  const incumbent = { host: options.host ?? '127.0.0.1', port };
  const rig = await startGateway(port, {
    gateway: { ...options.gateway },
    config: {
      listeners: listeners.map((each) => ({
        ...each,
        incumbent,
        upstream: { tls, proxyProtocol: 'off' },
      })),
    },
  });
  const { callers: version } = options;
  const call = (): Promise<RawCaller> =>
    version === undefined ? rawCaller(rig.port) : tlsCaller(rig.port, { version });
  return { rig, call };
}

const answered = (caller: RawCaller) =>
  until('answered or closed', () => {
    const text = caller.received().toString();
    return text.includes('\r\n\r\n') || caller.closed() !== '' ? text : false;
  });

describe.each(VERSIONS)('an incumbent with %s', (version) => {
  const tlsOf = { minVersion: version, maxVersion: version } as const;

  describe.each([undefined, version])('and callers with %s', (callers) => {
    it('gets the bytes of the caller, who gets its own', async () => {
      const origin = await tlsOrigin((socket, text) => {
        if (text.endsWith('hi')) socket.write(OK);
      }, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const mirror = await startMirror(rig);
      const caller = await call();
      for (let i = 1; i <= 20; i++) {
        caller.socket.write(POST);
        await untilReceived(caller, i * OK.length);
      }
      expect(caller.received().toString()).toBe(OK.repeat(20));
      expect(origin.received).toEqual([POST.repeat(20)]);
      expect(origin.sockets[0]?.getProtocol()).toBe(version);
      expect(origin.sockets[0]?.alpnProtocol).toBe(false);
      expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 20, offered: 20 });
      // Nothing seems to have been answered before it was written.
      expect(mirror.frames.map(({ flags }) => flags)).toEqual(Array.from({ length: 20 }, () => 0));
    });

    it('that ends cleanly: an end, also of an answer whose length is its end', async () => {
      const answer = 'HTTP/1.1 200 OK\r\n\r\nuntil the end';
      const origin = await tlsOrigin((socket) => socket.end(answer), tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const mirror = await startMirror(rig);
      const caller = await call();
      caller.socket.write(POST);
      await until('ended', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(answer);
      caller.socket.end();
      expect(await expectExchangesToBalance(rig, mirror)).toEqual({ seen: 1, offered: 1 });
      await until('nothing is left', () => rig.status().connections.open === 0);
    });

    it('that is cut in an answer: a reset, after all bytes before it', async () => {
      const part = 'HTTP/1.1 200 OK\r\n\r\nuntil the e';
      const origin = await tlsOrigin((socket, _, raw) => {
        socket.write(part, () => setTimeout(() => raw.end(), 50));
      }, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.write(POST);
      await until('reset', () => caller.closed() === 'ECONNRESET');
      expect(caller.received().toString()).toBe(part);
      const counts = await expectExchangesToBalance(rig);
      expect(counts).toEqual({ seen: 1, 'incumbent_abort(truncated)': 1 });
      await until('nothing is left', () => rig.status().connections.open === 0);
    });

    it('that is cut with nothing under way: an end', async () => {
      const origin = await tlsOrigin((socket, _, raw) => {
        socket.write(OK, () => setTimeout(() => raw.end(), 50));
      }, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.write(POST);
      await until('ended', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(OK);
      caller.socket.end();
      await until('nothing is left', () => rig.status().connections.open === 0);
    });

    it.each(['relay', 'reject'])(
      'that is cut with nothing under way, and asked once more (%s): nothing is left',
      async (ambiguous) => {
        const origin = await tlsOrigin((socket, _, raw) => {
          socket.write(OK, () => setTimeout(() => raw.end(), 50));
        }, tlsOf);
        const options = { gateway: { ambiguous }, ...(callers && { callers }) };
        const { rig, call } = await start(origin.port, {}, options);
        const caller = await call();
        caller.socket.write(POST);
        await until('ended', () => caller.closed() === 'end');
        caller.socket.write(POST);
        caller.socket.end();
        await until('nothing is left', () => rig.status().connections.open === 0);
        const counts = await expectExchangesToBalance(rig);
        expect(counts).toMatchObject({ seen: 2, 'incumbent_abort(reset)': 1 });
      },
    );

    it('that resets: a reset', async () => {
      const part = OK.slice(0, -1);
      const origin = await tlsOrigin((socket, _, raw) => {
        socket.write(part, () => setTimeout(() => raw.resetAndDestroy(), 50));
      }, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.write(POST);
      await until('reset', () => caller.closed() === 'ECONNRESET');
      expect(caller.received().toString()).toBe(part);
      const counts = await expectExchangesToBalance(rig);
      expect(counts).toEqual({ seen: 1, 'incumbent_abort(reset)': 1 });
    });

    it('sees a half-close of the caller, and its answer still comes', async () => {
      const origin = await tlsOrigin((socket) => {
        socket.once('end', () => socket.end(OK));
      }, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.end(POST);
      await until('ended', () => caller.closed() === 'end');
      expect(caller.received().toString()).toBe(OK);
      expect(origin.ends).toEqual(['end']);
      await until('nothing is left', () => rig.status().connections.open === 0);
    });

    it('keeps a half-close of its own: the rest of the request still comes', async () => {
      const origin = await tlsOrigin((socket, text) => {
        if (text === POST.slice(0, -2)) socket.end(OK);
      }, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.write(POST.slice(0, -2));
      await until('ended', () => caller.closed() === 'end');
      caller.socket.end('hi');
      await until('all arrived', () => origin.received[0] === POST);
      await until('nothing is left', () => rig.status().connections.open === 0);
    });

    it('sees a reset of the caller as a reset', async () => {
      const origin = await tlsOrigin(() => undefined, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.write(POST);
      await until('arrived', () => origin.received[0] === POST);
      const raw: unknown = Reflect.get(caller, 'raw') ?? caller.socket;
      (raw as Socket).resetAndDestroy();
      await until('reset', () => origin.ends.includes('ECONNRESET'));
      const counts = await expectExchangesToBalance(rig);
      expect(counts).toEqual({ seen: 1, 'client_abort(reset)': 1 });
    });

    it('sends and takes large bodies at the pace of the other side', async () => {
      const size = 16 * 1024 * 1024;
      const head = `POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`;
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
      let bytes = 0;
      const origin = await tlsOrigin(() => undefined, tlsOf);
      const { rig, call } = await start(origin.port, {}, { ...(callers && { callers }) });
      const caller = await call();
      caller.socket.pause();
      caller.socket.write(head);
      const socket = await until('open', () => origin.sockets[0]);
      await until('the head arrived', () => origin.received[0] === head);
      socket.removeAllListeners('data');
      socket.pause();
      caller.socket.write(Buffer.alloc(size, 'q'));
      const stopped = async (who: () => number) => {
        let last = 0;
        let same = 0;
        await until('stopped', () => {
          const now = who();
          same = now === last ? same + 1 : 0;
          last = now;
          return now > size / 2 && same > 15;
        });
      };
      await stopped(() => caller.socket.writableLength);
      let foreign = 0;
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (!chunk.every((byte) => byte === 113)) foreign += 1;
        if (bytes !== size) return;
        socket.write(answer);
        socket.write(Buffer.alloc(size, 'a'));
      });
      socket.resume();
      await stopped(() => socket.writableLength);
      caller.socket.resume();
      const received = await untilReceived(caller, answer.length + size);
      expect(received.subarray(answer.length).every((byte) => byte === 97)).toBe(true);
      expect([bytes, foreign, received.length]).toEqual([size, 0, answer.length + size]);
      await expectExchangesToBalance(rig);
    });
  });
});

describe('an incumbent that answers at once', () => {
  const program = (answer: string) =>
    `require('tls').createServer({ cert: process.env.CERT, key: process.env.KEY }, (socket) => {
       socket.on('error', () => undefined).setNoDelay();
       socket.on('data', () => socket.write(${JSON.stringify(answer)}));
     }).listen(0, '127.0.0.1', function () { console.log(this.address().port); })`;

  it('is not taken for one that answers before it was asked', async () => {
    const env = { ...process.env, CERT: GOOD.cert, KEY: GOOD.key };
    // In a process of its own: its answer may be there in the next turn of the gateway's loop.
    const child = spawn(process.execPath, ['-e', program(OK)], { env });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [port] = await once(child.stdout, 'data');
    const { rig, call } = await start(Number(port));
    const mirror = await startMirror(rig);
    const caller = await call();
    for (let i = 1; i <= 100; i++) {
      caller.socket.write(POST);
      await until('answered', async () => {
        // Quicker than its pause: the next request is to meet an idle connection.
        await new Promise((resolve) => setImmediate(resolve));
        return caller.receivedBytes() >= i * OK.length;
      });
    }
    await until('all are there', () => mirror.frames.length === 100);
    const flagged = mirror.frames.filter(({ flags }) => flags !== 0);
    expect(flagged.length).toBeLessThan(10);
  });
});

describe('the certificate of the incumbent', () => {
  const stranger = new Authority('Stranger');
  const past = new Date(Date.now() - 3_600_000);
  const cases: [string, Certificate, Partial<UpstreamTlsConfig>, string][] = [
    ['good, by name', GOOD, {}, '200'],
    ['good, by address', GOOD, { serverName: '' }, '200'],
    [
      'expired',
      AUTHORITY.issue({ commonName: 'i', names: [SERVER_NAME], notAfter: past }),
      {},
      'UND_INCUMBENT_CERTIFICATE',
    ],
    ['of another name', GOOD, { serverName: 'other.example' }, 'UND_INCUMBENT_CERTIFICATE'],
    [
      'of another address',
      AUTHORITY.issue({ commonName: 'i', names: ['127.0.0.9'] }),
      { serverName: '' },
      'UND_INCUMBENT_CERTIFICATE',
    ],
    [
      'of an unknown authority',
      stranger.issue({ commonName: 'i', names: [SERVER_NAME] }),
      {},
      'UND_INCUMBENT_CERTIFICATE',
    ],
    ['of an authority Node does not know', GOOD, { caFile: '' }, 'UND_INCUMBENT_CERTIFICATE'],
    [
      'expired, and not verified',
      AUTHORITY.issue({ commonName: 'i', names: [SERVER_NAME], notAfter: past }),
      { verify: false },
      '200',
    ],
  ];

  it.each(cases)('%s', async (_, certificate, part, outcome) => {
    const origin = await tlsOrigin((socket) => socket.write(OK), certificate);
    const { rig, call } = await start(origin.port, part);
    const caller = await call();
    caller.socket.write(POST);
    const text = await answered(caller);
    expect(text).toContain(outcome);
    const state = outcome === '200' ? 'shed(mirror_down)' : 'incumbent_unreachable(certificate)';
    expect(await expectExchangesToBalance(rig)).toEqual({ seen: 1, [state]: 1 });
    if (outcome === '200') expect(origin.received).toEqual([POST]);
    else expect(origin.received.join('')).toBe('');
  });
});

describe('an incumbent that completes no handshake', () => {
  const ask = async (port: number, part: Partial<UpstreamTlsConfig> = {}, gateway = {}) => {
    const { rig, call } = await start(port, part, { gateway });
    const caller = await call();
    caller.socket.write(POST);
    const text = await answered(caller);
    return { text, counts: await expectExchangesToBalance(rig) };
  };

  it.each([
    ['speaks plain HTTP', (raw: Socket) => raw.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['ends', (raw: Socket) => raw.end()],
    ['resets', (raw: Socket) => raw.resetAndDestroy()],
    ['ends in the middle', (raw: Socket) => raw.end('\x16\x03\x03\x00\x7a\x02\x00')],
  ])('since it %s: 502', async (_, answer) => {
    const server = createTcpServer((raw) => {
      raw.on('error', () => undefined);
      raw.once('data', () => answer(raw));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { text, counts } = await ask(port);
    expect(text).toMatch(/^HTTP\/1.1 502 .*UND_INCUMBENT_TLS/s);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(tls)': 1 });
  });

  it('since it says nothing: 504 after the connect timeout', async () => {
    const server = createTcpServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { text, counts } = await ask(port, {}, { connectTimeoutMs: 200 });
    expect(text).toMatch(/^HTTP\/1.1 504 .*UND_INCUMBENT_TIMEOUT/s);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(timeout)': 1 });
  });

  it('since nobody listens: 502, as in plain', async () => {
    const { text, counts } = await ask(await freePort());
    expect(text).toMatch(/^HTTP\/1.1 502 .*UND_INCUMBENT_REFUSED/s);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(refused)': 1 });
  });
});

describe.each(VERSIONS)('our own certificate, with %s', (version) => {
  const tlsOf = { minVersion: version, maxVersion: version, requestCert: true } as const;
  const required = { ...tlsOf, rejectUnauthorized: true, ca: AUTHORITY.cert };

  it('is shown to an incumbent that asks for it', async () => {
    const files = writeCertificate(tempFolder(), 'me', AUTHORITY.issue({ commonName: 'me' }));
    const origin = await tlsOrigin((socket) => {
      socket.write(OK.replace('ok', socket.authorized ? 'me' : '??'));
    }, required);
    const { call } = await start(origin.port, files);
    const caller = await call();
    caller.socket.write(POST);
    expect(await answered(caller)).toBe(OK.replace('ok', 'me'));
  });

  it('is missing: 502, whenever the incumbent says so', async () => {
    const origin = await tlsOrigin((socket) => socket.write(OK), required);
    const { rig, call } = await start(origin.port);
    const caller = await call();
    caller.socket.write(POST);
    expect(await answered(caller)).toMatch(/^HTTP\/1.1 502 .*UND_INCUMBENT_TLS/s);
    const counts = await expectExchangesToBalance(rig);
    expect(counts).toEqual({ seen: 1, 'incumbent_unreachable(tls)': 1 });
  });
});

describe('the files of upstream TLS', () => {
  it('hold up no start when their file system hangs: 502 meanwhile, and heal', async () => {
    const caFile = join(tempFolder(), 'ca.pem');
    execFileSync('mkfifo', [caFile]);
    const origin = await tlsOrigin((socket) => socket.write(OK));
    const { rig, call } = await start(origin.port, { caFile });
    const [status] = rig.status().incumbents;
    expect(status?.tlsFault).toContain('not read within');
    const early = await call();
    early.socket.write(POST);
    expect(await answered(early)).toContain('UND_INCUMBENT_TLS');
    const pipe = await open(caFile, 'w');
    await pipe.writeFile(AUTHORITY.cert);
    await pipe.close();
    await until('healed', () => rig.status().incumbents[0]?.tlsFault === '');
    const late = await call();
    late.socket.write(POST);
    expect(await answered(late)).toBe(OK);
    // Its reader waits again by now, and is let go.
    onTestFinished(async () => void (await (await open(caFile, 'r+')).close()));
  });

  it('answer 502 while they have never been usable, and heal', async () => {
    const caFile = join(tempFolder(), 'ca.pem');
    const origin = await tlsOrigin((socket) => socket.write(OK));
    const { rig, call } = await start(origin.port, { caFile });
    const first = await call();
    first.socket.write(POST);
    expect(await answered(first)).toMatch(/^HTTP\/1.1 502 .*UND_INCUMBENT_TLS/s);
    expect(rig.status().incumbents[0]?.tlsFault).toContain('ENOENT');
    writeFileSync(caFile, AUTHORITY.cert);
    await until('healed', async () => {
      const caller = await call();
      caller.socket.write(POST);
      return (await answered(caller)) === OK;
    });
    expect(rig.status().incumbents[0]?.tlsFault).toBe('');
  });

  it('stay in use when they are replaced by bad ones, and follow good ones', async () => {
    const caFile = caFileOf(AUTHORITY.cert);
    const origin = await tlsOrigin((socket) => socket.write(OK));
    const { rig, call } = await start(origin.port, { caFile });
    const ask = async (): Promise<string> => {
      const caller = await call();
      caller.socket.write(POST);
      return answered(caller);
    };
    writeFileSync(caFile, 'broken');
    await until('seen', () => rig.status().incumbents[0]?.tlsFault.includes('no certificate'));
    expect(await ask()).toBe(OK);
    writeFileSync(caFile, new Authority('Stranger').cert);
    await until('no longer trusted', async () =>
      (await ask()).includes('UND_INCUMBENT_CERTIFICATE'),
    );
  });
});

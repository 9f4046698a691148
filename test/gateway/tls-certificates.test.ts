/** Which certificate a TLS listener shows, whose it accepts, and what a reload does. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ListenerTlsConfig } from '../../src/config/types.ts';
import { Authority, writeCertificate } from '../support/certificates.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { PLAIN_UPSTREAM, startGateway, startOrigin, untilReceived } from './rig.ts';
import {
  AUTHORITY,
  SERVER_NAME,
  tlsCaller,
  tlsListener,
  VERSIONS,
  writeServerCertificate,
} from './tls-rig.ts';

const POST = 'POST /v1/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi';
const answerOf = (text: string) =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
const originSaying = (text: string) => startOrigin((socket) => socket.write(answerOf(text)));

async function start(part: Partial<ListenerTlsConfig> = {}, folder = tempFolder()) {
  const origin = await originSaying('ok');
  const files = part.certFile === undefined ? writeServerCertificate(folder) : {};
  const listener = tlsListener(origin.port, { certFile: '', keyFile: '', ...files }, part);
  const rig = await startGateway(origin.port, { config: { listeners: [listener] } });
  const tls = () => rig.status().tls[0];
  return { origin, rig, folder, tls };
}

/** @returns the common name of the certificate that is shown for a name */
async function shownTo(port: number, servername: string): Promise<string> {
  const caller = await tlsCaller(port, { servername, rejectUnauthorized: false });
  const { CN } = caller.socket.getPeerCertificate().subject;
  caller.socket.destroy();
  return String(CN);
}

describe('server names', () => {
  it('choose the certificate and the incumbent', async () => {
    const folder = tempFolder();
    const [a, b] = await Promise.all([originSaying('a'), originSaying('b')]);
    const at = (port: number) => ({ host: '127.0.0.1', port });
    const entry = (name: string, serverNames: readonly string[]) => {
      const files = writeServerCertificate(folder, name);
      return { ...files, serverNames, upstream: PLAIN_UPSTREAM };
    };
    const names = [
      { ...entry('a.example', ['a.example', 'aa.example']), incumbent: at(a.port) },
      { ...entry('b.example', ['*.b.example']), incumbent: at(b.port) },
      { ...entry('c.example', ['c.example']), incumbent: null },
    ];
    const { rig, tls } = await start({ names }, folder);
    const seen: Record<string, string> = {};
    for (const servername of ['a.example', 'AA.example', 'x.b.example', 'c.example', 'z.example']) {
      const caller = await tlsCaller(rig.port, { servername, rejectUnauthorized: false });
      caller.socket.write(POST);
      const body = await until('answered', () => caller.received().toString().split('\r\n\r\n')[1]);
      seen[servername] = `${caller.socket.getPeerCertificate().subject.CN} ${body}`;
    }
    expect(seen).toEqual({
      'a.example': 'a.example a',
      'AA.example': 'a.example a',
      'x.b.example': 'b.example b',
      'c.example': 'c.example ok',
      'z.example': `${SERVER_NAME} ok`,
    });
    expect(await shownTo(rig.port, 'x.y.b.example')).toBe(SERVER_NAME);
    expect(rig.status().incumbents.map(({ listener }) => listener)).toEqual([
      'main',
      'main/a.example',
      'main/*.b.example',
    ]);
    expect(tls()?.certificates.map(({ name }) => name)).toEqual([
      '',
      'a.example',
      '*.b.example',
      'c.example',
    ]);
  });
});

describe.each(VERSIONS)('client certificates with %s', (version) => {
  const clients = new Authority('Authority of the callers');
  const now = Date.now();
  const good = clients.issue({ commonName: 'caller' });
  const foreign = new Authority('Somebody else').issue({ commonName: 'caller' });
  const expired = clients.issue({ commonName: 'caller', notAfter: new Date(now - 1_000) });

  async function outcome(port: number, client: { cert: string; key: string } | undefined) {
    try {
      const caller = await tlsCaller(port, { version, ...client });
      caller.socket.write(POST);
      return await until('answered or closed', () => {
        if (caller.received().length > 0) return 'answered';
        return caller.closed() !== '' && 'refused';
      });
    } catch {
      return 'refused';
    }
  }

  it.each([
    ['required', 'answered', 'refused'],
    ['optional', 'answered', 'answered'],
  ] as const)('%s: a good one is %s, none is %s, a bad one refused', async (mode, ok, none) => {
    const folder = tempFolder();
    const clientCaFile = join(folder, 'clients.pem');
    writeFileSync(clientCaFile, clients.cert);
    const { origin, rig, tls } = await start({ clientCertificates: mode, clientCaFile }, folder);
    expect(await outcome(rig.port, good)).toBe(ok);
    expect(await outcome(rig.port, undefined)).toBe(none);
    expect(await outcome(rig.port, foreign)).toBe('refused');
    expect(await outcome(rig.port, expired)).toBe('refused');
    const answered = mode === 'required' ? 1 : 2;
    await until('all are counted', () => tls()?.handshakes.client_certificate === 4 - answered);
    expect(tls()?.handshakes).toEqual({ ok: answered, client_certificate: 4 - answered });
    expect(origin.sockets).toHaveLength(answered);
  });
});

describe('a reload', () => {
  const replace = (folder: string, name: string) => {
    const made = AUTHORITY.issue({ commonName: name, names: [SERVER_NAME] });
    return writeCertificate(folder, 'tls', made);
  };

  it('takes a swapped symbolic link, and leaves open connections alone', async () => {
    const folder = tempFolder();
    const link = (version: string) => {
      mkdirSync(join(folder, version));
      replace(join(folder, version), version);
      symlinkSync(version, join(folder, '..new'));
      renameSync(join(folder, '..new'), join(folder, '..data'));
    };
    link('first');
    const files = {
      certFile: join(folder, '..data/tls.pem'),
      keyFile: join(folder, '..data/tls.key'),
    };
    const { rig, tls } = await start(files);
    const caller = await tlsCaller(rig.port);
    link('second');
    await until('reloaded', () => tls()?.certificates[0]?.reloads === 1);
    expect(await shownTo(rig.port, SERVER_NAME)).toBe('second');
    caller.socket.write(POST);
    await untilReceived(caller, answerOf('ok').length);
    expect(caller.socket.getPeerCertificate().subject.CN).toBe('first');
  });

  it('that is bad keeps the old certificate and says so, until it is good', async () => {
    const folder = tempFolder();
    const files = replace(folder, 'first');
    const { rig, tls } = await start(files);
    const other = AUTHORITY.issue({ commonName: 'other' });
    writeFileSync(files.keyFile, other.key);
    const fault = 'the key does not belong to the certificate';
    await until('seen', () => tls()?.certificates[0]?.fault === fault);
    expect(await shownTo(rig.port, SERVER_NAME)).toBe('first');
    writeFileSync(files.certFile, 'half a cert');
    await until('seen', () => tls()?.certificates[0]?.fault.includes('holds no certificate'));
    rmSync(files.certFile);
    await until('seen', () => tls()?.certificates[0]?.fault.includes('ENOENT'));
    expect(await shownTo(rig.port, SERVER_NAME)).toBe('first');
    expect(tls()?.certificates[0]).toMatchObject({ reloads: 0, reloadFailures: 3 });
    replace(folder, 'second');
    await until('healed', async () => (await shownTo(rig.port, SERVER_NAME)) === 'second');
    expect(tls()?.certificates[0]?.fault).toBe('');
  });

  it('under load fails no exchange', async () => {
    const folder = tempFolder();
    const files = replace(folder, '0');
    const { rig, tls } = await start(files);
    let failed = 0;
    let done = 0;
    const subjects = new Set<string>();
    const stop = { now: false };
    const call = async (): Promise<void> => {
      while (!stop.now) {
        try {
          const caller = await tlsCaller(rig.port);
          subjects.add(String(caller.socket.getPeerCertificate().subject.CN));
          for (let i = 1; i <= 3; i++) {
            caller.socket.write(POST);
            await untilReceived(caller, i * answerOf('ok').length);
          }
          done += 3;
          caller.socket.end();
        } catch {
          failed += 1;
        }
      }
    };
    const calls = [call(), call(), call(), call()];
    for (let i = 1; i <= 2; i++) {
      replace(folder, String(i));
      await until('in use', () => subjects.has(String(i)));
    }
    stop.now = true;
    await Promise.all(calls);
    expect(failed).toBe(0);
    expect(done).toBeGreaterThan(10);
    expect(tls()?.certificates[0]).toMatchObject({ fault: '' });
    expect(Object.keys(tls()?.handshakes ?? {})).toEqual(['ok']);
  });

  it('brings a listener to life that began without a usable certificate', async () => {
    const folder = tempFolder();
    const files = { certFile: join(folder, 'tls.pem'), keyFile: join(folder, 'tls.key') };
    const { rig, tls } = await start(files);
    await expect(tlsCaller(rig.port)).rejects.toThrow();
    expect(tls()?.handshakes).toEqual({ no_certificate: 1 });
    expect(tls()?.certificates[0]).toMatchObject({ notAfterMs: null, reloadFailures: 0 });
    replace(folder, 'late');
    await until('healed', async () => (await shownTo(rig.port, SERVER_NAME)) === 'late');
  });
});

describe('a handshake that fails is counted with its reason', () => {
  const cases: [string, string, (port: number) => Promise<unknown>][] = [
    ['silence', 'timeout', (port) => raw(port, '')],
    ['half a hello', 'timeout', (port) => raw(port, '\x16\x03\x01\x02\x00\x01')],
    ['plain HTTP', 'not_tls', (port) => raw(port, POST)],
    ['garbage', 'not_tls', (port) => raw(port, '\0'.repeat(64))],
    ['an old version', 'protocol', (port) => tlsCaller(port, OLD)],
    ['a caller that leaves', 'aborted', (port) => leave(port)],
  ];

  it.each(cases)('%s: %s', async (_, reason, attempt) => {
    const { rig, tls } = await start({ handshakeTimeoutMs: 300 });
    await attempt(rig.port).catch(() => undefined);
    await until('counted', () => (tls()?.handshakes[reason] ?? 0) > 0);
    expect(tls()?.handshakes).toEqual({ [reason]: 1 });
    expect(rig.status()).toMatchObject({ seen: 0, connections: { open: 0, total: 1 } });
  });

  it('a caller that resets: aborted', async () => {
    const { rig, tls } = await start();
    const socket = connect(rig.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    await until('accepted', () => rig.status().connections.total === 1);
    socket.resetAndDestroy();
    await until('counted', () => tls()?.handshakes.aborted === 1);
  });

  it('and handshakes under way count against the caps on connections', async () => {
    const origin = await originSaying('ok');
    const listener = tlsListener(origin.port, writeServerCertificate(tempFolder()));
    const rig = await startGateway(origin.port, {
      config: { listeners: [listener] },
      gateway: { maxConnections: 1 },
    });
    const sockets = Array.from({ length: 258 }, () => {
      const socket = connect(rig.port, '127.0.0.1');
      return socket.on('error', () => undefined);
    });
    await until('one is over', () => rig.status().connections.limited.overflow === 1);
    for (const socket of sockets) socket.destroy();
    await until('all are forgotten', () => rig.status().tls[0]?.handshakes.aborted === 257);
    await tlsCaller(rig.port);
  });
});

const OLD = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;

/** Ends its connection at once. */
async function leave(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').end();
  await once(socket, 'connect');
}

/** Connects, writes and waits for the end. */
async function raw(port: number, text: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  socket.resume();
  await once(socket, 'close');
}

const tool = (name: string) => spawnSync(name, ['version']).error === undefined;

describe('an independent peer', () => {
  it.skipIf(!tool('openssl'))('openssl s_client is answered, and may not renegotiate', async () => {
    const { rig, folder, tls } = await start();
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, AUTHORITY.cert);
    const run = async (version: string, input: string): Promise<string> => {
      const { spawn } = await import('node:child_process');
      const at = `127.0.0.1:${rig.port}`;
      const args = ['s_client', '-connect', at, '-CAfile', caFile, '-servername', SERVER_NAME];
      const child = spawn('openssl', [...args, '-verify_return_error', version]);
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
        if (text.includes('\r\n\r\nok')) child.stdin.end();
      });
      child.stderr.on('data', (chunk) => {
        text += chunk;
      });
      child.stdin.write(input);
      await once(child, 'close');
      return text;
    };
    for (const version of ['-tls1_2', '-tls1_3']) {
      const text = await run(version, POST);
      expect(text).toContain('Verify return code: 0 (ok)');
      expect(text).toContain('HTTP/1.1 200 OK');
    }
    expect(await run('-tls1_2', 'R\n')).toContain('no renegotiation');
    writeFileSync(caFile, new Authority('Stranger').cert);
    expect(await run('-tls1_2', POST)).toContain('unable to get local issuer');
    await until('counted', () => tls()?.handshakes.alert === 1);
  });

  it.skipIf(!tool('curl'))('curl is answered, with its own certificate where asked', async () => {
    const folder = tempFolder();
    const clientCaFile = join(folder, 'ca.pem');
    writeFileSync(clientCaFile, AUTHORITY.cert);
    const client = AUTHORITY.issue({ commonName: 'curl' });
    const { certFile, keyFile } = writeCertificate(folder, 'curl', client);
    const { rig } = await start({ clientCertificates: 'required', clientCaFile }, folder);
    const { spawn } = await import('node:child_process');
    const to = `${SERVER_NAME}:${rig.port}`;
    const trust = ['--cacert', clientCaFile, '--resolve', `${to}:127.0.0.1`];
    const child = spawn('curl', [
      '-sS',
      ...trust,
      '--cert',
      certFile,
      '--key',
      keyFile,
      `https://${to}/`,
    ]);
    const [body] = await once(child.stdout, 'data');
    expect(String(body)).toBe('ok');
  });
});

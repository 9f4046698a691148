import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CandidateOutcome } from '../../../src/mirror/candidates/candidate.ts';
import {
  FORBIDDEN_CODE,
  ForbiddenAddresses,
} from '../../../src/mirror/candidates/forbidden-addresses.ts';
import { createHttpCandidate } from '../../../src/mirror/candidates/http.ts';
import { httpCandidate, SILENT, serveHttp } from '../rig.ts';

/** Names as a resolver would answer them. */
const NAMES = new Map([
  ['rebound.example', ['169.254.169.254']],
  ['half.example', ['127.0.0.1', 'fe80::1']],
  ['mapped.example', ['::ffff:169.254.169.254']],
  ['plain.example', ['127.0.0.1']],
  ['metadata.goog', ['127.0.0.1']],
]);

vi.mock('node:dns', async (original) => {
  const dns = await original<typeof import('node:dns')>();
  const lookup = (host: string, options: object, done: (...args: unknown[]) => void) => {
    const found = NAMES.get(host);
    if (found === undefined) return dns.lookup(host, options, done);
    const family = (address: string) => (address.includes(':') ? 6 : 4);
    setImmediate(
      done,
      null,
      found.map((address) => ({ address, family: family(address) })),
    );
  };
  return { ...dns, default: { ...dns, lookup }, lookup };
});

describe('ForbiddenAddresses', () => {
  const none = new ForbiddenAddresses([]);

  it.each([
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    'febf::1%eth0',
    'fd00:ec2::254',
    'fd00:0ec2:0:0:0:0:0:254',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd20:ce::254',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '64:ff9b::6464:64c8',
    '64:ff9b::a83f:8110',
    '2002:6464:64c8::1',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:a9:fe:a9fe::',
    '64:ff9b:1:0:a9:fea9:fe00::',
    '64:FF9B:1:0:A9:FEA9:FE00:0',
    '::a9fe:a9fe',
    '::169.254.169.254',
    '::ffff:0:a9fe:a9fe',
    '2001:0:1:2:3:4:5601:5601',
    '[fe80::1]',
    'metadata.google.internal',
    'METADATA.google.internal.',
  ])('refuses %s', (host) => {
    expect(none.hasHost(host)).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '169.253.255.255',
    '169.255.0.0',
    '100.100.100.201',
    '::1',
    '::',
    '64:ff9b::a00:1',
    '2002:a00:1::a9fe:a9fe',
    '2001:db8::a9fe:a9fe',
    '::ffff:10.0.0.1',
    'fec0::1',
    'fd00:ec2::253',
    '10.0.0.1',
    'model.example',
    'metadata.example',
  ])('has nothing against %s', (host) => {
    expect(none.hasHost(host)).toBe(false);
  });

  it('refuses not what is listed: an address, a network, a name', () => {
    const some = new ForbiddenAddresses(['169.254.10.0/24', 'fe80::1', 'metadata.google.internal']);
    expect(some.hasHost('169.254.10.7')).toBe(false);
    expect(some.hasHost('::ffff:169.254.10.7')).toBe(false);
    expect(some.hasHost('64:ff9b::169.254.10.7')).toBe(false);
    expect(some.hasHost('64:ff9b::169.254.169.254')).toBe(true);
    expect(some.hasHost('169.254.169.254')).toBe(true);
    expect(some.hasHost('fe80::1%eth0')).toBe(false);
    expect(some.hasHost('fe80::2')).toBe(true);
    expect(some.hasHost('metadata.google.internal')).toBe(false);
    expect(some.hasHost('metadata.goog')).toBe(true);
  });
});

describe('the lookup', () => {
  const look = (host: string, allowed: readonly string[]) =>
    new Promise<string>((resolve) => {
      new ForbiddenAddresses(allowed).lookup(host, {}, (error, address) =>
        resolve(error === null ? String(address) : (error.code ?? '')),
      );
    });

  it('lets a listed name be at any address, and no other name at that one', async () => {
    const allowed = ['Rebound.example.'];
    expect(await look('rebound.example', allowed)).toBe('169.254.169.254');
    expect(await look('mapped.example', allowed)).toBe(FORBIDDEN_CODE);
    expect(await look('rebound.example', [])).toBe(FORBIDDEN_CODE);
  });
});

describe('a candidate', () => {
  const send = (url: string, allowAddresses: readonly string[] = []) => {
    const config = httpCandidate(url, { allowAddresses, timeoutMs: 2_000 });
    const candidate = createHttpCandidate(config, { log: SILENT });
    onTestFinished(() => candidate.close());
    return new Promise<CandidateOutcome>((resolve) => {
      const body = Buffer.from('{}');
      candidate.dispatch({ method: 'POST', target: '/', headers: [], body }, resolve);
    });
  };

  it.each([
    'http://169.254.169.254/latest',
    'http://2852039166',
    'http://0xA9FEA9FE',
    'http://[::ffff:169.254.169.254]',
    'http://[fe80::1]:8080',
    'https://169.254.169.254',
    'http://metadata.google.internal',
    'http://metadata.goog',
    'http://rebound.example',
    'https://rebound.example',
    'http://half.example',
    'http://mapped.example',
  ])('at %s is never connected to', async (url) => {
    expect(await send(url)).toMatchObject({ kind: 'error', reason: 'forbidden_address' });
  });

  it('is connected to by its name where nothing is against it, or it is listed', async () => {
    const { port } = new URL(await serveHttp((_request, response) => response.end('{}')));
    expect(await send(`http://plain.example:${port}`)).toMatchObject({ status: 200 });
    const listed = await send(`http://metadata.goog:${port}`, ['metadata.goog']);
    expect(listed).toMatchObject({ status: 200 });
  });
});

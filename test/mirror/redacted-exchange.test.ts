import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';
import type { Config } from '../../src/config/types.ts';
import { toHmac } from '../../src/mirror/redaction/hmac-keys.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { type Said, WireClient } from './wire-client.ts';

/** What a route hides, with real bytes through a real mirror to a real candidate. */

type Route = Config['routes'][number];

const KEY = { id: 'k1', key: Buffer.from('a key of sixteen bytes or more') };
const CANDIDATE = '{"score":0.5,"label":"bad Ann","model_version":"2"}';

const ENCODERS: Readonly<Record<string, (text: string) => Buffer>> = {
  zstd: zstdCompressSync,
  deflate: deflateSync,
  br: brotliCompressSync,
};

async function mirror(
  part: Omit<Partial<Route>, 'redact'> & { redact: Partial<Route['redact']> },
  redaction: Partial<Config['redaction']> = {},
  limits: Partial<Config['mirror']> = {},
  answer = CANDIDATE,
) {
  const copies: { url: string; headers: string; body: string }[] = [];
  const url = await serveHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      copies.push({ url: request.url ?? '', headers: request.rawHeaders.join('\n'), body });
      response.end(answer);
    });
  });
  const base = mirrorConfig([httpCandidate(url)]);
  const redact = { ...DEFAULTS.route.redact.rules, ...part.redact };
  const routes = base.routes.map((route): Route => ({ ...route, ...part, redact }));
  const rig = await startMirror({
    ...base,
    mirror: { ...base.mirror, ...limits },
    routes,
    redaction: { ...DEFAULTS.redaction, ...redaction },
  });
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  return {
    rig,
    copies,
    offer: async (...said: readonly Said[]) => {
      for (const one of said) gateway.offer(one);
      await settled(rig, gateway);
      expectBalancedBooks(rig, gateway);
    },
  };
}

function keyFile(): string {
  const file = join(tempFolder(), 'key');
  writeFileSync(file, KEY.key);
  return file;
}

it('sends a candidate what it may have, and records what may be recorded', async () => {
  const { rig, copies, offer } = await mirror(
    {
      capture: ['/name', '/income', '/term', '/id'],
      join: '/id',
      redact: {
        request: [
          { pointer: '/name', action: 'drop', from: 'all' },
          { pointer: '/income', action: 'mask', from: 'record' },
          { pointer: '/id', action: 'hmac', from: 'record' },
        ],
        answers: [{ pointer: '/label', action: 'hmac' }],
        query: [{ name: 'id', action: 'hmac' }],
      },
    },
    { keys: [{ id: KEY.id, file: keyFile() }], denyHeaders: ['x-name'] },
  );
  await offer({
    path: '/v1/score?id=c-1&a=1',
    headers: ['X-Name: Ann', 'Content-Digest: sha-256=:AAAA:', 'X-Kept: yes'],
    body: '{"name":"Ann", "income":1200.50,"term":36,"id":"c-1"}',
    answer: '{"score":0.25,"label":"bad Ann","model_version":"1"}',
  });
  const [copy] = copies;
  expect(copy?.body).toBe('{"income":1200.50,"term":36,"id":"c-1"}'.replace('{', '{ '));
  expect(copy?.url).toBe(`/v1/score?id=${encodeURIComponent(toHmac(KEY, 'c-1'))}&a=1`);
  expect(copy?.headers).toContain('x-kept\nyes');
  expect(copy?.headers).not.toMatch(/Ann|digest/i);
  const label = toHmac(KEY, 'bad Ann');
  expect(rig.recorder.pairs[0]).toMatchObject({
    captured: { '/income': '***', '/term': 36, '/id': toHmac(KEY, 'c-1') },
    join: toHmac(KEY, 'c-1'),
    incumbent: { predictions: [{ score: 0.25, label }] },
    candidate: { predictions: [{ score: 0.5, label }] },
    divergence: { label_flips: 0 },
  });
  expect(JSON.stringify(rig.recorder.entries)).not.toMatch(/Ann|c-1|1200/);
});

it('sends what it has looked at: decoded where it was encoded, whether or not it hides', async () => {
  const { copies, offer } = await mirror({
    redact: { request: [{ pointer: '/name', action: 'drop', from: 'all' }] },
  });
  const headers = ['Content-Encoding: gzip'];
  const other = gzipSync('{"term":36}');
  await offer({ headers, body: gzipSync('{"name":"Ann","term":36}') });
  expect(copies[0]?.body).toBe('{"term":36}');
  expect(copies[0]?.headers).not.toMatch(/content-encoding/i);
  await offer({ headers, body: other }, { body: '' });
  expect(copies[1]?.body).toBe('{"term":36}');
  expect(copies[1]?.headers).not.toMatch(/content-encoding/i);
  expect(copies.map(({ body }) => body.length > 0)).toEqual([true, true, false]);
});

it.each<[string, string, Said]>([
  ['a form', 'redaction', { body: 'name=Ann' }],
  ['two documents', 'redaction', { body: '{"name":"Ann"}{"name":"Ann"}' }],
  ['a byte order mark', 'redaction', { body: '\ufeff{"name":"Ann"}' }],
  ['no UTF-8', 'redaction', { body: Buffer.from('{"name":"\xc4nn"}', 'latin1') }],
  ['UTF-16', 'redaction', { body: Buffer.from('{"name":"Ann"}', 'utf16le') }],
  ['an unknown coding', 'encoding', { body: 'Ann', headers: ['Content-Encoding: lzma'] }],
  ...[
    'application/x-www-form-urlencoded',
    'APPLICATION/X-WWW-FORM-URLENCODED;charset=utf-8',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-7',
    'application/json; Charset = "utf\\-16"',
    "application/json; charset*=us-ascii''utf-7",
    'application/json; charset*0=utf; charset*1=-7',
    "application/json; charset*0*=us-ascii''utf-7",
    'application/json; charset=utf-8; charset=utf-7',
  ].map((type): [string, string, Said] => {
    const headers = [`Content-Type: ${type}`];
    return [`what is JSON, too, as ${type}`, 'redaction', { body: '{"x":"&name=Ann&"}', headers }];
  }),
  ...[
    { coding: 'zstd', tail: zstdCompressSync('{"name":"Ann"}') },
    { coding: 'deflate', tail: '{"name":"Ann"}' },
    { coding: 'br', tail: '{"name":"Ann"}' },
  ].map(({ coding, tail }): [string, string, Said] => {
    const body = Buffer.concat([ENCODERS[coding]?.('{}') ?? Buffer.alloc(0), Buffer.from(tail)]);
    const headers = [`Content-Encoding: ${coding}`];
    return [`bytes behind the end of ${coding}`, 'encoding', { body, headers }];
  }),
  [
    'a bomb',
    'ratio',
    { body: gzipSync('[]'.repeat(500_000)), headers: ['Content-Encoding: gzip'] },
  ],
])('does not send a body in doubt: %s', async (_what, reason, said) => {
  const { rig, copies, offer } = await mirror({
    redact: { request: [{ pointer: '/name', action: 'mask', from: 'all' }] },
  });
  await offer(said);
  expect(copies).toEqual([]);
  expect(legsIn(rig, 'undecodable', reason)).toBe(1);
});

it('looks at no body over its share of the parse budget, and gives back what one in doubt took', async () => {
  const { rig, copies, offer } = await mirror(
    { redact: { request: [{ pointer: '/name', action: 'mask', from: 'all' }] } },
    {},
    { maxParseBytes: 4_000 * LIMITS.parseFactor },
  );
  await offer({ body: 'n='.repeat(501) });
  expect(legsIn(rig, 'undecodable', 'parse_budget')).toBe(1);
  for (let i = 0; i < 12; i++) await offer({ body: 'n='.repeat(450) });
  expect(legsIn(rig, 'undecodable', 'redaction')).toBe(12);
  await offer({ body: '{"name":"Ann"}' });
  expect(copies.map(({ body }) => body)).toEqual(['{"name":"***"}']);
  expect(rig.mirror.status().parseBytes).toBe(0);
});

it.each([
  'application/json',
  'text/plain; charset=US-ASCII',
  'application/json; charset="UTF-8"',
  'application/x-ndjson;charset=utf8',
])('sends JSON as %s', async (type) => {
  const { copies, offer } = await mirror({
    redact: { request: [{ pointer: '/name', action: 'mask', from: 'all' }] },
  });
  await offer({ body: '{"name":"Ann"}', headers: [`Content-Type: ${type}`] });
  expect(copies[0]?.body).toBe('{"name":"***"}');
});

it('sends any body where only records must not have its values, and captures none in doubt', async () => {
  const { rig, copies, offer } = await mirror({
    capture: ['/term'],
    redact: { request: [{ pointer: '/name', action: 'drop', from: 'record' }] },
  });
  await offer({ body: 'name=Ann' }, { body: '{"name":"Ann","term":36}' });
  expect(copies.map(({ body }) => body)).toEqual(['name=Ann', '{"name":"Ann","term":36}']);
  expect(rig.recorder.pairs.map(({ captured }) => captured)).toEqual([{}, { '/term': 36 }]);
});

it('reads no answer of which it cannot tell what must be hidden', async () => {
  const { rig, offer } = await mirror({
    redact: { answers: [{ pointer: '/label', action: 'drop' }] },
  });
  await offer({ answer: `${'['.repeat(65)}${']'.repeat(65)}` }, { answer: '{"label":"Ann"' });
  const errors = rig.recorder.pairs.map(({ incumbent }) => incumbent.error);
  expect(errors).toEqual(['too_deep', 'not_json']);
});

it('compares documents without what is hidden', async () => {
  const { rig, offer } = await mirror({
    compare: { ...DEFAULTS.route.compare, structure: true },
    redact: { answers: [{ pointer: '/customers/*', action: 'drop' }] },
  });
  await offer({ answer: '{"score":0.5,"label":"bad Ann","customers":{"Ann Smith":1}}' });
  const { structure } = rig.recorder.pairs[0]?.divergence ?? {};
  expect(structure?.map(({ at }) => at)).toEqual(['/customers', '/model_version']);
});

it('names no member that a rule of answers finds by a star', async () => {
  const { rig, offer } = await mirror(
    {
      compare: { ...DEFAULTS.route.compare, structure: true },
      redact: { answers: [{ pointer: '/by/*', action: 'mask' }] },
    },
    {},
    {},
    '{"score":0.5,"by":{"DE2":2,"DE3":3}}',
  );
  await offer({ answer: '{"score":0.5,"by":{"DE1":1}}' });
  expect(rig.recorder.pairs[0]?.divergence?.structure).toEqual([
    { at: '/by/*', kind: 'missing', count: 1 },
    { at: '/by/*', kind: 'extra', count: 2 },
  ]);
  expect(JSON.stringify(rig.recorder.entries)).not.toMatch(/DE\d/);
});

it.each([
  ['record', '/echo/*'],
  ['all', '/echo/hmac:1'],
] as const)('names members that a candidate adds unless rules are from: %s', async (from, at) => {
  const { rig, offer } = await mirror(
    {
      compare: { ...DEFAULTS.route.compare, structure: true },
      redact: { request: [{ pointer: '/iban', action: 'drop', from }] },
    },
    {},
    {},
    '{"score":0.5,"echo":{"hmac:1":1}}',
  );
  await offer({ body: '{"iban":"hmac:1"}', answer: '{"score":0.5,"echo":{}}' });
  expect(rig.recorder.pairs[0]?.divergence?.structure).toEqual([{ at, kind: 'extra', count: 1 }]);
});

it('makes no copy of what it would hash while the key is missing, and heals', async () => {
  const file = keyFile();
  rmSync(file);
  const { rig, copies, offer } = await mirror(
    { redact: { request: [{ pointer: '/id', action: 'hmac', from: 'all' }] } },
    { keys: [{ id: KEY.id, file }] },
  );
  await offer({ body: '{"id":"c-1"}' });
  expect(legsIn(rig, 'undecodable', 'redaction')).toBe(1);
  writeFileSync(file, KEY.key);
  await until('a copy is made', async () => {
    await offer({ body: '{"id":"c-1"}' });
    return copies.length > 0;
  });
  expect(copies[0]?.body).toBe(JSON.stringify({ id: toHmac(KEY, 'c-1') }));
});

it('changes no byte of a body where nothing is configured', async () => {
  const { copies, offer } = await mirror({ redact: {} });
  const body = '{"b":1e2,  "b":"\\u0041"} trailing';
  await offer({ body });
  expect(
    createHash('sha1')
      .update(copies[0]?.body ?? '')
      .digest('hex'),
  ).toBe(createHash('sha1').update(body).digest('hex'));
});

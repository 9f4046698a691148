import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { drawnNumber } from '../../src/wire/selection.ts';
import { until } from '../support/until.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  type Rig,
  SECRET,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { WireClient } from './wire-client.ts';

const validate = new Ajv2020({ allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(new URL('../../schemas/pair-1.schema.json', import.meta.url), 'utf8')),
);

const ANSWER = '{"score":0.5,"label":"bad","model_version":"2"}';

async function connected(rig: Rig): Promise<WireClient> {
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  return gateway;
}

async function scoring(): Promise<{
  url: string;
  seen: { request: IncomingMessage; body: string }[];
}> {
  const seen: { request: IncomingMessage; body: string }[] = [];
  const url = await serveHttp((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      seen.push({ request, body });
      response.setHeader('content-type', 'application/json');
      response.end(ANSWER);
    });
  });
  return { url, seen };
}

describe('Mirror', () => {
  it('makes a valid pair of each exchange, and the books balance', async () => {
    const { url, seen } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    for (let i = 0; i < 50; i++) gateway.offer();
    await settled(rig, gateway);
    expect(seen).toHaveLength(50);
    expect(legsIn(rig, 'paired')).toBe(50);
    for (const pair of rig.recorder.pairs) {
      validate(pair);
      expect(validate.errors).toBeNull();
    }
    const [pair] = rig.recorder.pairs;
    expect(pair).toMatchObject({
      id: `${gateway.epoch}.1/cand`,
      instance: 'test/gw0',
      key: `${gateway.epoch}.101`,
      experiment: 'exp',
      route: 'score',
      request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 15 },
      incumbent: {
        status: 200,
        first_byte_ms: 4,
        latency_ms: 5,
        model_version: '1',
        predictions: [{ score: 0.25, label: 'good' }],
      },
      candidate: {
        name: 'cand',
        status: 200,
        model_version: '2',
        predictions: [{ score: 0.5, label: 'bad' }],
      },
      divergence: { score_delta_max: 0.25, label_flips: 1, outside_tolerance: 1, fields: [] },
      selection: { probability: 1, rule: 'default', settings_version: 3 },
      state: 'paired',
    });
    expect(pair?.selection.u).toBe(drawnNumber(SECRET, `${gateway.epoch}.101`));
    expect(rig.mirror.status().candidates[0]).toMatchObject({ labelFlips: 50, compared: 50 });
    expectBalancedBooks(rig, gateway);
  });

  it('gives each candidate of the route a leg of its own, selected by one drawn number', async () => {
    const { url } = await scoring();
    const rig = await startMirror(
      mirrorConfig([httpCandidate(url, { name: 'a' }), httpCandidate(url, { name: 'b' })]),
    );
    rig.settings.rates.set('a', 0.5).set('b', 0.25);
    const gateway = await connected(rig);
    for (let i = 0; i < 200; i++) gateway.offer({}, { rate: 0.5, u: i / 400 });
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired', '', 'a')).toBe(200);
    expect(legsIn(rig, 'paired', '', 'b')).toBe(100);
    expect(legsIn(rig, 'not_selected', '', 'b')).toBe(100);
    const selections = rig.recorder.pairs.map(({ selection }) => selection);
    expect(selections.every(({ u, probability }) => u < probability)).toBe(true);
    expectBalancedBooks(rig, gateway);
  });

  it('never mirrors more than the rate that was in force at the gateway', async () => {
    const { url } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer({}, { rate: 0.1, u: 0.05 });
    gateway.offer({}, { rate: 0.1, u: 0.2 });
    await settled(rig, gateway);
    expect(rig.recorder.pairs.map(({ selection }) => selection.probability)).toEqual([0.1]);
    expect(legsIn(rig, 'not_selected')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });

  it.each(['operator', 'mirror_off'] as const)(
    'sends nothing while paused (%s)',
    async (reason) => {
      const { url, seen } = await scoring();
      const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
      rig.settings.paused = reason;
      const gateway = await connected(rig);
      gateway.offer();
      await settled(rig, gateway);
      expect(legsIn(rig, 'paused', reason)).toBe(1);
      expect(seen).toHaveLength(0);
      expectBalancedBooks(rig, gateway);
    },
  );

  it('passes on no credential, and pairs hold none either', async () => {
    const { url, seen } = await scoring();
    const canary = 'CANARY-5f1d7c0e9ab84c63b2a1';
    const config = mirrorConfig([
      httpCandidate(`${url}/base/`, { paths: { '/v1/score': '/infer' } }),
    ]);
    const rig = await startMirror(config);
    const gateway = await connected(rig);
    gateway.offer({
      path: `/v1/score?q=1&access_token=${canary}&api%5Fkey=${canary}`,
      headers: [
        `Authorization: Bearer ${canary}`,
        `PROXY-AUTHORIZATION: ${canary}`,
        `Cookie: a=${canary}`,
        `X-Api-Key: ${canary}`,
        `x-amz-security-token: ${canary}`,
        `X-CSRF-Token: ${canary}`,
        `Connection: keep-alive, X-Hop`,
        `X-Hop: ${canary}`,
        `Keep-Alive: ${canary}`,
        'TE: trailers',
        'Expect: 100-continue',
        'X-Request-Id: kept',
        'Accept-Encoding: br',
      ],
      body: `{"amount":1,"secret":"${canary}"}`,
      answerHeaders: [`Set-Cookie: s=${canary}`],
    });
    await settled(rig, gateway);
    const [call] = seen;
    expect(call?.request.url).toBe('/base/infer?q=1');
    const { host, connection, ...headers } = call?.request.headers ?? {};
    expect(`http://${host}`).toBe(url);
    expect(connection).toBe('keep-alive');
    expect(headers).toEqual({
      'content-type': 'application/json',
      'content-length': '51',
      'accept-encoding': 'br',
      'x-request-id': 'kept',
      'x-understudy-shadow': expect.stringMatching(
        new RegExp(`^1;${gateway.epoch}\\.101;[0-9a-f]{64}$`),
      ),
    });
    expect(call?.request.rawHeaders.join()).not.toContain(canary);
    expect(rig.recorder.entries.map(({ json }) => json).join()).not.toContain(canary);
    expectBalancedBooks(rig, gateway);
  });

  it('never mirrors a request that carries the shadow mark', async () => {
    const { url, seen } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer({ headers: ['X-Understudy-Shadow: forged'] });
    await settled(rig, gateway);
    expect(legsIn(rig, 'ineligible', 'foreign_mark')).toBe(1);
    expect(seen).toHaveLength(0);
    expectBalancedBooks(rig, gateway);
  });

  it.each([
    ['malformed', {}, { request: Buffer.from('POST /v1/score\r\n\r\n') }],
    ['malformed', {}, { answer: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab') }],
    ['encoding', { answerHeaders: ['Content-Encoding: compress'] }, {}],
    ['encoding', { answerHeaders: ['Content-Encoding: gzip'] }, {}],
    ['too_large', { answer: 'x'.repeat(2_000) }, {}],
    ['too_large', { body: 'x'.repeat(2_000) }, {}],
  ])('settles as undecodable(%s) what it cannot read: %o', async (reason, said, fields) => {
    const { url, seen } = await scoring();
    const base = mirrorConfig([httpCandidate(url)]);
    const rig = await startMirror({ ...base, mirror: { ...base.mirror, maxDecodedBytes: 1_000 } });
    const gateway = await connected(rig);
    gateway.offer(said, fields);
    await settled(rig, gateway);
    expect(legsIn(rig, 'undecodable', reason)).toBe(1);
    expect(seen).toHaveLength(0);
    expectBalancedBooks(rig, gateway);
  });

  it('counts a frame that a reconnect lost as lost_in_crash, in the state of its spot', async () => {
    const { url } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer();
    gateway.frame(); // offered, and never written
    gateway.kill();
    await gateway.connect(rig.wireSocket);
    gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(2);
    expect(legsIn(rig, 'lost_in_crash')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });

  it('closes a connection whose message contradicts its books, and loses nothing of the count', async () => {
    const { url } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer({}, { seq: 1 });
    gateway.offer({}, { seq: 1 });
    await until('connection closed', () => gateway.socket.destroyed);
    expect(rig.mirror.status().wireErrors).toBe(1);
    await gateway.connect(rig.wireSocket);
    await settled(rig, gateway);
    expect(legsIn(rig, 'lost_in_crash')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });

  it('ends an epoch cleanly after a farewell, uncleanly without, with what arrived counted', async () => {
    const { url } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const clean = await connected(rig);
    const killed = await connected(rig);
    clean.offer();
    killed.report();
    killed.offer();
    await clean.leave();
    killed.kill();
    await settled(rig, clean);
    await until('unclean', () => rig.mirror.status().epochs.some((e) => e.state === 'unclean'));
    await settled(rig, killed);
    const epochs = rig.mirror.status().epochs;
    const of = (gateway: WireClient) => epochs.find(({ epoch }) => epoch === gateway.epoch);
    expect(of(clean)).toMatchObject({ state: 'clean', offered: 1, received: 1 });
    expect(of(clean)?.unreportedMs).toBeNull();
    expect(of(killed)).toMatchObject({ state: 'unclean', offered: 1, received: 1 });
    expect(of(killed)?.unreportedMs).toBeGreaterThanOrEqual(0);
    expectBalancedBooks(rig, clean);
    expectBalancedBooks(rig, killed);
  });

  it('accounts for all that a killed mirror held: the next one books it as lost', async () => {
    const { url } = await scoring();
    const config = mirrorConfig([httpCandidate(url)]);
    const first = await startMirror(config);
    const gateway = await connected(first);
    gateway.offer();
    gateway.report();
    await settled(first, gateway);
    first.recorder.held = []; // from here on nothing reaches the disk
    gateway.offer();
    gateway.offer();
    gateway.report();
    await until('pairs held', () => first.recorder.held?.length === 2);
    const committed = structuredClone(first.recorder.books);

    const second = await startMirror(config, { committed });
    expect(legsIn(second, 'lost_in_crash')).toBe(2);
    gateway.kill();
    gateway.frame();
    await gateway.connect(second.wireSocket);
    gateway.offer();
    await settled(second, gateway);
    expect(legsIn(second, 'paired')).toBe(2);
    expect(legsIn(second, 'lost_in_crash')).toBe(3);
    expectBalancedBooks(second, gateway);
  });

  it('charges a newly configured candidate with nothing that was offered before its time', async () => {
    const { url } = await scoring();
    const first = await startMirror(mirrorConfig([httpCandidate(url, { name: 'a' })]));
    const gateway = await connected(first);
    gateway.offer();
    gateway.report();
    await settled(first, gateway);
    const both = [httpCandidate(url, { name: 'a' }), httpCandidate(url, { name: 'b' })];
    const second = await startMirror(mirrorConfig(both), { committed: first.recorder.books });
    await gateway.connect(second.wireSocket);
    gateway.offer();
    await settled(second, gateway);
    expect(legsIn(second, 'ineligible', 'not_configured', 'b')).toBe(1);
    expect(legsIn(second, 'lost_in_crash', '', 'b')).toBe(0);
    expect(legsIn(second, 'paired', '', 'a')).toBe(2);
    expectBalancedBooks(second, gateway);
  });

  it('reads the old connection of an epoch to its end before it takes the new hello', async () => {
    const { url } = await scoring();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    const old = gateway.socket;
    for (let i = 0; i < 100; i++) gateway.offer();
    await gateway.connect(rig.wireSocket); // the old one is still open
    gateway.offer();
    await until('the first hundred', () => legsIn(rig, 'paired') === 100);
    expect(legsIn(rig, 'lost_in_crash')).toBe(0);
    old.destroy();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(101);
    expect(legsIn(rig, 'lost_in_crash')).toBe(0);
    expectBalancedBooks(rig, gateway);
  });
});

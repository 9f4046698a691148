import { mkdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ApiLog, createApi } from '../../src/admin/api.ts';
import { closeHttp, listenHttp } from '../../src/admin/http-listen.ts';
import { SettingsStore } from '../../src/admin/settings-store.ts';
import { toStatusReport } from '../../src/admin/status-report.ts';
import { LIMITS } from '../../src/config/defaults.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { configIn } from './config.ts';

const TOKEN = 'f'.repeat(64);
const AUTH = { authorization: `Bearer ${TOKEN}` };
const JSON_TYPE = { 'content-type': 'application/json' };

async function start() {
  const config = configIn(tempFolder());
  mkdirSync(config.runDir, { recursive: true });
  mkdirSync(config.dataDir, { recursive: true });
  const store = new SettingsStore(config, runFolder(config.runDir));
  const logged: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
  };
  const log: ApiLog = { info: at('info'), warn: at('warn'), error: at('error') };
  const report = async () =>
    toStatusReport(config, store.settings, { gateways: [], mirror: null, processes: [] });
  const api = await createApi({
    config,
    isToken: (presented) => presented === TOKEN,
    store,
    report,
    analysis: null,
    askMirrorToErase: async () => undefined,
    log,
  });
  const url = await listenHttp(api.server, config.admin.address);
  onTestFinished(async () => {
    await closeHttp(api.server);
    await api.close();
  });
  const patch = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/settings`, {
      method: 'PATCH',
      headers: { ...AUTH, ...JSON_TYPE, 'if-match': '*', ...headers },
      body,
    });
  return { config, store, url, patch, logged };
}

/** Sends headers that fetch would not: Host. */
function statusOf(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('the admin API', () => {
  it('answers liveness and readiness without a token', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
      status: 'ok',
      settings_version: 0,
    });
  });

  it('changes the switch and the rates, says who did it, and shows it', async () => {
    const { url, patch, logged, store } = await start();
    const answer = await patch('{"enabled":false,"rates":{"v7":0.5},"reason":"ramp"}', {
      'x-understudy-operator': 'kim',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"1"');
    const view = await (await fetch(`${url}/v1/settings`, { headers: AUTH })).json();
    expect(view).toEqual(await answer.json());
    expect(view).toMatchObject({
      version: 1,
      enabled: false,
      rates: { v7: 0.5, v8: 1 },
      changed: { by: 'kim', reason: 'ramp' },
    });
    expect(store.settings.version).toBe(1);
    expect(logged).toMatchObject([{ level: 'info', message: 'settings changed' }]);
  });

  it('bounds the name of the operator, whatever bytes it has', async () => {
    const { patch, store } = await start();
    const name = Buffer.from('käm').toString('latin1');
    await patch('{"enabled":true,"reason":"x"}', { 'x-understudy-operator': name });
    expect(store.settings.changed?.by).toBe('käm');
    await patch('{"enabled":true,"reason":"x"}', { 'x-understudy-operator': 'x'.repeat(5_000) });
    expect(store.settings.changed?.by).toBe('x'.repeat(LIMITS.operatorCharacters));
    await patch('{"enabled":true,"reason":"x"}');
    expect(store.settings.changed?.by).toBe('unknown');
  });

  it('reports the status', async () => {
    const { url } = await start();
    const report = await (await fetch(`${url}/v1/status`, { headers: AUTH })).json();
    expect(report).toMatchObject({ experiment: 'default', waterfall: { ok: true }, mirror: null });
  });

  it.each([
    ['no token', {}, ''],
    ['a wrong token', { authorization: `Bearer ${'e'.repeat(64)}` }, ''],
    ['half the token', { authorization: `Bearer ${TOKEN.slice(1)}` }, ''],
    ['the token as Basic', { authorization: `Basic ${TOKEN}` }, ''],
    ['the token in the query', {}, `?access_token=${TOKEN}&token=${TOKEN}`],
    ['the token in a cookie', { cookie: `token=${TOKEN}` }, ''],
  ])('T-01: answers 401 to %s, and changes nothing', async (_, headers, query) => {
    const { url, store } = await start();
    const answers = [
      await fetch(`${url}/v1/settings${query}`, { headers }),
      await fetch(`${url}/v1/status${query}`, { headers }),
      await fetch(`${url}/v1/settings${query}`, {
        method: 'PATCH',
        headers: { ...headers, ...JSON_TYPE },
        body: '{"enabled":false,"reason":"x"}',
      }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(await answer.json()).toMatchObject({ code: 'UND_API_TOKEN', status: 401 });
    }
    expect(store.settings.version).toBe(0);
  });

  it('T-01: throttles refusals and their log, and never the right token', async () => {
    const { url, logged } = await start();
    const statuses: number[] = [];
    for (let i = 0; i < LIMITS.apiRefusalsPerMinute + 20; i++) {
      statuses.push((await fetch(`${url}/v1/status`)).status);
    }
    expect(statuses.at(0)).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    expect(logged.length).toBeLessThan(LIMITS.apiRefusalsPerMinute + 5);
    expect((await fetch(`${url}/v1/status`, { headers: AUTH })).status).toBe(200);
  });

  it.each([
    ['a rebound Host', { host: 'evil.example' }, 403],
    ['another Origin', { origin: 'http://evil.example' }, 403],
    ['a cross-site request', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', { 'content-type': 'text/plain' }, 415],
    ['a multipart form', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['text that says JSON later', { 'content-type': 'text/plain; application/json' }, 415],
  ])('T-02: refuses %s with the right token, and changes nothing', async (_, headers, status) => {
    const { url, store } = await start();
    const body = '{"enabled":false,"reason":"x"}';
    const answer = await new Promise<number>((resolve, reject) => {
      httpRequest(
        `${url}/v1/settings`,
        { method: 'PATCH', headers: { ...AUTH, ...JSON_TYPE, ...headers } },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      )
        .on('error', reject)
        .end(body);
    });
    expect(answer).toBe(status);
    expect(store.settings.version).toBe(0);
  });

  it('T-02: answers no preflight: nothing is allowed to other sites', async () => {
    const { url } = await start();
    const preflight = { origin: 'http://evil.example', 'access-control-request-method': 'PATCH' };
    expect(await statusOf(`${url}/v1/settings`, preflight, 'OPTIONS')).toBe(403);
  });

  it.each([
    ['no JSON', '{"enabled":', 'UND_API_JSON'],
    ['NaN', '{"rates":{"v7":NaN},"reason":"x"}', 'UND_API_JSON'],
    ['a key twice', '{"enabled":true,"enabled":false,"reason":"x"}', 'UND_API_JSON'],
    ['__proto__', '{"__proto__":{"enabled":false},"reason":"x"}', 'UND_API_FIELD'],
    ['1e400', '{"rates":{"v7":1e400},"reason":"x"}', 'UND_API_FIELD'],
    ['-1', '{"rates":{"v7":-1},"reason":"x"}', 'UND_API_FIELD'],
    ['101', '{"rates":{"v7":101},"reason":"x"}', 'UND_API_FIELD'],
    ['"50"', '{"rates":{"v7":"50"},"reason":"x"}', 'UND_API_FIELD'],
    ['deep JSON', '['.repeat(8_000), 'UND_API_JSON'],
    ['10k-deep JSON', '['.repeat(10_000) + ']'.repeat(10_000), 'UND_API_TOO_LARGE'],
    ['10 MB', `{"enabled":true,"reason":"${'x'.repeat(1e7)}"}`, 'UND_API_TOO_LARGE'],
    ['an unknown candidate', '{"rates":{"v9":1},"reason":"x"}', 'UND_API_CANDIDATE'],
    ['no reason', '{"enabled":true}', 'UND_API_REASON'],
    ['an empty reason', '{"enabled":true,"reason":" "}', 'UND_API_REASON'],
    ['a reason of two lines', '{"enabled":true,"reason":"a\\nb"}', 'UND_API_REASON'],
    ['a cap of -1', '{"requestsPerSecond":{"v7":-1},"reason":"x"}', 'UND_API_FIELD'],
    ['a cap of 1e400', '{"requestsPerSecond":{"v7":1e400},"reason":"x"}', 'UND_API_FIELD'],
    ['a cap of "50"', '{"requestsPerSecond":{"v7":"50"},"reason":"x"}', 'UND_API_FIELD'],
    ['no cap at all', '{"requestsPerSecond":{},"reason":"x"}', 'UND_API_FIELD'],
    ['a time of 1 ms', '{"enabled":false,"ttlMs":1,"reason":"x"}', 'UND_API_FIELD'],
    ['a time for ever', '{"enabled":false,"ttlMs":1e300,"reason":"x"}', 'UND_API_FIELD'],
    ['a time alone', '{"ttlMs":60000,"reason":"x"}', 'UND_API_FIELD'],
    ['undo with a change', '{"undo":true,"enabled":false,"reason":"x"}', 'UND_API_FIELD'],
    ['undo: false', '{"undo":false,"reason":"x"}', 'UND_API_FIELD'],
    [
      'a target',
      '{"candidates":{"v7":{"url":"http://127.0.0.1:1"}},"reason":"x"}',
      'UND_API_FIELD',
    ],
  ])('T-03, T-05: answers 400 to %s, and changes nothing', async (_, body, code) => {
    const { patch, store } = await start();
    const answer = await patch(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code, status: 400 });
    expect(store.settings.version).toBe(0);
  });

  it('answers a write without a body, and a path that is not there, as problems', async () => {
    const { url } = await start();
    const empty = await fetch(`${url}/v1/settings`, { method: 'PATCH', headers: AUTH });
    expect(empty.status).toBe(415);
    expect(await empty.json()).toMatchObject({ code: 'UND_API_MEDIA_TYPE' });
    const missing = await fetch(`${url}/v1/nothing`, { headers: AUTH });
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: 'UND_API_ROUTE' });
  });

  it('loses no version when changes come at once', async () => {
    const { patch, store } = await start();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        patch(`{"rates":{"${i % 2 ? 'v7' : 'v8'}":${i / 40}},"reason":"r${i}"}`),
      ),
    );
    const versions = answers.map(({ headers }) => Number(headers.get('etag')?.slice(1, -1)));
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(store.settings.version).toBe(40);
  });

  it('T-04: takes no change that does not say what it is made on', async () => {
    const { url, store } = await start();
    const answer = await fetch(`${url}/v1/settings`, {
      method: 'PATCH',
      headers: { ...AUTH, ...JSON_TYPE },
      body: '{"enabled":false,"reason":"x"}',
    });
    expect(answer.status).toBe(428);
    expect(await answer.json()).toMatchObject({ code: 'UND_API_PRECONDITION' });
    expect(store.settings.version).toBe(0);
  });

  it('sets caps, changes for a time, undoes, and tells all of it in the audit', async () => {
    const { url, patch } = await start();
    await patch('{"requestsPerSecond":{"v7":50},"reason":"small host"}');
    const soak = await patch('{"rates":{"v7":1},"ttlMs":60000,"reason":"soak"}');
    const soaked = (await soak.json()) as { expiry: { at: string } };
    expect(soaked).toMatchObject({ requestsPerSecond: { v7: 50, v8: 0 }, rates: { v7: 1 } });
    expect(Date.parse(soaked.expiry.at) - Date.now()).toBeGreaterThan(50_000);
    const undone = await (await patch('{"undo":true,"reason":"too much"}')).json();
    expect(undone).toMatchObject({ version: 4, rates: { v7: 0.25 }, expiry: null });
    const audit = async (query = '') => {
      const answer = await fetch(`${url}/v1/audit${query}`, { headers: AUTH });
      return (await answer.json()) as { entries: object[] };
    };
    expect((await audit()).entries).toMatchObject([
      { version: 1, reason: 'small host', to: { requestsPerSecond: { v7: 50 } }, until: '' },
      { version: 2, reason: 'soak', until: soaked.expiry.at },
      { version: 4, reason: 'too much', from: { rates: { v7: 1 } } },
    ]);
    expect((await audit('?since=2999-01-01T00:00:00Z')).entries).toEqual([]);
    const wrong = await fetch(`${url}/v1/audit?since=yesterday`, { headers: AUTH });
    expect(wrong.status).toBe(400);
    expect((await fetch(`${url}/v1/audit`)).status).toBe(401);
  });

  it('answers 409 to an undo where nothing was done', async () => {
    const { patch } = await start();
    const answer = await patch('{"undo":true,"reason":"x"}');
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'UND_SETTINGS_UNDO' });
  });

  it('T-04: lets one of many through that saw the same version', async () => {
    const { patch, store } = await start();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        patch('{"enabled":false,"reason":"x"}', { 'if-match': '"0"' }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...new Array(9).fill(412)]);
    expect((await patch('{"enabled":true,"reason":"x"}', { 'if-match': 'W/"1"' })).status).toBe(
      412,
    );
    expect((await patch('{"enabled":true,"reason":"x"}', { 'if-match': '*' })).status).toBe(200);
    expect(store.settings.version).toBe(2);
  });

  it('ends a client that sends nothing', async () => {
    const { url } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1').resume();
    socket.write('PATCH /v1/settings HTTP/1.1\r\n');
    await new Promise((resolve) => socket.on('close', resolve));
  }, 30_000);
});

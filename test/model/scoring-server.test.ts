import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { type ScoringServer, serveScoring } from '../../src/model/scoring-server.ts';
import { loadModel, type Model } from '../../src/model/session.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { tinyConfig, tinyScore } from './tiny.ts';

const GOOD = { loan: { amount: 300 }, grade: 'B' };

async function serve(model?: () => Model | string): Promise<ScoringServer> {
  const loaded = await loadModel(tinyConfig());
  const server = await serveScoring({
    place: { host: '127.0.0.1', port: 0 },
    scorePath: '/v1/score',
    model: model ?? (() => loaded),
  });
  onTestFinished(async () => {
    await server.close();
    await loaded.release();
  });
  return server;
}

async function post(
  server: ScoringServer,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  const content = typeof body === 'string' ? body : new Uint8Array(body);
  const url = `http://127.0.0.1:${server.port}/v1/score`;
  return fetch(url, { method: 'POST', body: content, headers });
}

/** Sends bytes as they are and reads until the server closes. */
async function raw(server: ScoringServer, bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

async function expectStillServing(server: ScoringServer): Promise<void> {
  const answer = await post(server, JSON.stringify(GOOD));
  expect(answer.status).toBe(200);
}

describe('scoring API', () => {
  test('answers score, label and model version', async () => {
    const server = await serve();
    const answer = await post(server, JSON.stringify(GOOD));
    expect(answer.headers.get('content-type')).toBe('application/json');
    const { score, ...rest } = (await answer.json()) as { score: number };
    expect(score).toBeCloseTo(tinyScore(300, 'B'), 6);
    expect(rest).toEqual({ label: 'bad', model_version: 'tiny-1' });
    expect(server.counts()).toEqual({ requests: 1, errors: 0 });
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('reads a body in %s, as a caller may send it to the incumbent', async (coding, compress) => {
    const server = await serve();
    const body = compress(JSON.stringify(GOOD));
    expect((await post(server, body, { 'content-encoding': coding })).status).toBe(200);
  });

  test('says at /health/ready whether a model is loaded', async () => {
    let model: Model | string = 'UND_MODEL_MISSING: model file x is not there';
    const loaded = await loadModel(tinyConfig());
    const server = await serve(() => model);
    const url = `http://127.0.0.1:${server.port}/health/ready`;
    const refused = await fetch(url);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'UND_MODEL_NOT_READY', detail: model });
    expect((await post(server, JSON.stringify(GOOD))).status).toBe(503);
    model = loaded;
    expect(await (await fetch(url)).json()).toEqual({ ready: true, model_version: 'tiny-1' });
    await expectStillServing(server);
    await loaded.release();
  });
});

describe('hostile requests', () => {
  test.each([
    ['', 'empty'],
    ['{', 'cut'],
    ['{"loan":{"amount":300},"grade":"B"} x', 'with a tail'],
    ['NaN', 'not JSON'],
    ['[]', 'an array'],
    ['null', 'null'],
    ['{"loan":{"amount":"300"},"grade":"B"}', 'with a number as string'],
    ['{"loan":{"amount":1e999},"grade":"B"}', 'with an infinite number'],
    ['{"__proto__":{"grade":"B"},"loan":{"amount":3}}', 'with a planted prototype'],
  ])('a body %j (%s) is answered 400 with a code', async (body) => {
    const server = await serve();
    const answer = await post(server, body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status: 400, code: 'UND_SCORE_REQUEST' });
    expect(server.counts()).toEqual({ requests: 1, errors: 1 });
    await expectStillServing(server);
  });

  test('bytes that are not UTF-8 are answered 400', async () => {
    const server = await serve();
    const body = Buffer.from([...Buffer.from('{"grade":"'), 0xff, 0xfe, ...Buffer.from('"}')]);
    expect((await post(server, body)).status).toBe(400);
  });

  test('a body nested as deep as the limit allows does not end the process', async () => {
    const server = await serve();
    const depth = LIMITS.scoreBodyBytes / 4;
    const answer = await post(server, '['.repeat(depth) + ']'.repeat(depth));
    expect(answer.status).toBe(400);
    await expectStillServing(server);
  });

  test('a body over the limit is answered 413, announced or chunked', async () => {
    const server = await serve();
    const head = 'POST /v1/score HTTP/1.1\r\nHost: x\r\n';
    const length = `Content-Length: ${LIMITS.scoreBodyBytes + 1}\r\n\r\n`;
    expect(await raw(server, head + length)).toMatch(/^HTTP\/1\.1 413 .*connection: close/is);
    const bytes = LIMITS.scoreBodyBytes + 1;
    const chunk = `Transfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${' '.repeat(bytes)}`;
    expect(await raw(server, head + chunk)).toMatch(/^HTTP\/1\.1 413 /);
    await expectStillServing(server);
  });

  test('a small body that decodes to more than the limit is answered 413', async () => {
    const server = await serve();
    const bomb = gzipSync(Buffer.alloc(LIMITS.scoreBodyBytes + 1, 32));
    const answer = await post(server, bomb, { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(413);
  });

  test.each([
    ['lzma', 'an unknown coding'],
    ['gzip', 'a coding the body does not have'],
    ['gzip, gzip, gzip', 'three codings'],
    ['constructor', 'a name of the prototype'],
  ])('content-encoding %s (%s) is answered 400', async (coding) => {
    const server = await serve();
    const answer = await post(server, JSON.stringify(GOOD), { 'content-encoding': coding });
    expect(answer.status).toBe(400);
  });

  test('what is not HTTP is answered 400 and closed', async () => {
    const server = await serve();
    expect(await raw(server, 'EHLO mail\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    await expectStillServing(server);
  });

  test('other paths are answered 404, other methods 405', async () => {
    const server = await serve();
    const origin = `http://127.0.0.1:${server.port}`;
    expect((await fetch(`${origin}/v1/other`, { method: 'POST', body: '{}' })).status).toBe(404);
    const refused = await fetch(`${origin}/v1/score`);
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('POST');
    expect(server.counts().requests).toBe(0);
  });

  test('a caller who goes away in the middle of a body is no answered request', async () => {
    const server = await serve();
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"loan"');
    await once(socket, 'connect');
    socket.destroy();
    await once(socket, 'close');
    await expectStillServing(server);
    expect(server.counts()).toEqual({ requests: 1, errors: 0 });
  });

  test('any body gets an answer of 200 or 400, and the next one is served', async () => {
    const server = await serve();
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ loan: fc.record({ amount: fc.float() }), grade: fc.string() })
        .map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const answer = await post(server, text);
        expect([200, 400]).toContain(answer.status);
        await answer.arrayBuffer();
      }),
      { numRuns: 200 },
    );
    await expectStillServing(server);
  });
});

describe('scoring API on a Unix socket', () => {
  async function serveAt(path: string, version: string): Promise<ScoringServer> {
    const loaded = await loadModel(tinyConfig({ modelVersion: version }));
    const server = await serveScoring({
      place: { path },
      scorePath: '/score',
      model: () => loaded,
    });
    onTestFinished(async () => {
      await server.close();
      await loaded.release();
    });
    return server;
  }

  async function readyAt(socketPath: string): Promise<string> {
    const request = httpRequest({ socketPath, path: '/health/ready', agent: false }).end();
    const [response] = await once(request, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    return JSON.parse(text).model_version;
  }

  test('replaces the stale file of a killed process', async () => {
    const path = join(tempFolder(), 'model-x.http.sock');
    writeFileSync(path, 'stale');
    await serveAt(path, 'one');
    expect(await readyAt(path)).toBe('one');
  });

  test('a closing server leaves the socket of its successor alone', async () => {
    const path = join(tempFolder(), 'model-x.http.sock');
    const first = await serveAt(path, 'one');
    await serveAt(path, 'two');
    await first.close();
    expect(existsSync(path)).toBe(true);
    expect(await readyAt(path)).toBe('two');
  });

  test('a folder that is not there is a failure with a code', async () => {
    const path = join(tempFolder(), 'none', 'model-x.http.sock');
    await expect(serveAt(path, 'one')).rejects.toMatchObject({ code: 'UND_LISTEN_FAILED' });
  });
});

import { randomBytes } from 'node:crypto';
import { createServer as createTlsServer } from 'node:https';
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HttpCandidateConfig } from '../../src/config/types.ts';
import type { Pair } from '../../src/pair/pair.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  type Rig,
  serveHttp,
  serveTcp,
  settled,
  startMirror,
} from './rig.ts';
import { SELF_SIGNED } from './self-signed.ts';
import { WireClient } from './wire-client.ts';

const BODY = '{"score":0.5,"label":"bad"}';

/** Mirrors `count` exchanges to a candidate, and gives what came of them. The books balance. */
async function mirrorTo(
  url: string,
  options: { candidate?: Partial<HttpCandidateConfig>; count?: number } = {},
): Promise<{ rig: Rig; pairs: Pair[] }> {
  const rig = await startMirror(
    mirrorConfig([httpCandidate(url, { timeoutMs: 1_000, ...options.candidate })]),
  );
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  for (let i = 0; i < (options.count ?? 3); i++) gateway.offer();
  await settled(rig, gateway);
  expectBalancedBooks(rig, gateway);
  return { rig, pairs: rig.recorder.pairs };
}

/** A server that sends these bytes to each request and then does something with the socket. */
function answering(bytes: string | Buffer, then: 'keep' | 'end' | 'reset'): Promise<string> {
  return serveTcp((socket) => {
    socket.on('data', () => {
      socket.write(bytes, () => {
        if (then === 'end') socket.end();
        if (then === 'reset') socket.resetAndDestroy();
      });
    });
  });
}

async function unusedUrl(): Promise<string> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

describe('a candidate that fails', () => {
  it('refuses: candidate_error(refused)', async () => {
    const { rig, pairs } = await mirrorTo(await unusedUrl());
    expect(legsIn(rig, 'candidate_error', 'refused')).toBe(3);
    expect(pairs[0]).toMatchObject({
      state: 'candidate_error',
      candidate: { failure: 'refused', predictions: [] },
      divergence: { label_flips: 0, fields: [] },
    });
    expect(pairs[0]?.candidate).not.toHaveProperty('status');
  });

  it('has a name that does not resolve: candidate_error(unresolved)', async () => {
    const { rig } = await mirrorTo('http://candidate.invalid:80', {
      candidate: { timeoutMs: 8_000 },
    });
    expect(legsIn(rig, 'candidate_error', 'unresolved')).toBe(3);
  });

  it('never answers: candidate_timeout at the deadline', async () => {
    const { rig, pairs } = await mirrorTo(await serveHttp(() => {}), {
      candidate: { timeoutMs: 300 },
    });
    expect(legsIn(rig, 'candidate_timeout')).toBe(3);
    for (const { candidate } of pairs) {
      expect(candidate.failure).toBe('timeout');
      expect(candidate.latency_ms).toBeGreaterThanOrEqual(299);
      expect(candidate.latency_ms).toBeLessThan(2_000);
    }
  });

  it('never reads: candidate_timeout, a large body or not', async () => {
    const url = await serveTcp((socket) => void socket.pause());
    const rig = await startMirror(mirrorConfig([httpCandidate(url, { timeoutMs: 300 })]));
    const gateway = new WireClient();
    await gateway.connect(rig.wireSocket);
    gateway.offer({ body: 'x'.repeat(1_000_000) });
    await settled(rig, gateway);
    expect(legsIn(rig, 'candidate_timeout')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });

  it('sends a byte a time for ever: candidate_timeout at the overall deadline', async () => {
    const url = await serveHttp((_request, response) => {
      response.flushHeaders();
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const { rig, pairs } = await mirrorTo(url, { candidate: { timeoutMs: 400 } });
    expect(legsIn(rig, 'candidate_timeout')).toBe(3);
    for (const { candidate } of pairs) expect(candidate.latency_ms).toBeLessThan(2_000);
  });

  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n';
  it.each<[string, string, 'keep' | 'end' | 'reset', string]>([
    ['resets before the head', '', 'reset', 'reset'],
    ['closes before the head', '', 'end', 'reset'],
    ['resets after the head', head, 'reset', 'reset'],
    ['closes after the head', head, 'end', 'reset'],
    ['resets in the middle of the body', head + BODY.slice(0, 9), 'reset', 'reset'],
    ['closes in the middle of the body', head + BODY.slice(0, 9), 'end', 'reset'],
    [
      'says close, and closes in the middle of the body',
      `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99\r\n\r\n${BODY}`,
      'end',
      'reset',
    ],
    ['closes in the middle of a chunked body', chunked, 'end', 'reset'],
    [
      'says close, and closes in the middle of a chunked body',
      chunked.replace('\r\n', '\r\nConnection: close\r\n'),
      'end',
      'reset',
    ],
    ['answers garbage', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 'keep', 'malformed'],
    ['answers with a bad chunk size', chunked.replace('5\r', 'zz\r'), 'keep', 'malformed'],
    [
      'answers with 200 KB of headers',
      `HTTP/1.1 200 OK\r\n${'X-A: aaaaaaaaaa\r\n'.repeat(12_000)}`,
      'keep',
      'malformed',
    ],
  ])('%s: candidate_error', async (_what, bytes, then, reason) => {
    const { rig } = await mirrorTo(await answering(bytes, then));
    expect(legsIn(rig, 'candidate_error', reason)).toBe(3);
  });

  it('sends headers without end: candidate_error(malformed), not memory', async () => {
    const url = await serveTcp((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write('X-A: aaaaaaaaaa\r\n'.repeat(64)), 1);
        socket.on('close', () => clearInterval(timer));
      });
    });
    const { rig } = await mirrorTo(url, { candidate: { timeoutMs: 5_000 } });
    expect(legsIn(rig, 'candidate_error', 'malformed')).toBe(3);
  });

  it.each(['content-length', 'chunked'])('answers too much (%s): too_large', async (framing) => {
    const url = await serveHttp((_request, response) => {
      const body = 'x'.repeat(65_537);
      if (framing === 'content-length') response.setHeader('content-length', body.length);
      response.write(body);
      response.end();
    });
    const { rig } = await mirrorTo(url);
    expect(legsIn(rig, 'candidate_error', 'too_large')).toBe(3);
  });

  it.each(['content-length', 'chunked'])(
    'answers 1 GiB (%s): too_large, and is cut off at once',
    async (framing) => {
      const chunk = Buffer.alloc(1024 * 1024, '[');
      let written = 0;
      const url = await serveHttp((_request, response) => {
        response.on('error', () => {});
        if (framing === 'content-length') response.setHeader('content-length', 1024 * chunk.length);
        const more = (): void => {
          while (!response.destroyed && written < 1024 * chunk.length) {
            written += chunk.length;
            if (!response.write(chunk)) return;
          }
        };
        response.on('drain', more);
        more();
      });
      const { rig } = await mirrorTo(url);
      expect(legsIn(rig, 'candidate_error', 'too_large')).toBe(3);
      // What the sockets of three connections hold at most.
      expect(written).toBeLessThan(64 * chunk.length);
    },
  );

  it('has a certificate that nobody vouches for: candidate_error(tls)', async () => {
    const server = createTlsServer(SELF_SIGNED, (_request, response) => response.end(BODY));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { rig } = await mirrorTo(`https://127.0.0.1:${address.port}`);
    expect(legsIn(rig, 'candidate_error', 'tls')).toBe(3);
  });

  it('speaks HTTP where TLS is asked for: candidate_error(tls)', async () => {
    const url = await serveHttp((_request, response) => response.end(BODY));
    const { rig } = await mirrorTo(url.replace('http:', 'https:'));
    expect(legsIn(rig, 'candidate_error', 'tls')).toBe(3);
  });
});

describe('a candidate whose answer is complete', () => {
  it.each([500, 404, 429])('answers %d: paired with that status, nothing read', async (status) => {
    const url = await serveHttp((_request, response) => {
      response.statusCode = status;
      response.end('{"score":1,"label":"x","secret":"echo of the input"}');
    });
    const { rig, pairs } = await mirrorTo(url);
    expect(legsIn(rig, 'paired')).toBe(3);
    expect(pairs[0]).toMatchObject({ candidate: { status, predictions: [] } });
    expect(JSON.stringify(pairs)).not.toContain('echo');
  });

  it('redirects: paired with a 302 that nobody follows', async () => {
    let visits = 0;
    const elsewhere = await serveHttp((_request, response) => {
      visits += 1;
      response.end();
    });
    const url = await serveHttp((_request, response) => {
      response.writeHead(302, { location: `${elsewhere}/v1/score` }).end();
    });
    const { rig, pairs } = await mirrorTo(url);
    expect(legsIn(rig, 'paired')).toBe(3);
    expect(pairs[0]?.candidate.status).toBe(302);
    expect(visits).toBe(0);
  });

  it.each<[string, (body: string) => Buffer]>([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['gzip, br', (body) => brotliCompressSync(gzipSync(body))],
  ])('is coded as %s: its prediction is read', async (coding, encode) => {
    const url = await serveHttp((_request, response) => {
      response.setHeader('content-encoding', coding).end(encode(BODY));
    });
    const { pairs } = await mirrorTo(url);
    expect(pairs[0]?.candidate.predictions).toEqual([{ score: 0.5, label: 'bad' }]);
    expect(pairs[0]?.candidate).not.toHaveProperty('error');
  });

  it.each<[string, string, string, Buffer | string]>([
    ['a gzip bomb', 'decoded_ratio', 'gzip', gzipSync(Buffer.alloc(32 * 1024 * 1024))],
    ['a brotli bomb', 'decoded_ratio', 'br', brotliCompressSync(Buffer.alloc(32 * 1024 * 1024))],
    ['a zstd bomb', 'decoded_ratio', 'zstd', zstdCompressSync(Buffer.alloc(32 * 1024 * 1024))],
    [
      'over the limit',
      'decoded_too_large',
      'gzip',
      gzipSync(randomBytes(3_000_000).toString('hex')),
    ],
    ['broken gzip', 'undecodable', 'gzip', BODY],
    ['a coding nobody knows', 'undecodable', 'lzma', BODY],
    ['too many codings', 'undecodable', 'gzip,gzip,gzip,gzip', BODY],
  ])('is %s: paired, %s', async (_what, error, coding, body) => {
    const url = await serveHttp((_request, response) => {
      response.setHeader('content-encoding', coding).end(body);
    });
    const { rig, pairs } = await mirrorTo(url, { candidate: { maxAnswerBytes: 8_000_000 } });
    expect(legsIn(rig, 'paired')).toBe(3);
    expect(pairs[0]?.candidate).toMatchObject({ error, predictions: [] });
  });

  it.each<[string, string | Buffer]>([
    ['score_not_a_number', '{"score":NaN,"label":"bad"}'],
    ['score_infinite', '{"score":-Infinity,"label":"bad"}'],
    ['score_infinite', '{"score":1e400,"label":"bad"}'],
    ['label_missing', '{"score":0.5}'],
    ['duplicate_key', '{"score":0.5,"label":"bad","score":0.7}'],
    ['not_utf8', Buffer.from('{"score":0.5,"label":"b\xe4d"}', 'latin1')],
    ['too_deep', `{"score":0.5,"label":"bad","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['too_deep', '['.repeat(65_000)],
    ['score_missing', '{"predictions":[[0.9,0.1]]}'],
    ['not_json', '<html>'],
  ])('is wrong (%s): paired, with the error', async (error, body) => {
    const url = await serveHttp((_request, response) => response.end(body));
    const { rig, pairs } = await mirrorTo(url);
    expect(legsIn(rig, 'paired')).toBe(3);
    expect(pairs[0]?.candidate.error).toBe(error);
  });

  it('has interim answers before it: only the final one counts', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const url = await answering(
      `${interim}HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
      'keep',
    );
    const { pairs } = await mirrorTo(url);
    expect(pairs[0]?.candidate).toMatchObject({ status: 200, predictions: [{ score: 0.5 }] });
  });

  it('is delimited by the end of the connection: complete', async () => {
    const url = await answering(`HTTP/1.0 200 OK\r\n\r\n${BODY}`, 'end');
    const { pairs } = await mirrorTo(url);
    expect(pairs[0]?.candidate).toMatchObject({ status: 200, predictions: [{ score: 0.5 }] });
  });
});

describe('a request to a candidate', () => {
  it('is sent once, whatever comes of it', async () => {
    let calls = 0;
    const url = await serveTcp((socket) => {
      socket.on('data', () => {
        calls += 1;
        socket.resetAndDestroy();
      });
    });
    await mirrorTo(url, { count: 20 });
    expect(calls).toBe(20);
  });

  it('recovers by itself when the candidate does', async () => {
    let isSick = true;
    const url = await serveHttp((request, response) => {
      if (isSick) request.socket.destroy();
      else response.end(BODY);
    });
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = new WireClient();
    await gateway.connect(rig.wireSocket);
    gateway.offer();
    await settled(rig, gateway);
    isSick = false;
    gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'candidate_error', 'reset')).toBe(1);
    expect(legsIn(rig, 'paired')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });
});

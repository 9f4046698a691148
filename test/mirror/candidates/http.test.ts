import { describe, expect, it, onTestFinished } from 'vitest';
import type { CandidateOutcome } from '../../../src/mirror/candidates/candidate.ts';
import { createHttpCandidate, createPathMap } from '../../../src/mirror/candidates/http.ts';
import { httpCandidate, SILENT, serveHttp } from '../rig.ts';

describe('createPathMap', () => {
  it.each([
    ['/', {}, '/v1/score?a=1', '/v1/score?a=1'],
    ['/base', {}, '/v1/score', '/base/v1/score'],
    ['/base/', { '/v1/score': '/infer' }, '/v1/score?a=1', '/base/infer?a=1'],
    ['/', { '/v1/score': '/infer' }, '/v1/scores', '/v1/scores'],
    ['/', {}, '/constructor', '/constructor'],
  ])('with base %s and table %j maps %s to %s', (base, table, target, expected) => {
    expect(createPathMap(base, table)(target)).toBe(expected);
  });
});

describe('createHttpCandidate', () => {
  it("sends the configured host, and the operator's headers in place of the caller's", async () => {
    let raw: string[] = [];
    const url = await serveHttp((request, response) => {
      raw = request.rawHeaders;
      response.end('{}');
    });
    const config = httpCandidate(url, {
      host: 'model.example',
      headers: [
        { name: 'Authorization', value: 'Bearer own' },
        { name: 'X-Team', value: 'risk' },
      ],
    });
    const candidate = createHttpCandidate(config, { log: SILENT });
    onTestFinished(() => candidate.close());
    const outcome = await new Promise<CandidateOutcome>((resolve) => {
      const headers = [
        ['x-team', 'spoofed'],
        ['x-other', 'kept'],
      ] as const;
      candidate.dispatch(
        { method: 'POST', target: '/', headers, body: Buffer.from('{}') },
        resolve,
      );
    });
    expect(outcome.kind).toBe('answer');
    const host = raw.findIndex((text) => text.toLowerCase() === 'host');
    expect(raw[host + 1]).toBe('model.example');
    expect(raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())).toEqual(
      expect.arrayContaining(['authorization', 'x-team', 'x-other', 'content-length']),
    );
    expect(raw).not.toContain('spoofed');
  });

  it('reports a request that HTTP does not allow as an error, once, and goes on', async () => {
    const url = await serveHttp((_request, response) => response.end('{}'));
    const candidate = createHttpCandidate(httpCandidate(url), { log: SILENT });
    onTestFinished(() => candidate.close());
    const send = (target: string) =>
      new Promise<CandidateOutcome>((resolve) => {
        const body = Buffer.alloc(0);
        candidate.dispatch({ method: 'POST', target, headers: [], body }, resolve);
      });
    expect(await send('/a b')).toMatchObject({ kind: 'error', reason: 'network' });
    expect(await send('/ab')).toMatchObject({ kind: 'answer', status: 200 });
  });
});

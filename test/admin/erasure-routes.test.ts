import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { addErasureRoutes } from '../../src/admin/erasure-routes.ts';
import { UnderstudyError } from '../../src/errors.ts';
import { routesApp } from './routes-app.ts';

const KEY = 'hmac:0123456789abcdef';

function start({ isAnalysed = true, isMirrorUp = true } = {}) {
  const done: string[] = [];
  const audited: unknown[][] = [];
  const app = routesApp();
  addErasureRoutes(app, {
    dataDir: '/data',
    analysis: {
      status: { error: '', message: '', lag: 0, missed: 0, verdicts: [] },
      erase: async (key) => {
        done.push(`analysis ${key}`);
        return isAnalysed;
      },
    },
    askMirror: async (id, key) => {
      if (!isMirrorUp) throw new UnderstudyError('UND_STATUS_UNAVAILABLE', 'No status.');
      done.push(`mirror ${id.length} ${key}`);
    },
    operatorOf: () => ({ by: 'kim', remote: '127.0.0.1' }),
    audit: { note: (...args) => void audited.push(args) },
  });
  const post = (body: string) =>
    app.inject({
      ...{ method: 'POST', url: '/v1/erasures', payload: body },
      headers: { 'content-type': 'application/json' },
    });
  return { done, audited, post };
}

describe('an erasure over HTTP', () => {
  it('is audited by the hash of the key, done in the analysis, then begun in the mirror', async () => {
    const { done, audited, post } = start();
    const answer = await post(`{"key":"${KEY}","reason":"request 7"}`);
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ id: expect.stringMatching(/^[0-9a-f]{8}$/), dataDir: '/data' });
    expect(done).toEqual([`analysis ${KEY}`, `mirror 8 ${KEY}`]);
    const hash = createHash('sha256').update(KEY).digest('hex');
    const who = { by: 'kim', remote: '127.0.0.1', reason: 'request 7' };
    expect(audited).toEqual([[`erasure of the key with sha256 ${hash}`, 'api', who]]);
  });

  it.each([
    ['{"key":"a b","reason":"x"}', 400, 'UND_API_FIELD'],
    ['{"key":"","reason":"x"}', 400, 'UND_API_FIELD'],
    ['{"key":7,"reason":"x"}', 400, 'UND_API_FIELD'],
    [`{"key":"${KEY}"}`, 400, 'UND_API_REASON'],
    [`{"key":"${KEY}","reason":"x","all":true}`, 400, 'UND_API_FIELD'],
  ])('is refused as %s', async (body, status, code) => {
    const { done, audited, post } = start();
    const answer = await post(body);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect([done, audited]).toEqual([[], []]);
  });

  it('that cannot be done is taken back in the audit, and says who does not answer', async () => {
    for (const options of [{ isAnalysed: false }, { isMirrorUp: false }]) {
      const { done, audited, post } = start(options);
      const answer = await post(`{"key":"${KEY}","reason":"x"}`);
      expect(answer.statusCode).toBe(503);
      expect(audited.map(([, how]) => how)).toEqual(['api', 'failed']);
      expect(done.filter((line) => line.startsWith('mirror'))).toEqual([]);
    }
  });
});

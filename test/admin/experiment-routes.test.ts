import { describe, expect, it } from 'vitest';
import { type AnalysisPort, addExperimentRoutes } from '../../src/admin/experiment-routes.ts';
import type { ExperimentRequest } from '../../src/analysis/analysis-messages.ts';
import { routesApp } from './routes-app.ts';

const STATUS = { error: '', message: '', lag: 0, missed: 0, verdicts: [] } as const;

function start(isDone = true, isOn = true) {
  const asked: ExperimentRequest[] = [];
  const audited: unknown[][] = [];
  const analysis: AnalysisPort = {
    status: STATUS,
    attempts: [],
    ask: async (request) => {
      asked.push(request);
      return isDone;
    },
  };
  const app = routesApp();
  addExperimentRoutes(app, {
    analysis: isOn ? analysis : null,
    candidates: ['next'],
    operatorOf: () => ({ by: 'kim', remote: '127.0.0.1' }),
    audit: { note: (...args) => void audited.push(args) },
  });
  const post = (body: string) =>
    app.inject({
      ...{ method: 'POST', url: '/v1/experiments', payload: body },
      headers: { 'content-type': 'application/json' },
    });
  return { app, asked, audited, post };
}

describe('experiments over HTTP', () => {
  it('hands on who asks for what', async () => {
    const { app, asked, audited, post } = start();
    const answer = await post('{"action":"start","candidate":"next","reason":" new model "}');
    expect(answer.statusCode).toBe(200);
    const request = { action: 'start', candidate: 'next', reason: 'new model', by: 'kim' };
    expect(asked).toEqual([request]);
    expect((await app.inject('/v1/verdicts')).json()).toEqual(STATUS);
    const who = { by: 'kim', remote: '127.0.0.1', reason: 'new model' };
    expect(audited).toEqual([['attempt start of next', 'api', who]]);
  });

  it.each([
    ['{"action":"stop","candidate":"next","reason":"x"}', 400, 'UND_API_FIELD'],
    ['{"action":"start","candidate":"other","reason":"x"}', 400, 'UND_API_CANDIDATE'],
    ['{"action":"start","candidate":"next"}', 400, 'UND_API_REASON'],
    ['{"action":"start","candidate":"next","reason":"x","more":1}', 400, 'UND_API_FIELD'],
    ['{"action":"start","action":"close","candidate":"next","reason":"x"}', 400, 'UND_API_JSON'],
  ])('changes nothing for what it does not understand: %s', async (body, status, code) => {
    const { asked, audited, post } = start();
    const answer = await post(body);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect([asked, audited]).toEqual([[], []]);
  });

  it('says so where nothing was done, and where nothing is analysed', async () => {
    const body = '{"action":"close","candidate":"next","reason":"x"}';
    const refused = start(false);
    expect((await refused.post(body)).json()).toMatchObject({
      code: 'UND_ANALYSIS_STORE',
      detail: 'Nothing has changed: next has no attempt to close.',
    });
    expect(refused.audited.map(([, how]) => how)).toEqual(['api', 'failed']);
    const off = start(true, false);
    expect((await off.post(body)).json()).toMatchObject({ status: 409, code: 'UND_ANALYSIS_OFF' });
    expect((await off.app.inject('/v1/verdicts')).statusCode).toBe(409);
    expect(off.audited).toEqual([]);
  });
});

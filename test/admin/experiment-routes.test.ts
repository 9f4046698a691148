import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AnalysisPort, addExperimentRoutes } from '../../src/admin/experiment-routes.ts';
import { problemOf } from '../../src/admin/problem.ts';
import type { ExperimentRequest } from '../../src/analysis/analysis-messages.ts';

const STATUS = { error: '', message: '', lag: 0, missed: 0, verdicts: [] } as const;

function start(isDone = true, isOn = true) {
  const asked: ExperimentRequest[] = [];
  const analysis: AnalysisPort = {
    status: STATUS,
    attempts: [],
    ask: async (request) => {
      asked.push(request);
      return isDone;
    },
  };
  const app = fastify();
  onTestFinished(() => app.close());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  app.setErrorHandler((error: Error, _request, reply) => {
    const problem = problemOf(error);
    return reply.code(problem.status).send(problem);
  });
  addExperimentRoutes(app, {
    analysis: isOn ? analysis : null,
    candidates: ['next'],
    operatorOf: () => ({ by: 'kim', remote: '127.0.0.1' }),
  });
  const post = (body: string) =>
    app.inject({
      ...{ method: 'POST', url: '/v1/experiments', payload: body },
      headers: { 'content-type': 'application/json' },
    });
  return { app, asked, post };
}

describe('experiments over HTTP', () => {
  it('hands on who asks for what', async () => {
    const { app, asked, post } = start();
    const answer = await post('{"action":"start","candidate":"next","reason":" new model "}');
    expect(answer.statusCode).toBe(200);
    const request = { action: 'start', candidate: 'next', reason: 'new model', by: 'kim' };
    expect(asked).toEqual([request]);
    expect((await app.inject('/v1/verdicts')).json()).toEqual(STATUS);
  });

  it.each([
    ['{"action":"stop","candidate":"next","reason":"x"}', 400, 'UND_API_FIELD'],
    ['{"action":"start","candidate":"other","reason":"x"}', 400, 'UND_API_CANDIDATE'],
    ['{"action":"start","candidate":"next"}', 400, 'UND_API_REASON'],
    ['{"action":"start","candidate":"next","reason":"x","more":1}', 400, 'UND_API_FIELD'],
    ['{"action":"start","action":"close","candidate":"next","reason":"x"}', 400, 'UND_API_JSON'],
  ])('changes nothing for what it does not understand: %s', async (body, status, code) => {
    const { asked, post } = start();
    const answer = await post(body);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(asked).toEqual([]);
  });

  it('says so where nothing was done, and where nothing is analysed', async () => {
    const body = '{"action":"close","candidate":"next","reason":"x"}';
    expect((await start(false).post(body)).json()).toMatchObject({
      code: 'UND_ANALYSIS_STORE',
      detail: 'Nothing has changed: next has no attempt to close.',
    });
    const off = start(true, false);
    expect((await off.post(body)).json()).toMatchObject({ status: 409, code: 'UND_ANALYSIS_OFF' });
    expect((await off.app.inject('/v1/verdicts')).statusCode).toBe(409);
  });
});

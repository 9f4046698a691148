import { createServer } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULTS } from '../../../src/config/defaults.ts';
import type { OnnxCandidateConfig } from '../../../src/config/types.ts';
import type {
  Candidate,
  CandidateOutcome,
  CandidateRequest,
} from '../../../src/mirror/candidates/candidate.ts';
import { createOnnxCandidate } from '../../../src/mirror/candidates/onnx.ts';
import { serveScoring } from '../../../src/model/scoring-server.ts';
import { loadModel, type Model } from '../../../src/model/session.ts';
import { runFolder } from '../../../src/telemetry/run-folder.ts';
import { tinyConfig, tinyScore } from '../../model/tiny.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const BODY = '{"loan":{"amount":10},"grade":"C"}';

function toRequest(body: string | Buffer, headers: [string, string][] = []): CandidateRequest {
  return { method: 'POST', target: '/v1/score?x=1', headers, body: Buffer.from(body) };
}

function open(runDir: string, changes: Partial<OnnxCandidateConfig> = {}): Candidate {
  const candidate = createOnnxCandidate(
    {
      ...DEFAULTS.candidate,
      ...tinyConfig(),
      kind: 'onnx',
      name: 'tiny',
      routes: ['score'],
      rate: 1,
      timeoutMs: 2_000,
      maxInFlight: 4,
      maxAnswerBytes: 65_536,
      prediction: null,
      ...changes,
    },
    runFolder(runDir),
  );
  onTestFinished(() => candidate.close());
  return candidate;
}

function call(candidate: Candidate, request: CandidateRequest): Promise<CandidateOutcome> {
  return new Promise((resolve) => candidate.dispatch(request, resolve));
}

async function serve(runDir: string, model: () => Model | string): Promise<() => Promise<void>> {
  const path = runFolder(runDir).modelSocket('tiny');
  const server = await serveScoring({ place: { path }, scorePath: '/score', model });
  onTestFinished(() => server.close());
  return () => server.close();
}

async function loaded(): Promise<Model> {
  const model = await loadModel(tinyConfig());
  onTestFinished(() => model.release());
  return model;
}

describe('onnx candidate', () => {
  test("scores the caller's body, whatever the caller's path is", async () => {
    const runDir = tempFolder();
    const model = await loaded();
    await serve(runDir, () => model);
    const outcome = await call(open(runDir), toRequest(BODY));
    if (outcome.kind !== 'answer') throw new Error(JSON.stringify(outcome));
    expect(outcome).toMatchObject({ status: 200, contentType: 'application/json' });
    expect(JSON.parse(outcome.body.toString()).score).toBeCloseTo(tinyScore(10, 'C'), 6);
    expect(outcome.firstByteMs).toBeLessThanOrEqual(outcome.endMs);
  });

  test('a compressed body keeps its coding', async () => {
    const runDir = tempFolder();
    const model = await loaded();
    await serve(runDir, () => model);
    const request = toRequest(gzipSync(BODY), [['content-encoding', 'gzip']]);
    expect(await call(open(runDir), request)).toMatchObject({ kind: 'answer', status: 200 });
  });

  test('a body that cannot be mapped is an answer with status 400', async () => {
    const runDir = tempFolder();
    const model = await loaded();
    await serve(runDir, () => model);
    const outcome = await call(open(runDir), toRequest('{"grade":"C"}'));
    expect(outcome).toMatchObject({ kind: 'answer', status: 400 });
  });

  test('without a process, without a model, and after its end the model is down', async () => {
    const runDir = tempFolder();
    const candidate = open(runDir);
    const down = { kind: 'error', reason: 'model_down' };
    expect(await call(candidate, toRequest(BODY))).toMatchObject(down);

    let model: Model | string = 'UND_MODEL_MISSING: no file';
    const close = await serve(runDir, () => model);
    expect(await call(candidate, toRequest(BODY))).toMatchObject(down);
    model = await loaded();
    expect(await call(candidate, toRequest(BODY))).toMatchObject({ kind: 'answer', status: 200 });

    await close();
    expect(await call(candidate, toRequest(BODY))).toMatchObject(down);
  });

  test('a process that hangs is a timeout', async () => {
    const runDir = tempFolder();
    const server = createServer(() => {});
    server.listen(join(runDir, 'model-tiny.http.sock'));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    const candidate = open(runDir, { timeoutMs: 100 });
    expect(await call(candidate, toRequest(BODY))).toMatchObject({ kind: 'timeout' });
  });
});

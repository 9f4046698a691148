import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { OnnxCandidateConfig } from '../../src/config/types.ts';
import { entryOf } from '../../src/main/entry.ts';
import type { ModelStatus } from '../../src/model/model-status.ts';
import { type RunFolder, runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus, sendCommand } from '../../src/telemetry/status-socket.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { fixture, tinyConfig } from './tiny.ts';

interface Started {
  readonly child: ChildProcess;
  readonly folder: RunFolder;
  status(): Promise<ModelStatus>;
  score(): Promise<{ status: number; body: Record<string, unknown> }>;
}

function startProcess(runDir: string, changes: Partial<OnnxCandidateConfig> = {}): Started {
  const folder = runFolder(runDir);
  mkdirSync(folder.path, { recursive: true });
  const candidate = { ...tinyConfig(), ...changes, kind: 'onnx', name: 'tiny' };
  const config = { runDir, candidates: [candidate], log: { level: 'error' } };
  const child = spawn(process.execPath, [entryOf('model')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin?.end(JSON.stringify({ config, name: 'model-tiny', version: '0.0.0' }));
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    folder,
    status: () => readStatus<ModelStatus>(folder.statusSocket('model-tiny')),
    score: () => score(folder.modelSocket('tiny')),
  };
}

async function score(socketPath: string): ReturnType<Started['score']> {
  const request = httpRequest({ socketPath, path: '/score', method: 'POST', agent: false });
  request.end('{"loan":{"amount":1},"grade":"B"}');
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, body: JSON.parse(text) };
}

/** The process answers; with a model or without. */
async function waitUntil(started: Started, ready: boolean): Promise<ModelStatus> {
  return vi.waitFor(
    async () => {
      const status = await started.status();
      expect(status.ready).toBe(ready);
      return status;
    },
    { timeout: 15_000, interval: 50 },
  );
}

test('a model process scores and counts, and ends on the command stop', async () => {
  const started = startProcess(tempFolder());
  await waitUntil(started, true);
  expect(await started.score()).toMatchObject({ status: 200, body: { model_version: 'tiny-1' } });
  expect(await started.status()).toEqual({
    process: 'model',
    name: 'model-tiny',
    pid: started.child.pid,
    version: '0.0.0',
    candidate: 'tiny',
    ready: true,
    requests: 1,
    errors: 0,
    modelVersion: 'tiny-1',
    error: '',
  });
  await sendCommand(started.folder.statusSocket('model-tiny'), 'stop');
  expect(await once(started.child, 'exit')).toEqual([0, null]);
});

test('without its file it stays up, says why, answers 503, and heals when the file appears', async () => {
  const runDir = tempFolder();
  const model = join(runDir, 'late.onnx');
  const started = startProcess(runDir, { model });
  const status = await waitUntil(started, false);
  expect(status.error).toBe(`UND_MODEL_MISSING: model file ${model} is not there or not readable`);
  expect(await started.score()).toMatchObject({
    status: 503,
    body: { code: 'UND_MODEL_NOT_READY' },
  });
  copyFileSync(fixture('tiny.onnx'), model);
  await waitUntil(started, true);
  expect((await started.score()).status).toBe(200);
});

test('with a model of other inputs it stays up and names the difference', async () => {
  const inputs = [{ name: 'amount', pointer: '/loan/amount', type: 'float32' }] as const;
  const started = startProcess(tempFolder(), { inputs });
  const status = await waitUntil(started, false);
  expect(status.error).toMatch(/^UND_MODEL_INPUTS: .*input grade that is not configured/);
  expect((await started.score()).status).toBe(503);
  started.child.kill('SIGTERM');
  expect(await once(started.child, 'exit')).toEqual([0, null]);
});

test('a killed process is replaced under the same names', async () => {
  const runDir = tempFolder();
  const first = startProcess(runDir);
  await waitUntil(first, true);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await expect(first.score()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  const second = startProcess(runDir);
  await vi.waitFor(async () => expect((await second.status()).pid).toBe(second.child.pid), 15_000);
  expect((await second.score()).status).toBe(200);
});

import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { DemoChild } from '../../src/demo/child.ts';
import { readDemoModel } from '../../src/demo/dataset.ts';
import { writeDemoConfig } from '../../src/demo/demo-config.ts';
import { DemoStage, demoFolder } from '../../src/demo/stage.ts';
import { serveStatus } from '../../src/telemetry/status-socket.ts';
import { tempFolder } from '../support/temp-folder.ts';

function stageIn(base: string, programs: { understudy: string[]; incumbent: string[] }): DemoStage {
  const stage = new DemoStage({
    folder: demoFolder(base),
    programs,
    template: 'config/demo.yaml',
    incumbent: readDemoModel(join('models', 'lending-club'), 'incumbent'),
    candidate: 'boosting',
    kafka: null,
    signal: new AbortController().signal,
  });
  onTestFinished(async () => void (await stage.stop()));
  return stage;
}

test('the copy of config/demo.yaml is a valid configuration with free ports and absolute paths', async () => {
  const folder = demoFolder(tempFolder());
  const target = join(folder.path, '..', '..', 'understudy.yaml');
  const busy = createServer().listen(8080, '127.0.0.1');
  // Whoever holds 8080, we or somebody else: it is not free now.
  await Promise.race([once(busy, 'listening'), once(busy, 'error')]).catch(() => {});
  onTestFinished(() => void busy.close());
  const ports = await writeDemoConfig({
    template: 'config/demo.yaml',
    target,
    runDir: folder.run.path,
    dataDir: folder.dataDir,
    kafka: 'broker:9092',
  });
  expect(new Set(Object.values(ports)).size).toBe(4);
  expect(ports.gateway).not.toBe(8080);
  const config = loadConfig(target, {});
  expect(config).toMatchObject({
    runDir: folder.run.path,
    dataDir: folder.dataDir,
    listeners: [
      {
        address: { host: '127.0.0.1', port: ports.gateway },
        incumbent: { host: '127.0.0.1', port: ports.incumbent },
      },
    ],
    admin: { address: { port: ports.admin } },
    metrics: { address: { port: ports.metrics } },
    kafka: { brokers: ['broker:9092'], createTopics: true },
  });
  const candidate = config.candidates[0];
  expect(candidate?.kind === 'onnx' && existsSync(candidate.model)).toBe(true);
});

test('config/demo.yaml itself is a valid configuration', () => {
  expect(loadConfig('config/demo.yaml', {}).candidates[0]?.name).toBe('boosting');
});

test('where the path would be too long for sockets, the folder is a temporary one', () => {
  expect(demoFolder('/srv/app').path).toBe('/srv/app/.understudy/demo');
  expect(demoFolder(`/srv/${'x'.repeat(90)}`).path).toMatch(/understudy-demo-\d+$/);
});

test('a program that ends is told in one sentence with its last words and the log', async () => {
  const base = tempFolder();
  const failing = join(base, 'failing.mjs');
  writeFileSync(failing, 'console.error(JSON.stringify({ message: "no luck" })); process.exit(3);');
  const stage = stageIn(base, { understudy: [failing], incumbent: [failing] });
  await expect(stage.start()).rejects.toMatchObject({
    code: 'UND_DEMO_FAILED',
    message: expect.stringMatching(
      /^the incumbent ended with exit code 3: no luck \(all of it: .*incumbent\.log\)$/,
    ),
  });
});

test('a second demo in the same folder is refused, and the first keeps its files', async () => {
  const base = tempFolder();
  const folder = demoFolder(base);
  const first = stageIn(base, { understudy: ['-e', ''], incumbent: ['-e', ''] });
  await first.start().catch(() => {});
  const status = await serveStatus(folder.run.statusSocket('supervisor-all'), {
    status: () => ({ pid: 4711 }),
  });
  onTestFinished(() => status.close());
  const second = stageIn(base, { understudy: ['-e', ''], incumbent: ['-e', ''] });
  await expect(second.start()).rejects.toMatchObject({
    code: 'UND_DEMO_FAILED',
    message: expect.stringContaining('process 4711'),
  });
  expect(existsSync(folder.config)).toBe(true);
});

test('a program that does not end when asked is ended by force', async () => {
  const logFile = join(tempFolder(), 'child.log');
  const stubborn = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)";
  const child = new DemoChild({
    title: 'it',
    args: ['-e', stubborn],
    logFile,
    input: '',
    keepInput: true,
  });
  while (child.lastWords() !== 'up') await new Promise(setImmediate);
  expect(await child.stop(50)).toBe('was ended by SIGKILL');
});

import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { DemoChild } from '../../src/demo/child.ts';
import { readDemoModel } from '../../src/demo/dataset.ts';
import { type DemoPorts, readDemoPorts, writeDemoConfig } from '../../src/demo/demo-config.ts';
import { demoFolder } from '../../src/demo/demo-folder.ts';
import { DemoStage } from '../../src/demo/stage.ts';
import { serveStatus } from '../../src/telemetry/status-socket.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

function stageIn(
  base: string,
  programs: { understudy: string[]; incumbent: string[] },
  template = 'config/demo.yaml',
): DemoStage {
  const stage = new DemoStage({
    folder: demoFolder(base),
    programs,
    template,
    incumbent: readDemoModel(join('models', 'lending-club'), 'incumbent'),
    candidate: 'boosting',
    kafka: null,
    signal: new AbortController().signal,
  });
  onTestFinished(async () => void (await stage.stop()));
  return stage;
}

/** Listens on a port of its own until the test has finished. */
async function occupy(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
}

async function portsOf(): Promise<DemoPorts> {
  const [gateway, incumbent] = [await freePort(), await freePort()];
  return { gateway, incumbent, admin: await freePort(), metrics: await freePort() };
}

/** config/demo.yaml with other ports. */
function templateWith(base: string, ports: DemoPorts): string {
  const target = join(base, 'template.yaml');
  const template = 'config/demo.yaml';
  writeDemoConfig({ template, target, runDir: 'run', dataDir: 'data', kafka: null, ports });
  return target;
}

test('the copy of config/demo.yaml is a valid configuration with given ports and absolute paths', () => {
  const folder = demoFolder(tempFolder());
  const target = join(folder.path, '..', '..', 'understudy.yaml');
  expect(readDemoPorts('config/demo.yaml')).toEqual({
    gateway: 8080,
    incumbent: 8081,
    admin: 9901,
    metrics: 9902,
  });
  writeDemoConfig({
    template: 'config/demo.yaml',
    target,
    runDir: folder.run.path,
    dataDir: folder.dataDir,
    kafka: 'broker:9092',
    ports: { gateway: 0, incumbent: 1234, admin: 0, metrics: 5678 },
  });
  const config = loadConfig(target, {});
  expect(config).toMatchObject({
    runDir: folder.run.path,
    dataDir: folder.dataDir,
    listeners: [
      {
        address: { host: '127.0.0.1', port: 0 },
        incumbent: { host: '127.0.0.1', port: 1234 },
      },
    ],
    admin: { address: { port: 0 } },
    metrics: { address: { port: 5678 } },
    kafka: { brokers: ['broker:9092'], createTopics: true },
  });
  const candidate = config.candidates[0];
  expect(candidate?.kind === 'onnx' && existsSync(candidate.model)).toBe(true);
});

describe('a port that is taken', { timeout: 60_000 }, () => {
  const programs = {
    understudy: [resolve('src/main/cli.ts')],
    incumbent: [resolve('src/main/demo-incumbent.ts')],
  };

  test('before the start: another one is used, and the free ones are kept', async () => {
    const wanted = await portsOf();
    await occupy(wanted.gateway);
    await occupy(wanted.incumbent);
    const base = tempFolder();
    const stage = stageIn(base, programs, templateWith(base, wanted));
    const ports = await stage.start();
    expect(ports).toMatchObject({ admin: wanted.admin, metrics: wanted.metrics });
    expect(ports.gateway).not.toBe(wanted.gateway);
    expect(ports.incumbent).not.toBe(wanted.incumbent);
    const url = `http://127.0.0.1:${ports.gateway}/health/ready`;
    expect((await fetch(url)).status).toBe(200);
  });

  test.each(['gateway', 'admin'] as const)(
    'between looking and binding, the one of %s: all are picked anew',
    async (name) => {
      const wanted = await portsOf();
      const base = tempFolder();
      const stage = stageIn(base, programs, templateWith(base, wanted));
      const started = stage.start();
      // The incumbent is being started; what is free now was looked at before.
      await until('the configuration is written', () => existsSync(demoFolder(base).config));
      await occupy(wanted[name]);
      const ports = await started;
      expect(ports[name]).not.toBe(wanted[name]);
      expect(ports.incumbent).toBe(wanted.incumbent);
    },
  );
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
  expect(existsSync(folder.incumbentLog)).toBe(true);
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

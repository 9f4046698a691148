/** A model file as candidate, on real requests: its process ends in every way, its file is missing, wrong, or put there. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import type { ModelStatus } from '../../src/model/model-status.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { Incumbent } from './incumbent.ts';
import { expectPairsOf, Instance, legsOf, runCli, type Sections } from './instance.ts';
import { expectServed, Load } from './load.ts';
import { MemoryWatch } from './memory-watch.ts';
import { closeWithTest } from './server.ts';

const MODEL = 'models/lending-club/candidate.onnx';
const demo: { candidates: [Sections] } = parse(readFileSync('config/demo.yaml', 'utf8'));
const bodies = readFileSync('models/lending-club/requests.ndjson', 'utf8')
  .split('\n', 500)
  .map((line) => JSON.stringify(JSON.parse(line).request));
const requestOf = (number: number) => ({ body: bodies[number % bodies.length] ?? '' });

const largeOf = (number: number) => ({
  body: requestOf(number).body.replace(/}$/, `,"pad":"${'x'.repeat(900_000)}"}`),
});

function modelFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'candidate.onnx');
}

async function setScene(model: string) {
  const incumbent = closeWithTest(await Incumbent.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [{ ...demo.candidates[0], timeoutMs: 20_000, breaker: null, model }],
  });
  return { incumbent, instance };
}

function modelStatus(instance: Instance): Promise<ModelStatus> {
  return readStatus(instance.run.statusSocket('model-boosting'));
}

/** From now on it gets no more memory: the next allocation that needs some ends it. */
function takeMemoryAway(pid: number): void {
  execFileSync('prlimit', ['--pid', String(pid), '--data=1', '--as=1']);
}

const canLimit = spawnSync('prlimit', ['--version']).error === undefined;

/** Harms a model process that scores, and holds: callers notice nothing, and copies are scored again. */
async function expectRecovery(harm: (pid: number) => void, exit: RegExp): Promise<void> {
  const { incumbent, instance } = await setScene(join(process.cwd(), MODEL));
  await until('the model is loaded', async () => (await modelStatus(instance)).ready);
  const gateway = await instance.pidOf('gw0');
  const memory = await MemoryWatch.of(instance, ['gw0', 'mirror']);
  const load = await Load.start({ port: instance.port, requestOf });
  await until('pairs', async () => (await instance.legsIn('paired')) > 50);
  const pid = await instance.pidOf('model-boosting');
  harm(pid);
  // Large copies need memory; the small ones may live on what it has.
  const large = await Load.start({ port: instance.port, ratePerSecond: 20, requestOf: largeOf });
  await instance.untilReplaced('model-boosting', pid);
  await large.stop();
  expectServed(large, incumbent);
  const paired = await instance.legsIn('paired');
  await until('pairs again', async () => (await instance.legsIn('paired')) > paired + 50);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const legs = legsOf(waterfall, 'boosting');
  const failures = Object.keys(legs).filter((state) => state !== 'paired');
  expect(failures.length).toBeGreaterThan(0);
  for (const state of failures) {
    expect(['candidate_error(model_down)', 'candidate_error(reset)', 'breaker_open']).toContain(
      state,
    );
  }
  const pairs = expectPairsOf(instance, waterfall);
  const scores = pairs.filter(({ state }) => state === 'paired');
  for (const { candidate } of scores) {
    expect(candidate.predictions[0]?.score).toBeGreaterThan(0);
    expect(candidate.model_version).toBe('lending-club-gb-1');
  }
  const { children } = await instance.supervisor();
  expect(children.filter(({ restarts }) => restarts > 0).map(({ name }) => name)).toEqual([
    'model-boosting',
  ]);
  const { lastExit } = children.find(({ name }) => name === 'model-boosting') ?? {};
  expect(lastExit).toMatch(exit);
  expect(await instance.pidOf('gw0')).toBe(gateway);
  expect(memory.mostMiB('gw0')).toBeLessThan(320);
  expect(memory.mostMiB('mirror')).toBeLessThan(420);
}

test('M-14 a model process that is killed costs copies, not callers, and comes back', () =>
  expectRecovery((pid) => process.kill(pid, 'SIGKILL'), /^signal SIGKILL$/));

test('M-15 a model process that segfaults costs copies, not callers, and comes back', () =>
  expectRecovery((pid) => process.kill(pid, 'SIGSEGV'), /^signal SIGSEGV$/));

// Each part of a process aborts in its own way when it gets no memory.
test.skipIf(!canLimit)('M-15 a model process without memory comes back (needs prlimit)', () =>
  expectRecovery(takeMemoryAway, /^(signal|code)/),
);

test('a model file that is missing, then wrong, then right: said, counted, healed', async () => {
  const file = modelFile();
  const { incumbent, instance } = await setScene(file);
  const missing = await modelStatus(instance);
  expect(missing.ready).toBe(false);
  expect(missing.error).toContain('UND_MODEL_MISSING');
  const check = await runCli(['check', '--config', instance.configFile]);
  expect(check.code).toBe(1);
  expect(check.stdout).toContain('UND_MODEL_MISSING');

  const load = await Load.start({ port: instance.port, requestOf });
  await load.answers(50);
  // It wants other inputs than the configuration names.
  copyFileSync('test/model/fixtures/tiny.onnx', file);
  await until('the wrong inputs are said', async () =>
    (await modelStatus(instance)).error.includes('UND_MODEL_INPUTS'),
  );
  writeFileSync(file, 'no model');
  await until('a file that is no model is said', async () =>
    (await modelStatus(instance)).error.includes('UND_MODEL_INVALID'),
  );
  await until('failures', async () => (await instance.legsIn('candidate_error')) > 50);
  copyFileSync(MODEL, file);
  await until('pairs', async () => (await instance.legsIn('paired')) > 50);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const {
    paired = 0,
    'candidate_error(model_down)': down = 0,
    ...others
  } = legsOf(waterfall, 'boosting');
  expect(others).toEqual({});
  expect(paired + down).toBe(load.sent.size);
  expectPairsOf(instance, waterfall);
  expect((await modelStatus(instance)).error).toBe('');
});

test('a model file with other inputs in the middle: the loaded one serves on, its successor waits', async () => {
  const file = modelFile();
  copyFileSync(MODEL, file);
  const { incumbent, instance } = await setScene(file);
  await until('the model is loaded', async () => (await modelStatus(instance)).ready);
  const load = await Load.start({ port: instance.port, requestOf });
  await until('pairs', async () => (await instance.legsIn('paired')) > 20);
  replaceFile('test/model/fixtures/tiny.onnx', file);
  const pid = await instance.pidOf('model-boosting');
  const paired = await instance.legsIn('paired');
  await until('pairs go on', async () => (await instance.legsIn('paired')) > paired + 20);
  expect(await instance.pidOf('model-boosting')).toBe(pid);

  process.kill(pid, 'SIGKILL');
  await instance.untilReplaced('model-boosting', pid);
  await until('the wrong inputs are said', async () =>
    (await modelStatus(instance)).error.includes('UND_MODEL_INPUTS'),
  );
  // The first copies fail; then the breaker sends none.
  const failures = async () =>
    (await instance.legsIn('candidate_error')) + (await instance.legsIn('breaker_open'));
  const failed = await failures();
  await until('failures', async () => (await failures()) > failed + 20);
  replaceFile(MODEL, file);
  const before = await instance.legsIn('paired');
  await until('pairs again', async () => (await instance.legsIn('paired')) > before + 20, 40_000);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  for (const state of Object.keys(legsOf(waterfall, 'boosting'))) {
    expect([
      'paired',
      'breaker_open',
      'candidate_error(model_down)',
      'candidate_error(reset)',
    ]).toContain(state);
  }
  expectPairsOf(instance, waterfall);
});

/** As a deployment does it: beside, then renamed. */
function replaceFile(source: string, target: string): void {
  copyFileSync(source, `${target}.new`);
  renameSync(`${target}.new`, target);
}

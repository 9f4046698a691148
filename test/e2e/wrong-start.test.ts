/** What is wrong at the start is said in words with a place, and nothing is left running. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { Incumbent } from './incumbent.ts';
import { type Ended, runCli } from './instance.ts';
import { closeWithTest } from './server.ts';

const SOUND = [
  'runDir: run',
  'dataDir: data',
  'listeners:',
  '  - listen: 127.0.0.1:0',
  '    incumbent: 127.0.0.1:9',
  'routes: [{ name: score, path: /v1/score }]',
  'candidates: [{ name: cand, url: http://127.0.0.1:9 }]',
  'admin: { listen: 127.0.0.1:0 }',
  'metrics: null',
];

/** Serves with a configuration that cannot work; @returns how it ended, with its folder and file. */
async function serve(lines: readonly string[]): Promise<Ended & { folder: string; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'understudy.yaml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { ...(await runCli(['serve', '--config', file])), folder, file };
}

test.each([
  ['an unknown key', ['gatway: { processes: 2 }'], 10, 'gatway', ['did you mean gateway?']],
  ['an unknown key deep in it', ['gateway:', '  proceses: 2'], 11, 'gateway.proceses', ['2']],
  ['a wrong value', ['journal: { maxBytes: a lot }'], 10, 'journal.maxBytes', ['a lot']],
  ['a number out of range', ['mirror:', '  tolerance: -1'], 11, 'mirror.tolerance', ['-1']],
  ['an address that is none', ['kafka: { brokers: [nowhere] }'], 10, 'kafka.brokers', ['nowhere']],
])(
  '%s: file, line, path, value, exit 1, nothing started',
  async (_what, more, line, path, said) => {
    const { code, stderr, stdout, folder, file } = await serve([...SOUND, ...more]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('UND_CONFIG_INVALID: 1 problem in the configuration');
    expect(stderr).toContain(`${file}:${line}`);
    expect(stderr).toContain(path);
    for (const text of said) expect(stderr).toContain(text);
    expect(stderr.trim().split('\n').length).toBe(2);
    expect(readdirSync(folder)).toEqual(['understudy.yaml']);
  },
);

test('all problems are said at once', async () => {
  const { code, stderr } = await serve([
    ...SOUND.map((line) => line.replace('path: /v1/score', 'path: v1')),
    'log: { level: loud }',
    'other: 1',
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain('3 problems');
});

test('no file, and a file that is no YAML: exit 1 with the file and the place', async () => {
  const missing = await runCli(['serve', '--config', '/nowhere/understudy.yaml']);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('UND_CONFIG_UNREADABLE');
  expect(missing.stderr).toContain('/nowhere/understudy.yaml');
  const broken = await serve(['listeners: [', '  {']);
  expect(broken.code).toBe(1);
  expect(broken.stderr).toMatch(/UND_CONFIG_UNREADABLE.*understudy\.yaml:\d+/s);
});

test('a port that is taken: one sentence with a code, exit 1, nothing left running', async () => {
  const taken = closeWithTest(await Incumbent.start());
  const free = await freePort();
  const { code, stderr, folder } = await serve([
    ...SOUND.slice(0, 3),
    `  - { name: first, listen: 127.0.0.1:${free}, incumbent: 127.0.0.1:9 }`,
    `  - { name: second, listen: ${taken.address}, incumbent: 127.0.0.1:9 }`,
    ...SOUND.slice(5),
  ]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `understudy: UND_LISTEN_FAILED: Cannot listen on ${taken.address}: another process uses this address.\n`,
  );
  const sockets = readdirSync(join(folder, 'run')).filter((name) => name.endsWith('.sock'));
  expect(sockets).toEqual([]);
  // What was bound before it is free again.
  const first = await Incumbent.start(free);
  first.close();
});

test('check says what serve would meet, and exits 1', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const taken = closeWithTest(await Incumbent.start());
  const file = join(folder, 'understudy.yaml');
  writeFileSync(join(folder, 'data'), 'a file where the data folder is to be');
  writeFileSync(
    file,
    [
      'runDir: run',
      'dataDir: data',
      `listeners: [{ listen: ${taken.address}, incumbent: incumbent.invalid:80 }]`,
      'routes: [{ name: score, path: /v1/score }]',
      'candidates:',
      '  - { name: cand, url: http://candidate.invalid }',
      '  - name: model',
      '    kind: onnx',
      '    model: missing.onnx',
      '    output: probabilities',
      '    inputs: [{ name: amount, pointer: /amount, type: float32 }]',
      `kafka: { brokers: ['127.0.0.1:${await freePort()}'] }`,
    ].join('\n'),
  );
  const { code, stdout, stderr } = await runCli(['check', '--config', file]);
  expect(stderr).toBe('');
  expect(code).toBe(1);
  for (const problem of [
    'UND_LISTEN_FAILED',
    'UND_INCUMBENT_UNRESOLVED',
    'UND_CANDIDATE_UNREACHABLE',
    'UND_MODEL_MISSING',
    'UND_DATA_FOLDER',
    'UND_KAFKA_UNREACHABLE',
  ]) {
    expect(stdout).toContain(problem);
  }
  expect(readdirSync(folder).sort()).toEqual(['data', 'understudy.yaml']);
});

test('a listener without a usable certificate: said in one sentence, nothing started', async () => {
  const listener =
    '{ listen: 127.0.0.1:0, incumbent: 127.0.0.1:1, tls: { certFile: c, keyFile: k } }';
  const { code, stderr, folder } = await serve([
    `listeners: [${listener}]`,
    'routes: [{ name: score, path: /v1/score }]',
    'candidates: [{ name: next, url: http://127.0.0.1:1 }]',
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain('UND_TLS_FILE: Listener main cannot use the certificate');
  expect(stderr).toContain('ENOENT');
  expect(readdirSync(folder)).toEqual(['understudy.yaml']);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseRate } from '../../src/main/commands/settings.ts';
import { createProgram } from '../../src/main/program.ts';
import type { SupervisorStatus } from '../../src/main/supervisor.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { runCli } from '../e2e/instance.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'und-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A configuration whose parts do not exist. */
function writeConfig(folder: string, listen: string, extra = ''): string {
  const file = join(folder, 'u.yaml');
  writeFileSync(
    file,
    `runDir: run
dataDir: data
listeners: [{ listen: '${listen}', incumbent: 127.0.0.1:1 }]
routes: [{ name: score, path: /score }]
candidates: [{ name: next, url: http://127.0.0.1:1 }]
admin: { listen: 127.0.0.1:0 }
${extra.includes('metrics') ? '' : 'metrics: null'}
${extra}`,
  );
  return file;
}

describe('the command line', () => {
  it('prints its version, and help for each command, with exit code 0', async () => {
    const version = await runCli(['--version']);
    expect(version).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
    const help = await runCli(['--help']);
    expect(help.code).toBe(0);
    for (const { name, description } of commands()) {
      expect(description, name).not.toBe('');
      if (!name.includes(' ')) expect(help.stdout).toContain(`  ${name}`);
    }
  });

  it('has the commands that are documented', () => {
    expect(commands().map(({ name }) => name)).toEqual([
      'serve',
      'check',
      'plan',
      'hmac',
      'demo',
      'reload',
      'restart',
      'status',
      'pairs',
      'deadletter',
      'deadletter list',
      'deadletter retry',
      'deadletter drop',
      'journal',
      'journal inspect',
      'journal export',
      'journal backup',
      'journal repair',
      'journal erase',
      'rate',
      'rate get',
      'rate set',
      'rate cap',
      'rate undo',
      'mirror',
      'mirror on',
      'mirror off',
      'audit',
      'verdict',
      'analyse',
      'report',
      'labels',
      'labels import',
      'experiment',
      'experiment list',
      'experiment compare',
      'experiment plan',
      'experiment start',
      'experiment close',
    ]);
  });

  it.each([
    [['frob'], "understudy: UND_USAGE: unknown command 'frob'\n(understudy --help"],
    [['rate', 'set', '0.5'], "UND_USAGE: required option '--reason <text>' not specified"],
    [['rate', 'set', '0.5'], '(understudy rate set --help says more)'],
    [['rate', 'set', '7', '--reason', 'x'], 'UND_USAGE: A rate is 0 to 1 or 0% to 100%, not 7.'],
    [['deadletter', 'drop'], 'UND_USAGE: Say which: ids, or --all.'],
    [['rate', 'set', '1', '--for', '5', '--reason', 'x'], 'UND_USAGE: A time is a number and s'],
    [['rate', 'cap', '0', '--reason', 'x'], 'UND_USAGE: A cap is a number a second, or none'],
    [['audit', '--since', 'once'], 'UND_USAGE: Since when?'],
    [['serve', '--role', 'king'], 'Allowed choices are all, gateway, backstage.'],
    [['status', '--admin', 'http://127.0.0.1:1'], 'UND_USAGE: --admin needs --token-file'],
  ])('ends with exit code 2 when it does not understand %j', async (args, message) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it.each([['status'], ['rate', 'get'], ['pairs'], ['audit']].map((args) => [args]))(
    'ends with exit code 1 and a code when there is no instance: %j',
    async (args) => {
      const { code, stderr } = await runCli([...args, '--run', join(makeFolder(), 'none')]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^understudy: UND_\w+: .*is "understudy serve" running/);
    },
  );

  it('mirror off without an admin process names the file that stops all copies', async () => {
    const run = join(makeFolder(), 'none');
    const off = await runCli(['mirror', 'off', '--reason', 'x', '--run', run]);
    expect(off.code).toBe(1);
    expect(off.stderr).toContain(`Without it: touch ${run}/mirror.off stops all copies.`);
    const on = await runCli(['mirror', 'on', '--reason', 'x', '--run', run]);
    expect(on.stderr).not.toContain('mirror.off');
  });

  it('says what is wrong in a configuration and starts nothing', async () => {
    const folder = makeFolder();
    const file = writeConfig(
      folder,
      '127.0.0.1:0',
      'gateway: { proceses: 2, maxConnections: many }\n',
    );
    for (const command of ['serve', 'check']) {
      const { code, stdout, stderr } = await runCli([command, '--config', file]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr.split('\n')).toEqual([
        'understudy: UND_CONFIG_INVALID: 2 problems in the configuration',
        `${file}:8:12: gateway.proceses: got 2, expected a known key (did you mean processes?)`,
        `${file}:8:41: gateway.maxConnections: got many, expected an integer from 1 to 1000000`,
        '',
      ]);
    }
    expect(readdirSync(folder)).toEqual(['u.yaml']);
  });

  it('says in one sentence that a port is taken, with exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    const port = await new Promise((resolve) => {
      other.on('listening', () => {
        const address = other.address();
        resolve(typeof address === 'object' ? address?.port : 0);
      });
    });
    const file = writeConfig(makeFolder(), `127.0.0.1:${port}`);
    const { code, stderr } = await runCli(['serve', '--config', file]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `understudy: UND_LISTEN_FAILED: Cannot listen on 127.0.0.1:${port}: another process uses this address.\n`,
    );
  });

  it('is quiet when whoever reads its output has seen enough', async () => {
    const file = writeConfig(makeFolder(), '127.0.0.1:0');
    const check = spawn(process.execPath, [CLI, 'check', '--config', file]);
    check.stdout.destroy();
    let errors = '';
    check.stderr.on('data', (text) => {
      errors += text;
    });
    const [code] = await once(check, 'close');
    expect({ code, errors }).toEqual({ code: 1, errors: '' });
  });

  it('says where it serves: ports as bound, and what is not up', async () => {
    const start = (extra: string) => {
      const file = writeConfig(makeFolder(), '127.0.0.1:0', extra);
      const serve = spawn(process.execPath, [CLI, 'serve', '--config', file]);
      const exited = once(serve, 'exit');
      onTestFinished(async () => {
        serve.kill('SIGTERM');
        await exited;
      });
      let text = '';
      serve.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      return until('its line', () => /^understudy .*\n/m.exec(text)?.[0], 40_000);
    };
    const line = await start('');
    expect(line).toMatch(/listening on 127\.0\.0\.1:[1-9]\d* /);
    const [, url] = / admin at (http:\S+),/.exec(line) ?? [];
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const other = await start(`metrics: { listen: '127.0.0.1:${port}' }`);
    expect(other).toMatch(/ admin at http:.*, metrics not up: UND_LISTEN_FAILED,/);
  });

  it('keeps serving when nobody reads what it prints', async () => {
    const folder = makeFolder();
    const file = writeConfig(folder, '127.0.0.1:0');
    const serve = spawn(process.execPath, [CLI, 'serve', '--config', file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    serve.stdout.destroy();
    const exited = once(serve, 'exit');
    const path = join(folder, 'run', 'supervisor-all.sock');
    const status = () => readStatus<SupervisorStatus>(path);
    const allUp = async () => (await status()).children.every(({ state }) => state === 'running');
    await until('all are up', allUp, 20_000);
    const gateway = (await status()).children.find(({ name }) => name === 'gw0');
    process.kill(gateway?.pid ?? 0, 'SIGKILL');
    await until('the gateway is back', async () => {
      const again = (await status()).children.find(({ name }) => name === 'gw0');
      return again?.restarts === 1 && again.state === 'running';
    });
    expect(serve.exitCode).toBeNull();
    serve.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('checks: the plan, each problem with its code, exit code 1', async () => {
    const file = writeConfig(makeFolder(), `127.0.0.1:${await freePort()}`);
    const { code, stdout } = await runCli(['check', '--config', file]);
    expect(code).toBe(1);
    expect(stdout).toContain('route       score: POST /score → next');
    expect(stdout).toContain('processes   gw0, mirror, admin');
    expect(stdout).toContain('UND_INCUMBENT_REFUSED: The incumbent 127.0.0.1:1 of listener main');
    expect(stdout).toContain('UND_CANDIDATE_UNREACHABLE: The candidate next');
  });
});

describe('a rate', () => {
  it.each([
    ['0', 0],
    ['0.25', 0.25],
    ['25%', 0.25],
    ['.5', 0.5],
    ['100 %', 1],
    ['12.5%', 0.125],
  ])('is read from %s', (text, rate) => expect(parseRate(text)).toBe(rate));

  it.each(['', '-1', '1.1', '101%', 'half', '1e-1', '0x1', 'NaN'])(
    'is not read from "%s"',
    (text) => {
      expect(() => parseRate(text)).toThrow('A rate is 0 to 1');
    },
  );
});

function commands(): { name: string; description: string }[] {
  return createProgram(() => undefined).commands.flatMap((command) => [
    { name: command.name(), description: command.description() },
    ...command.commands.map((sub) => ({
      name: `${command.name()} ${sub.name()}`,
      description: sub.description(),
    })),
  ]);
}

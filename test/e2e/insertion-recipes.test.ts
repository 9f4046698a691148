/**
 * The recipes of docs/insertion.md, as they stand there: Understudy behind nginx, HAProxy and Envoy, taken out under
 * load and put in again, and no exchange fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findEnvoy } from '../services/envoy.ts';
import { requireProgram } from '../services/program.ts';
import { accepts } from '../support/accepts.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { Instance } from './instance.ts';
import { NewCallers } from './new-callers.ts';
import { closeWithTest } from './server.ts';

vi.setConfig({ testTimeout: 180_000 });

const DOCUMENT = join(import.meta.dirname, '../../docs/insertion.md');

/** A fenced block of the document, by its language; there is one of each. */
function recipe(language: string): string {
  const found = readFileSync(DOCUMENT, 'utf8').match(
    new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms'),
  );
  if (found?.[1] === undefined) throw new Error(`no block of ${language}`);
  return found[1];
}

async function setScene() {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const [listen, health, front] = [await freePort(), await freePort(), await freePort()];
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    // What stands behind the gateway takes no part in this, and takes long to start on a busy machine.
    role: 'gateway',
    sections: {
      listeners: [{ name: 'main', listen: `127.0.0.1:${listen}`, incumbent: incumbent.address }],
      // Many callers on one connection: what is in doubt must not reach the incumbent.
      gateway: { health: `127.0.0.1:${health}`, ambiguous: 'reject', heartbeatTimeoutMs: 120_000 },
    },
  });
  const ports: Record<string, string> = {
    '127.0.0.1:8000': `127.0.0.1:${front}`,
    '127.0.0.1:8080': `127.0.0.1:${listen}`,
    '127.0.0.1:9000': incumbent.address,
    'port 9903': `port ${health}`,
    'port_value: 8000': `port_value: ${front}`,
    'port_value: 8080': `port_value: ${listen}`,
    'port_value: 9000': `port_value: ${incumbent.port}`,
    'port_value: 9903': `port_value: ${health}`,
  };
  /** The recipe with this test's addresses. */
  const fill = (text: string): string =>
    Object.entries(ports).reduce((filled, [from, to]) => filled.replaceAll(from, to), text);
  return { instance, front, fill };
}

/** Starts a proxy, and ends it with the test. */
function startProxy(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  return child;
}

/** Seen by Understudy, by its own books. */
async function seen(instance: Instance): Promise<number> {
  return (await instance.gateway()).seen;
}

const nginx = requireProgram('nginx', 'nginx-light');
if (typeof nginx !== 'string') test.skip(nginx.skipped, () => undefined);
else {
  test('behind nginx: taken out and put in again under load, no exchange fails', async () => {
    const { instance, front, fill } = await setScene();
    const folder = tempFolder();
    const file = join(folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${folder}/${name};`)
      .join('\n');
    const write = (text: string): void =>
      writeFileSync(
        file,
        `daemon off; pid ${folder}/pid; error_log stderr error; worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http { access_log off; ${temporary}
${fill(text)} }`,
      );
    const inserted = recipe('nginx');
    // The drill: the comment sign goes from one line to the other.
    const bypassed = inserted
      .replace(/^( *)server (127\.0\.0\.1:8080;)/m, '$1# server $2')
      .replace(/^( *)# server (127\.0\.0\.1:9000;)/m, '$1server $2');
    expect(bypassed).not.toBe(inserted);
    write(inserted);
    const child = startProxy(nginx, ['-p', folder, '-c', file, '-e', 'stderr']);
    await until('nginx listens', () => accepts(front));
    const callers = new NewCallers(front);
    await callers.answers(50);
    expect(await seen(instance)).toBeGreaterThan(40);

    write(bypassed);
    child.kill('SIGHUP');
    let last = -1;
    await until('nothing comes any more', async () => {
      const before = last;
      await callers.answers(20);
      last = await seen(instance);
      return last === before;
    });
    expect(await instance.stop()).toBe(0);
    await callers.answers(20);
    await instance.start();
    write(inserted);
    child.kill('SIGHUP');
    await until('it is in again', async () => (await seen(instance)) > 20);
    await callers.stop();
    expect(callers.faults).toEqual([]);
    await expectBooksToBalance(instance.run.path, { withoutMirror: true });
  });
}

const haproxy = requireProgram('haproxy', 'haproxy');
if (typeof haproxy !== 'string') test.skip(haproxy.skipped, () => undefined);
else {
  test('behind HAProxy: taken out, stopped and put in again under load, no exchange fails', async () => {
    const { instance, front, fill } = await setScene();
    const folder = tempFolder();
    const file = join(folder, 'haproxy.cfg');
    const admin = join(folder, 'admin.sock');
    writeFileSync(
      file,
      `global\n    stats socket ${admin} level admin\n${fill(recipe('haproxy'))}`,
    );
    startProxy(haproxy, ['-db', '-f', file]);
    /** A line to the admin socket. */
    const command = (line: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(admin, () => socket.end(`${line}\n`));
        let answer = '';
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          answer += chunk;
        });
        socket.on('end', () => resolve(answer.trim())).on('error', reject);
      });
    await until('HAProxy listens', () => accepts(front));
    const callers = new NewCallers(front);
    await callers.answers(50);
    expect(await seen(instance)).toBeGreaterThan(40);

    expect(await command('set server scoring/understudy state maint')).toBe('');
    const before = await seen(instance);
    await callers.answers(20);
    expect(await seen(instance)).toBeLessThan(before + 5);
    expect(await instance.stop()).toBe(0);
    await callers.answers(20);
    await instance.start();
    await command('set server scoring/understudy state ready');
    await until('it is in again', async () => (await seen(instance)) > 20);
    // Without the drill: it drains, and HAProxy goes on with the incumbent.
    expect(await instance.stop()).toBe(0);
    await callers.answers(50);
    await callers.stop();
    expect(callers.faults).toEqual([]);
    await instance.start();
    await expectBooksToBalance(instance.run.path, { withoutMirror: true });
  });
}

const found = await findEnvoy();
test.skipIf('skipped' in found)(
  `behind Envoy: taken out, stopped and put in again under load, no exchange fails${'skipped' in found ? ` (${found.skipped})` : ''}`,
  async () => {
    const { instance, front, fill } = await setScene();
    const admin = await freePort();
    const file = join(tempFolder(), 'envoy.yaml');
    writeFileSync(file, fill(recipe('yaml')).replace('port_value: 9904', `port_value: ${admin}`));
    const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart'];
    if ('skipped' in found) throw new Error(found.skipped);
    startProxy(found.envoy, [...args, '--log-level', 'error']);
    /** The drill: weights by the runtime. */
    const weigh = async (understudy: number, incumbent: number): Promise<void> => {
      const weights = `scoring.understudy=${understudy}&scoring.incumbent=${incumbent}`;
      const url = `http://127.0.0.1:${admin}/runtime_modify?${weights}`;
      expect((await fetch(url, { method: 'POST' })).status).toBe(200);
    };
    await until('Envoy listens', () => accepts(front));
    const callers = new NewCallers(front);
    await callers.answers(50);
    await until('Understudy is healthy', async () => (await seen(instance)) > 20);

    await weigh(0, 100);
    const before = await seen(instance);
    await callers.answers(20);
    expect(await seen(instance)).toBeLessThan(before + 5);
    expect(await instance.stop()).toBe(0);
    await callers.answers(20);
    await instance.start();
    await weigh(100, 0);
    await until('it is in again', async () => (await seen(instance)) > 20);
    // Without the drill: it drains, and Envoy goes on with the incumbent.
    expect(await instance.stop()).toBe(0);
    await callers.answers(50);
    await callers.stop();
    expect(callers.faults).toEqual([]);
    await instance.start();
    await expectBooksToBalance(instance.run.path, { withoutMirror: true });
  },
);

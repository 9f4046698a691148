/**
 * M-18: backstage apart from the gateway, in a control group of its own, is killed by the kernel for its memory: callers do not
 * notice, and the books add up afterwards. As two containers do it, without a daemon: cgroup v1, root.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { SupervisorStatus } from '../../src/main/supervisor.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { BEHAVIOURS, TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, Instance, legsOf } from './instance.ts';
import { expectServed, Load } from './load.ts';
import { MemoryWatch } from './memory-watch.ts';
import { NewCallers } from './new-callers.ts';
import { closeWithTest } from './server.ts';

vi.setConfig({ testTimeout: 240_000 });

const CGROUPS = '/sys/fs/cgroup/memory';
const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
const MiB = 1024 * 1024;
/** Three Nodes at rest have less; the copies that may wait have more. */
const LIMIT_MIB = 560;
const QUEUED_MIB = 2_048;
const UP_MS = 60_000;

function canLimit(): boolean {
  try {
    accessSync(join(CGROUPS, 'memory.limit_in_bytes'), constants.R_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** A group with so much memory, removed with its test. @returns its folder */
function memoryGroup(bytes: number): string {
  const folder = join(CGROUPS, `und-${process.pid}`);
  mkdirSync(folder);
  onTestFinished(async () => {
    await until('the group is empty', () => {
      rmdirSync(folder);
      return true;
    });
  });
  writeFileSync(join(folder, 'memory.limit_in_bytes'), String(bytes));
  return folder;
}

/** `serve --role backstage` in that group; it ends with the test. */
async function startBackstage(instance: Instance, group: string): Promise<void> {
  const command = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
  const serve = [process.execPath, CLI, 'serve', '--config', instance.configFile];
  const args = ['-c', command, group, ...serve, '--role', 'backstage'];
  const child = spawn('/bin/sh', args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await until(
    'backstage is up',
    async () => (await backstage(instance)).every(({ state }) => state === 'running'),
    UP_MS,
  );
}

async function backstage(instance: Instance): Promise<SupervisorStatus['children']> {
  const socket = instance.run.statusSocket('supervisor-backstage');
  return (await readStatus<SupervisorStatus>(socket)).children;
}

test.skipIf(!canLimit())(
  'M-18 backstage is killed for its memory: the gateway is unmoved (needs cgroup v1 and root)',
  async () => {
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const group = memoryGroup(LIMIT_MIB * MiB);
    const instance = await Instance.start({
      incumbent: incumbent.address,
      role: 'gateway',
      candidates: [candidate.section('cand', { timeoutMs: 60_000, maxInFlight: 10_000 })],
      sections: {
        gateway: { heartbeatTimeoutMs: 120_000 },
        // Caps that are too large for the group, on purpose.
        mirror: {
          maxQueuedBytes: QUEUED_MIB * MiB,
          maxParseBytes: 32 * QUEUED_MIB * MiB,
          maxQueueAgeMs: 120_000,
        },
      },
    });
    await startBackstage(instance, group);
    const gateway = await instance.pidOf('gw0');
    const memory = await MemoryWatch.of(instance, ['gw0']);
    candidate.behaviour = BEHAVIOURS.hangs;
    const pad = 'x'.repeat(MiB - 4_096);
    const uploads = await Load.start({
      port: instance.port,
      ratePerSecond: 15,
      requestOf: (number) => ({ body: `{"amount":${number},"pad":"${pad}"}` }),
    });
    const callers = new NewCallers(instance.port, 2);
    const killed = await until(
      'the kernel kills one of backstage',
      async () => (await backstage(instance)).find(({ lastExit }) => lastExit === 'signal SIGKILL'),
      120_000,
    );
    expect(readFileSync(join(group, 'memory.oom_control'), 'latin1')).toMatch(/oom_kill [1-9]/);
    candidate.behaviour = BEHAVIOURS.answers;
    await uploads.stop();
    const paired = async () => (await instance.legsIn('paired')) > 20;
    await until('pairs come back', paired, UP_MS);
    await callers.stop();
    expectServed(uploads, incumbent);
    expect(callers.faults).toEqual([]);
    expect(callers.longestMs).toBeLessThan(5_000);
    expect(await instance.pidOf('gw0')).toBe(gateway);
    expect(memory.mostMiB('gw0')).toBeLessThan(420);
    const waterfall = await expectBooksToBalance(instance.run.path, { timeoutMs: 90_000 });
    console.info(
      `${killed.name} was killed; ${callers.answered} new callers, slowest ${Math.round(callers.longestMs)} ms; ` +
        `${JSON.stringify(exchangesOf(waterfall))} ${JSON.stringify(legsOf(waterfall))}`,
    );
  },
);

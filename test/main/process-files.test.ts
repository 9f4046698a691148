import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { forgetProcess, noteProcess, processesAlive } from '../../src/main/process-files.ts';
import { stopOrphans } from '../../src/main/takeover.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { isAlive } from '../support/is-alive.ts';
import { tempFolder } from '../support/temp-folder.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** A process that does nothing, noted as started by a supervisor. */
function started(name: string) {
  const folder = runFolder(tempFolder());
  // Its name has what /proc/PID/stat must be read past.
  const child = spawn('sleep', ['60'], { argv0: 'a) b (c' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  noteProcess(folder, name, pid);
  return { folder, child, pid };
}

test('a noted process is found while it lives, and not after', async () => {
  const { folder, child, pid } = started('gw0');
  expect(processesAlive(folder)).toEqual([
    { name: 'gw0', pid, began: expect.stringMatching(/^[0-9a-f-]{36}\/\d+$/) },
  ]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(processesAlive(folder)).toEqual([]);
});

test('another process with the pid of a noted one is not it, and is never killed', async () => {
  const { folder, pid } = started('gw0');
  const path = join(folder.path, 'gw0.pid');
  const { began } = JSON.parse(readFileSync(path, 'utf8'));
  const earlier = began.replace(/\d+$/, (ticks: string) => String(Number(ticks) - 1));
  const otherBoot = began.replace(/^.{8}/, '00000000');
  for (const note of [{ pid, began: earlier }, { pid, began: otherBoot }, { pid }, { pid: 1 }]) {
    writeFileSync(path, JSON.stringify(note));
    expect(await stopOrphans(folder, { role: 'all', silenceMs: 0, log })).toEqual([]);
    expect(isAlive(pid)).toBe(true);
  }
  writeFileSync(path, '{ half a no');
  expect(processesAlive(folder)).toEqual([]);
});

test('a silent one of this role is killed, one of the other half is not', async () => {
  const { folder, pid } = started('gw0');
  expect(await stopOrphans(folder, { role: 'backstage', silenceMs: 0, log })).toEqual([]);
  expect(isAlive(pid)).toBe(true);
  expect(await stopOrphans(folder, { role: 'gateway', silenceMs: 0, log })).toEqual(['gw0']);
  expect(processesAlive(folder)).toEqual([]);
});

test('the note of a successor stays when its predecessor has ended', () => {
  const { folder, pid } = started('gw0');
  forgetProcess(folder, 'gw0', pid + 1);
  expect(processesAlive(folder)).toHaveLength(1);
  forgetProcess(folder, 'gw0', pid);
  expect(processesAlive(folder)).toEqual([]);
});

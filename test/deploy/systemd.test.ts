/** The units say what is there: programs, listeners, and times that fit the configuration's defaults. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEFAULTS, LIMITS } from '../../src/config/defaults.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Keys of a unit with their values, in order; comments and sections left out. */
function readUnit(name: string): Map<string, string> {
  const lines = readFileSync(join(ROOT, 'deploy/systemd', name), 'utf8').split('\n');
  const pairs = lines.filter((line) => /^[A-Z]\w*=/.test(line)).map((line) => line.split(/=(.*)/s));
  return new Map(pairs.map(([key = '', value = '']) => [key, value]));
}

it('starts Node itself, on a program that the build makes', () => {
  const [node = '', program = '', ...args] =
    readUnit('understudy.service').get('ExecStart')?.split(' ') ?? [];
  const inTree = (path: string): string => path.replace('/opt/understudy', ROOT);
  expect(existsSync(inTree(node))).toBe(true);
  expect(existsSync(inTree(program).replace('/dist/', '/src/').replace(/\.js$/, '.ts'))).toBe(true);
  expect(args).toEqual(['serve', '--config', '/etc/understudy/understudy.yaml']);
});

it('leaves gateways alive and gives a drain its time', () => {
  const service = readUnit('understudy.service');
  expect(service.get('KillMode')).toBe('process');
  expect(service.get('Sockets')).toBe('understudy.socket');
  const stopMs = Number(service.get('TimeoutStopSec')) * 1_000;
  const drainMs = DEFAULTS.gateway.drainTimeoutMs + LIMITS.stopTimeoutMs;
  expect(stopMs).toBeGreaterThan(drainMs);
});

it('names its socket like the default listener, with our backlog', () => {
  const socket = readUnit('understudy.socket');
  expect(socket.get('FileDescriptorName')).toBe(DEFAULTS.listener.name);
  expect(socket.get('Backlog')).toBe(String(LIMITS.listenBacklog));
});

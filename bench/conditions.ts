/** Under which conditions a run was made. */

import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { readVersion } from '../src/main/version.ts';
import { findProgram } from './pinned.ts';

/** Magic number of tmpfs, as statfs gives it. */
const TMPFS = 0x01021994;

export interface ConditionsInput {
  readonly command: string;
  readonly nginx: string | null;
  readonly loadGenerator: string;
  readonly cores: string;
  readonly folder: string;
}

/** @returns name and value, in the order to be shown */
export function conditionsOf(input: ConditionsInput): readonly (readonly [string, string])[] {
  const { command, nginx, loadGenerator, cores, folder } = input;
  return [
    ...machineOf(command),
    [
      'versions',
      `Understudy ${readVersion()}${revision()}, http-proxy ${packageVersion('http-proxy')}`,
    ],
    ['incumbent, candidate', nginx === null ? 'a small server on Node' : nginxVersion(nginx)],
    ['load', loadGenerator === 'wrk' ? wrkVersion() : `autocannon ${packageVersion('autocannon')}`],
    ['cores', cores],
    ...restOf(folder),
  ];
}

/** @param cores - of broker and load, of what is measured; `null`: not pinned */
export function publisherConditions(
  folder: string,
  [loadCore, subjectCore]: readonly (number | null)[],
): readonly (readonly [string, string])[] {
  const kafkaClient = packageVersion('@platformatic/kafka');
  const cores =
    loadCore === null
      ? 'not pinned: taskset or a second core is missing'
      : `broker, callers, incumbent, candidate: ${loadCore}; what is measured: ${subjectCore}`;
  return [
    ...machineOf(['npm run bench:publisher --', ...process.argv.slice(2)].join(' ')),
    [
      'versions',
      `Understudy ${readVersion()}${revision()}, @platformatic/kafka ${kafkaClient}, ` +
        `kafkajs ${packageVersion('kafkajs')}`,
    ],
    ['cores', cores],
    ...restOf(folder),
  ];
}

function machineOf(command: string): (readonly [string, string])[] {
  const processors = cpus();
  return [
    ['date', new Date().toISOString().slice(0, 16).replace('T', ' ')],
    ['command', command],
    ['machine', `${processors[0]?.model ?? 'unknown CPU'}, ${processors.length} cores`],
    ['system', `Linux ${release()}, Node ${process.version.slice(1)}`],
  ];
}

function restOf(folder: string): (readonly [string, string])[] {
  const disk = statfsSync(folder).type === TMPFS ? 'memory (tmpfs)' : 'disk';
  const load = loadavg().map((average) => average.toFixed(2));
  return [
    ['journal on', disk],
    ['load average at start', load.join(' ')],
  ];
}

function nginxVersion(path: string): string {
  const { stderr } = spawnSync(path, ['-v'], { encoding: 'utf8' });
  return stderr.replace('nginx version: ', '').trim();
}

function wrkVersion(): string {
  const { stdout } = spawnSync(findProgram('wrk') ?? 'wrk', ['-v'], { encoding: 'utf8' });
  return /^wrk \S+/.exec(stdout)?.[0] ?? 'wrk';
}

function packageVersion(name: string): string {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return String(JSON.parse(readFileSync(path, 'utf8')).version);
}

function revision(): string {
  const { stdout, status } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], {
    encoding: 'utf8',
    cwd: new URL('..', import.meta.url),
  });
  return status === 0 ? ` (${stdout.trim()})` : '';
}

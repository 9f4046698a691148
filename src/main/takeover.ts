/**
 * What a supervisor that was killed has left behind: its children still serve. The next one finds them by
 * their sockets in the run folder and asks them to end; gateways stop listening at once and drain. One that
 * hangs is found by its note (process-files.ts) and killed: it would keep an address, the journal, or callers.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { Log } from '../telemetry/log-lines.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import { readStatus, sendCommand } from '../telemetry/status-socket.ts';
import { isSame, processesAlive, type StartedProcess } from './process-files.ts';
import { ROLES, type Role } from './process-plan.ts';

const GATEWAY_SOCKET = /^gw\d+\.sock$/;
const BACKSTAGE_SOCKET = /^(mirror|admin|model-[A-Za-z0-9_-]+)\.sock$/;

interface WithPid {
  readonly pid?: number;
}

/**
 * Refuses to work beside another supervisor of the same processes.
 *
 * @throws {UnderstudyError} `UND_RUN_FOLDER` when one answers
 */
export async function refuseSecondSupervisor(folder: RunFolder, role: Role): Promise<void> {
  for (const other of ROLES) {
    if (other !== role && other !== 'all' && role !== 'all') continue;
    const pid = await pidOf(folder.statusSocket(`supervisor-${other}`));
    if (pid === null) continue;
    throw new UnderstudyError(
      'UND_RUN_FOLDER',
      `Another supervisor (process ${pid}, role ${other}) uses the run folder ${folder.path}: stop it, ` +
        'or give this one its own runDir and dataDir.',
      { details: { pid, role: other } },
    );
  }
}

/**
 * Asks orphans of this role to end. Backstage ones are waited for, since they hold the journal and ports;
 * gateways are not: a drain may take its time, and their addresses are free at once. What has answered
 * nothing for `silenceMs` is killed.
 *
 * @returns names of those that were found
 */
export async function stopOrphans(
  folder: RunFolder,
  options: { readonly role: Role; readonly silenceMs: number; readonly log: Log },
): Promise<string[]> {
  const { role, silenceMs, log } = options;
  const names = readdirSync(folder.path);
  const gateways = role === 'backstage' ? [] : names.filter((name) => GATEWAY_SOCKET.test(name));
  const backstage = role === 'gateway' ? [] : names.filter((name) => BACKSTAGE_SOCKET.test(name));
  const stop = (name: string, wait: boolean) => stopOrphan(join(folder.path, name), wait, log);
  const found = await Promise.all([
    ...gateways.map((name) => stop(name, false)),
    ...backstage.map((name) => stop(name, true)),
  ]);
  const stopped = found.filter((name) => name !== null);
  const mine = (name: string) =>
    GATEWAY_SOCKET.test(`${name}.sock`) ? role !== 'backstage' : role !== 'gateway';
  const silent = processesAlive(folder).filter(
    ({ name }) => mine(name) && !(stopped.includes(name) && GATEWAY_SOCKET.test(`${name}.sock`)),
  );
  const killed = await Promise.all(
    silent.map((orphan) => killSilent(folder, orphan, { silenceMs, log })),
  );
  return [...stopped, ...killed.filter((name) => name !== null)];
}

/** @returns its name; `null` where it ended by itself, or answers after all */
async function killSilent(
  folder: RunFolder,
  orphan: StartedProcess,
  { silenceMs, log }: { readonly silenceMs: number; readonly log: Log },
): Promise<string | null> {
  const { name, pid } = orphan;
  const deadlineMs = monotonicMs() + silenceMs;
  while (monotonicMs() < deadlineMs) {
    if (!isSame(orphan)) return null;
    if ((await pidOf(folder.statusSocket(name))) === pid) {
      return stopOrphan(folder.statusSocket(name), false, log);
    }
    await sleep(50);
  }
  if (!isSame(orphan)) return null;
  log.warn('a process of an earlier supervisor does not answer, it is killed', {
    code: 'UND_PROCESS_SILENT',
    process: name,
    pid,
  });
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return null; // it has ended just now
  }
  const goneMs = monotonicMs() + LIMITS.takeoverMs;
  while (isSame(orphan) && monotonicMs() < goneMs) await sleep(10);
  return name;
}

async function stopOrphan(path: string, wait: boolean, log: Log): Promise<string | null> {
  const name = basename(path, '.sock');
  const pid = await pidOf(path);
  if (pid === null) return null;
  log.warn('a process of an earlier supervisor is asked to end', { process: name, pid });
  try {
    await sendCommand(path, 'stop');
  } catch {
    log.warn('it did not take the command', { process: name, pid });
    return name;
  }
  const deadlineMs = monotonicMs() + LIMITS.takeoverMs;
  while (wait && monotonicMs() < deadlineMs && (await pidOf(path)) === pid) await sleep(50);
  return name;
}

/** Who answers on a socket; `null`: nobody. */
async function pidOf(path: string): Promise<number | null> {
  try {
    return (await readStatus<WithPid>(path)).pid ?? 0;
  } catch {
    return null;
  }
}

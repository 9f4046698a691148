/** `understudy reload` and `understudy restart`: asks the supervisors of an instance, and waits until it is done. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import { readStatus, sendCommand } from '../../telemetry/status-socket.ts';
import { ROLES } from '../process-plan.ts';
import type { SupervisorStatus } from '../supervisor.ts';
import { findRunFolder, type InstanceOptions } from './instance.ts';

const KEPT = 'Nothing has changed: what was in force before stays in force.';

export type ReloadCommand = 'reload' | 'restart-gateways' | 'restart-all';

/**
 * Sends a command to each supervisor of the run folder, one after the other, and says what became of it.
 *
 * @returns the exit code: 1 where a supervisor kept its old configuration
 * @throws {UnderstudyError} `UND_STATUS_UNAVAILABLE` when there is no supervisor
 */
export async function runReload(command: ReloadCommand, options: InstanceOptions): Promise<number> {
  const folder = await findRunFolder(options);
  let found = 0;
  for (const role of ROLES) {
    const path = folder.statusSocket(`supervisor-${role}`);
    if ((await statusOf(path)) === null) continue;
    found += 1;
    await sendCommand(path, command);
    const { reload, name, children } = await untilDone(path);
    if (!reload.lastOk) {
      process.stderr.write(`understudy: ${name}: ${reload.lastError}\n${KEPT}\n`);
      return 1;
    }
    const processes = children.map((child) => `${child.name} ${child.state}`).join(', ');
    process.stdout.write(`${name}: in force; ${processes}\n`);
  }
  if (found > 0) return 0;
  throw new UnderstudyError(
    'UND_STATUS_UNAVAILABLE',
    `No supervisor answers in ${folder.path}: is "understudy serve" running, and is this its run ` +
      'folder (--run, --config)?',
  );
}

async function statusOf(path: string): Promise<SupervisorStatus | null> {
  return readStatus<SupervisorStatus>(path).catch(() => null);
}

/** Those before it in the queue, and its own. The supervisor bounds each step, so this ends. */
async function untilDone(path: string): Promise<SupervisorStatus> {
  const first = await readStatus<SupervisorStatus>(path);
  const { requested } = first.reload;
  for (let status = first; ; status = await readStatus<SupervisorStatus>(path)) {
    if (status.reload.done >= requested) return status;
    await sleep(LIMITS.startPollMs);
  }
}

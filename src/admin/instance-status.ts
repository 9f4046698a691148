/** All statuses of an instance, from the status sockets of its run folder. */
import { readdir } from 'node:fs/promises';
import { LIMITS } from '../config/defaults.ts';
import type { MirrorStatus } from '../record/mirror-status.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';

/** What every process says of itself, whatever it is. */
export interface ProcessStatus {
  readonly process: string;
  readonly name: string;
  readonly pid: number;
  readonly version: string;
  readonly uptimeMs?: number;
  readonly settingsVersion?: number;
  /** Of a supervisor: what it keeps alive. */
  readonly children?: readonly { readonly name: string; readonly restarts: number }[];
  /** Of a supervisor. */
  readonly reload?: { readonly done: number; readonly failed: number; readonly lastOk: boolean };
}

export interface InstanceStatus {
  readonly gateways: readonly GatewayStatus[];
  readonly mirror: MirrorStatus | null;
  /** All that answered: gateways and mirror, too. */
  readonly processes: readonly ProcessStatus[];
}

const SOCKET = /^(gw\d{1,3}|mirror|admin|supervisor-[a-z]{1,20}|model-[\w-]{1,40})\.sock$/;

/**
 * Reads the mirror first and the gateways after it, so that no leg is younger than the exchange it is
 * held against. A process that does not answer within LIMITS.statusTimeoutMs, or not with a status, is
 * left out. At most LIMITS.statusSockets are asked.
 *
 * @param exceptName - a process that is not asked: the one that asks
 */
export async function readInstance(folder: RunFolder, exceptName = ''): Promise<InstanceStatus> {
  const names = (await readdir(folder.path).catch(() => []))
    .map((file) => SOCKET.exec(file)?.[1] ?? '')
    .filter((name) => name !== '' && name !== exceptName)
    .slice(0, LIMITS.statusSockets);
  const isGateway = (name: string): boolean => /^gw\d+$/.test(name);
  const others = await readAll(
    folder,
    names.filter((name) => !isGateway(name)),
  );
  const gateways = await readAll(folder, names.filter(isGateway));
  return {
    gateways: gateways.filter(isGatewayStatus),
    mirror: others.find(isMirrorStatus) ?? null,
    processes: [...gateways, ...others],
  };
}

async function readAll(folder: RunFolder, names: readonly string[]): Promise<ProcessStatus[]> {
  const statuses = await Promise.all(
    names.map((name) =>
      readStatus<ProcessStatus>(folder.statusSocket(name)).catch(() => undefined),
    ),
  );
  return statuses.filter(
    (status) => status !== undefined && isProcessStatus(status),
  ) as ProcessStatus[];
}

function isProcessStatus(status: ProcessStatus): boolean {
  return (
    typeof status.process === 'string' &&
    typeof status.name === 'string' &&
    typeof status.version === 'string'
  );
}

function isGatewayStatus(status: ProcessStatus): status is GatewayStatus {
  return status.process === 'gateway' && 'cells' in status && Array.isArray(status.cells);
}

function isMirrorStatus(status: ProcessStatus): status is MirrorStatus {
  return status.process === 'mirror' && 'epochs' in status && Array.isArray(status.epochs);
}

/** Everything that the processes of a run folder say of themselves, read at one moment. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import type { ModelStatus } from '../model/model-status.ts';
import type { MirrorStatus } from '../record/mirror-status.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import { parseSettings } from '../telemetry/settings-reader.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';
import type { SupervisorStatus } from './supervisor.ts';

/** What admin says of itself, as far as a reader needs it. */
export interface AdminStatus {
  readonly process: 'admin';
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly tokenFile: string;
  readonly dataDir: string;
}

/** A process that answered, or one whose socket is there and silent (`status` is null). */
export interface ProcessReading {
  readonly name: string;
  readonly status: AnyStatus | null;
}

export type AnyStatus = GatewayStatus | MirrorStatus | AdminStatus | ModelStatus | SupervisorStatus;

/** One look at an instance. */
export interface InstanceStatus {
  readonly processes: readonly ProcessReading[];
  readonly gateways: readonly GatewayStatus[];
  readonly mirror: MirrorStatus | null;
  readonly supervisors: readonly SupervisorStatus[];
  /** As written to the run folder; null: nobody has changed anything yet. */
  readonly settings: Settings | null;
}

const ORDER = [/^supervisor-/, /^gw/, /^mirror$/, /^admin$/, /^model-/];

/**
 * Reads all status sockets of a run folder, the mirror's before the gateways': so no copy can be settled
 * that was not offered yet.
 *
 * @throws {UnderstudyError} `UND_RUN_FOLDER` when the folder cannot be read
 */
export async function readInstance(folder: RunFolder): Promise<InstanceStatus> {
  const names = processNames(folder);
  const mirror = await readOne<MirrorStatus>(folder, 'mirror', names);
  const others = names.filter((name) => name !== 'mirror');
  const readings = await Promise.all(
    others.map(async (name): Promise<ProcessReading> => {
      return { name, status: await readOne<AnyStatus>(folder, name, names) };
    }),
  );
  if (names.includes('mirror')) readings.push({ name: 'mirror', status: mirror });
  readings.sort((a, b) => rankOf(a.name) - rankOf(b.name) || a.name.localeCompare(b.name));
  const statuses = readings.map(({ status }) => status).filter((status) => status !== null);
  return {
    processes: readings,
    gateways: statuses.filter((status) => status.process === 'gateway'),
    mirror,
    supervisors: statuses.filter((status) => status.process === 'supervisor'),
    settings: readSettings(folder),
  };
}

function rankOf(name: string): number {
  return ORDER.findIndex((pattern) => pattern.test(name));
}

function processNames(folder: RunFolder): string[] {
  try {
    return readdirSync(folder.path)
      .filter((file) => file.endsWith('.sock') && !file.endsWith('.http.sock'))
      .map((file) => file.slice(0, -'.sock'.length))
      .filter((name) => ORDER.some((pattern) => pattern.test(name)));
  } catch (cause) {
    throw new UnderstudyError(
      'UND_RUN_FOLDER',
      `Cannot read the run folder ${folder.path}: is "understudy serve" running, and is this its run folder (--run, --config)?`,
      { cause },
    );
  }
}

async function readOne<T>(
  folder: RunFolder,
  name: string,
  names: readonly string[],
): Promise<T | null> {
  if (!names.includes(name)) return null;
  try {
    return await readStatus<T>(join(folder.path, `${name}.sock`));
  } catch {
    // It has ended, or hangs: told as a process that does not answer.
    return null;
  }
}

function readSettings(folder: RunFolder): Settings | null {
  try {
    return parseSettings(readFileSync(folder.settings, 'utf8'));
  } catch {
    return null;
  }
}

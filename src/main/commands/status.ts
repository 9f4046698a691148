/** `understudy status`: processes, settings, and the waterfall of exchanges and copies. */
import { styleText } from 'node:util';
import { renderWaterfall } from '../../admin/render-waterfall.ts';
import { buildWaterfall, type Waterfall } from '../../admin/waterfall.ts';
import { UnderstudyError } from '../../errors.ts';
import type { MirrorStatus } from '../../record/mirror-status.ts';
import { type InstanceStatus, type ProcessReading, readInstance } from '../instance-status.ts';
import type { SupervisorStatus } from '../supervisor.ts';
import { AdminApi, findRunFolder, type InstanceOptions } from './instance.ts';

/**
 * Prints the status of an instance.
 *
 * @returns the exit code: 1 where a sum does not hold or a process does not answer
 * @throws {UnderstudyError} `UND_STATUS_UNAVAILABLE` when no process answers, `UND_RUN_FOLDER`
 */
export async function printStatus(
  options: InstanceOptions & { readonly json: boolean },
): Promise<number> {
  if (options.admin !== undefined) return printRemote(await AdminApi.find(options), options.json);
  const folder = await findRunFolder(options);
  const instance = await readInstance(folder);
  const up = instance.processes.filter(({ status }) => status !== null);
  if (up.length === 0) {
    throw new UnderstudyError('UND_STATUS_UNAVAILABLE', `No process answers in ${folder.path}.`);
  }
  const waterfall = buildWaterfall(instance.gateways, instance.mirror);
  if (options.json) {
    const { processes, settings } = instance;
    process.stdout.write(`${JSON.stringify({ processes, settings, waterfall }, null, 2)}\n`);
  } else {
    process.stdout.write(`${renderProcesses(instance)}\n${renderWaterfall(waterfall)}`);
  }
  return waterfall.ok && up.length === instance.processes.length ? 0 : 1;
}

async function printRemote(api: AdminApi, json: boolean): Promise<number> {
  const status = await api.get<{ readonly waterfall: Waterfall }>('/v1/status');
  const text = json ? `${JSON.stringify(status, null, 2)}\n` : renderWaterfall(status.waterfall);
  process.stdout.write(text);
  return status.waterfall.ok ? 0 : 1;
}

function renderProcesses(instance: InstanceStatus): string {
  const { processes, supervisors, mirror, settings } = instance;
  const width = Math.max(...processes.map(({ name }) => name.length), 'mirroring'.length);
  const line = (name: string, text: string): string => printable(`${name.padEnd(width)}  ${text}`);
  const lines = processes.map((reading) => {
    const restarts = restartsOf(reading.name, supervisors);
    const again =
      restarts === 0 ? '' : `, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
    const text = line(reading.name, describe(reading) + again);
    return reading.status === null ? styleText('red', text) : text;
  });
  if (mirror !== null) lines.push(line('mirroring', describeMirroring(mirror)));
  if (settings !== null) {
    const { changed, version } = settings;
    const by = changed === null ? '' : `, ${changed.at} by ${changed.by}: ${changed.reason}`;
    lines.push(line('settings', `version ${version}${by}`));
  }
  return `${lines.join('\n')}\n`;
}

function describeMirroring({ mirroring, paused, candidates }: MirrorStatus): string {
  if (!mirroring) return `off (${paused})`;
  const rates = candidates.map(({ name, rate }) => `${name} ${Number((rate * 100).toFixed(4))} %`);
  return `on: ${rates.join(', ')}`;
}

function restartsOf(name: string, supervisors: readonly SupervisorStatus[]): number {
  const children = supervisors.flatMap((supervisor) => supervisor.children);
  return children.find((child) => child.name === name)?.restarts ?? 0;
}

function describe({ status }: ProcessReading): string {
  if (status === null) return 'does not answer';
  const parts = [`pid ${status.pid}`];
  switch (status.process) {
    case 'gateway':
      parts.push(`${status.connections.open} connections open`, `wire ${status.wire.state}`);
      if (status.draining) parts.push('draining');
      break;
    case 'mirror': {
      const { state, error, committedPairs, publisher } = status.recorder;
      parts.push(`${state}${error === '' ? '' : ` (${error})`}`, `${committedPairs} pairs on disk`);
      if (publisher !== null) {
        const { error: fault, lag } = publisher;
        parts.push(`Kafka ${publisher.state}${fault === '' ? '' : ` (${fault})`}, ${lag} behind`);
      }
      break;
    }
    case 'model':
      parts.push(status.ready ? 'ready' : `not ready: ${status.error}`);
      break;
    case 'admin':
      parts.push(status.url);
      break;
    case 'supervisor':
      parts.push(`version ${status.version}`);
  }
  return parts.join(', ');
}

/** Texts come from other processes and operators: nothing in them may drive the terminal. */
function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, '?');
}

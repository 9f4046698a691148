/** `understudy status`: processes, settings, and the waterfall of exchanges and copies. */
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import type { AdminStatus } from '../../admin/admin-status.ts';
import {
  type InstanceStatus,
  type ProcessStatus,
  readInstance,
} from '../../admin/instance-status.ts';
import { renderWaterfall } from '../../admin/render-waterfall.ts';
import type { StatusReport } from '../../admin/status-report.ts';
import { buildWaterfall } from '../../admin/waterfall.ts';
import type { VerdictSummary } from '../../analysis/summary.ts';
import type { Settings } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';
import type { MirrorStatus } from '../../record/mirror-status.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import type { RunFolder } from '../../telemetry/run-folder.ts';
import { parseSettings, settingsAt } from '../../telemetry/settings-file.ts';
import { printable, printableLines } from '../printable.ts';
import { describeCandidate } from './candidate-line.ts';
import { AdminApi, findRunFolder, type InstanceOptions } from './instance.ts';
import { describeChange, renderSettings } from './settings.ts';
import { describeVerdict } from './verdict-line.ts';

/**
 * Prints the status of an instance: from its sockets, so that no process need be alive but those that are
 * asked; from the admin API where one is named.
 *
 * @returns the exit code: 1 where a sum does not hold or a process does not answer
 * @throws {UnderstudyError} `UND_STATUS_UNAVAILABLE` when no process answers
 */
export async function printStatus(
  options: InstanceOptions & { readonly json: boolean },
): Promise<number> {
  if (options.admin !== undefined) return printRemote(await AdminApi.find(options), options.json);
  const folder = await findRunFolder(options);
  const instance = await readInstance(folder);
  if (instance.processes.length === 0) {
    throw new UnderstudyError(
      'UND_STATUS_UNAVAILABLE',
      `No process answers in ${folder.path}: is "understudy serve" running, and is this its run ` +
        'folder (--run, --config)?',
    );
  }
  const missing = silentProcesses(instance);
  const waterfall = buildWaterfall(instance.gateways, instance.mirror);
  const settings = readSettings(folder);
  if (options.json) {
    const report = { processes: instance.processes, missing, settings, waterfall };
    process.stdout.write(`${toPrintableJson(report, 2)}\n`);
  } else {
    process.stdout.write(renderProcesses(instance, missing));
    if (settings !== null) process.stdout.write(printableLines([describeChange(settings)]));
    process.stdout.write(`\n${renderWaterfall(waterfall)}`);
  }
  return waterfall.ok && missing.length === 0 ? 0 : 1;
}

async function printRemote(api: AdminApi, json: boolean): Promise<number> {
  const report = await api.get<StatusReport>('/v1/status');
  if (json) process.stdout.write(`${toPrintableJson(report, 2)}\n`);
  else {
    const names = report.processes.map(({ name }) => name).join(', ');
    const offFile = report.mirror?.paused === 'mirror_off' ? 'mirror.off in its run folder' : '';
    const settings = renderSettings(report.settings, offFile);
    process.stdout.write(printableLines([`processes  ${names}`]) + settings);
    const lines = report.candidates.map(
      (candidate) => `candidate  ${candidate.name}  ${describeCandidate(candidate)}`,
    );
    process.stdout.write(printableLines(lines));
    process.stdout.write(`\n${renderWaterfall(report.waterfall)}`);
  }
  return report.waterfall.ok ? 0 : 1;
}

/** Processes that a supervisor keeps alive and that do not answer. */
function silentProcesses({ processes }: InstanceStatus): string[] {
  const answering = new Set(processes.map(({ name }) => name));
  const children = processes.flatMap((status) => status.children ?? []);
  return children.map(({ name }) => name).filter((name) => !answering.has(name));
}

function readSettings(folder: RunFolder): Settings | null {
  try {
    const settings = parseSettings(readFileSync(folder.settings, 'utf8'));
    return settings === null ? null : settingsAt(settings, Date.now());
  } catch {
    return null; // nobody has changed anything yet
  }
}

const ORDER = ['supervisor', 'gateway', 'mirror', 'admin', 'model'];

function renderProcesses(instance: InstanceStatus, missing: readonly string[]): string {
  const { processes, mirror } = instance;
  const candidates = mirror?.candidates.map(({ name }) => name) ?? [];
  const names = [...processes.map(({ name }) => name), ...missing, ...candidates, 'mirroring'];
  const width = Math.max(...names.map((name) => name.length));
  const line = (name: string, text: string) => printable(`${name.padEnd(width)}  ${text}`);
  const children = processes.flatMap((status) => status.children ?? []);
  const sorted = [...processes].sort(
    (a, b) => ORDER.indexOf(a.process) - ORDER.indexOf(b.process) || a.name.localeCompare(b.name),
  );
  const lines = sorted.map((status) => {
    const restarts = children.find(({ name }) => name === status.name)?.restarts ?? 0;
    const again = restarts === 0 ? '' : `, restarts ${restarts}`;
    return line(status.name, describeProcess(status, instance) + again);
  });
  for (const name of missing) lines.push(styleText('red', line(name, 'does not answer')));
  if (!processes.some((status) => status.process === 'supervisor')) {
    lines.push(styleText('yellow', 'no supervisor answers: nobody starts again what ends'));
  }
  if (mirror !== null) {
    lines.push(line('mirroring', describeMirroring(mirror)));
    for (const candidate of mirror.candidates) {
      lines.push(line(candidate.name, describeCandidate(candidate)));
    }
  }
  for (const verdict of verdictsOf(processes)) {
    lines.push(line('verdict', describeVerdict(verdict)));
  }
  const { error = '', message = '' } = mirror?.recorder.publisher ?? {};
  if (error !== '') lines.push(styleText('red', line('Kafka', `${error}: ${message}`)));
  for (const difference of mirror?.recorder.publisher?.differences ?? []) {
    lines.push(styleText('yellow', line('warning', `UND_KAFKA_TOPIC_DIFFERS: ${difference}`)));
  }
  return `${lines.join('\n')}\n`;
}

function verdictsOf(processes: readonly ProcessStatus[]): readonly VerdictSummary[] {
  const admin = processes.find(isAdminStatus);
  return admin?.analysis?.verdicts ?? [];
}

function isAdminStatus(status: ProcessStatus): status is AdminStatus {
  return status.process === 'admin';
}

function describeProcess(status: ProcessStatus, { gateways, mirror }: InstanceStatus): string {
  const parts = [`pid ${status.pid}`];
  const gateway = gateways.find(({ name }) => name === status.name);
  if (gateway !== undefined) {
    parts.push(`${gateway.connections.open} connections`, `wire ${gateway.wire.state}`);
    if (gateway.draining) parts.push('draining');
  }
  if (status.process === 'mirror' && mirror !== null) parts.push(...describeRecorder(mirror));
  if ('ready' in status && status.ready !== true) parts.push('not ready');
  if ('url' in status && status.url !== '') parts.push(String(status.url));
  if ('error' in status && status.error !== '') parts.push(String(status.error));
  return parts.join(', ');
}

function describeRecorder({ recorder }: MirrorStatus): string[] {
  const { state, error, committedPairs, publisher } = recorder;
  const parts = [
    error === '' ? state : `${state} (${error})`,
    `${committedPairs} pairs on disk since its start`,
  ];
  if (publisher !== null) {
    const fault = publisher.error === '' ? '' : ` (${publisher.error})`;
    parts.push(`Kafka ${publisher.state}${fault}, ${publisher.lag} behind`);
    if (publisher.heldDeadLetters > 0) parts.push(`${publisher.heldDeadLetters} dead letters`);
  }
  return parts;
}

function describeMirroring({ mirroring, paused, candidates }: MirrorStatus): string {
  if (!mirroring) return `off (${paused})`;
  const rates = candidates.map(({ name, rate }) => `${name} ${Number((rate * 100).toFixed(4))} %`);
  return `on: ${rates.join(', ')}`;
}

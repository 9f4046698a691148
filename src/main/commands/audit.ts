/** `understudy audit`: who changed what, when and why. */
import { resolve } from 'node:path';
import type { AuditEntry } from '../../admin/audit-log.ts';
import { type AuditPage, readAudit } from '../../admin/audit-reader.ts';
import type { SettingsState } from '../../config/types.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { printable } from '../printable.ts';
import { parseMoment } from './duration.ts';
import { AdminApi, findAdmin, findRunFolder, type InstanceOptions } from './instance.ts';

export interface AuditOptions extends InstanceOptions {
  /** `24h`, or a time in ISO 8601; everything where it is missing. */
  readonly since?: string;
  readonly json: boolean;
  /** Data folder, where there is no running instance to ask. */
  readonly data?: string;
}

/** Prints the audit, the oldest change first: from the data folder, or from the admin API where one is named. */
export async function printAudit(options: AuditOptions): Promise<void> {
  const sinceMs = options.since === undefined ? 0 : parseMoment(options.since, Date.now());
  const page = await read(options, sinceMs);
  if (options.json) {
    for (const entry of page.entries) process.stdout.write(`${toPrintableJson(entry)}\n`);
    return;
  }
  if (page.omitted > 0) process.stdout.write(`(${page.omitted} older changes are not shown)\n`);
  for (const entry of page.entries) process.stdout.write(`${describeEntry(entry)}\n`);
  if (page.entries.length === 0) process.stdout.write('nobody has changed anything\n');
  if (page.unreadable > 0) process.stdout.write(`(${page.unreadable} lines cannot be read)\n`);
}

async function read(options: AuditOptions, sinceMs: number): Promise<AuditPage> {
  if (options.data !== undefined) return readAudit(resolve(options.data), sinceMs);
  if (options.admin !== undefined) {
    const since = encodeURIComponent(new Date(sinceMs).toISOString());
    return (await AdminApi.find(options)).get<AuditPage>(`/v1/audit?since=${since}`);
  }
  if (options.config !== undefined) {
    const { loadConfig } = await import('../../config/load.ts');
    return readAudit(loadConfig(options.config).dataDir, sinceMs);
  }
  return readAudit((await findAdmin(await findRunFolder(options))).dataDir, sinceMs);
}

/** One change in a line; what operators wrote cannot drive the terminal. */
export function describeEntry(entry: AuditEntry): string {
  const { at, by, how, remote, version, from, to, reason } = entry;
  const until = (entry.until ?? '') === '' ? '' : `, until ${entry.until}`;
  const where = remote === '' ? '' : ` from ${remote}`;
  const what = entry.what ?? (differences(from, to).join(', ') || 'nothing');
  const line = `${at}  ${how}  version ${version}: ${what}${until}  by ${by}${where}: ${reason}`;
  return printable(line);
}

function differences(from: SettingsState, to: SettingsState): string[] {
  const found: string[] = [];
  if (from.enabled !== to.enabled) found.push(`mirroring ${to.enabled ? 'on' : 'off'}`);
  for (const [key, word] of [
    ['rates', 'rate'],
    ['requestsPerSecond', 'cap'],
  ] as const) {
    // Lines of earlier versions know no caps.
    const [old, now] = [from[key] ?? {}, to[key] ?? {}];
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (old[name] === now[name]) continue;
      found.push(
        `${word} of ${name} ${old[name] ?? 'as configured'} → ${now[name] ?? 'as configured'}`,
      );
    }
  }
  return found;
}

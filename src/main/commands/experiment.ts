/** `understudy experiment`: attempts of candidates, started and closed by hand. */
import type { AttemptRow } from '../../analysis/analysis-messages.ts';
import { toPrintableJson } from '../../telemetry/printable-json.ts';
import { printableLines } from '../printable.ts';
import { AdminApi, type InstanceOptions } from './instance.ts';

export interface ExperimentOptions extends InstanceOptions {
  readonly candidate: string;
  readonly reason: string;
}

/** Prints attempts, oldest first. */
export async function listExperiments(
  options: InstanceOptions & { readonly json: boolean },
): Promise<void> {
  const rows = await (await AdminApi.find(options)).get<readonly AttemptRow[]>('/v1/experiments');
  if (options.json) process.stdout.write(`${toPrintableJson(rows, 2)}\n`);
  else if (rows.length === 0) process.stdout.write('no attempt has been started yet\n');
  else process.stdout.write(printableLines(rows.map(describeAttempt)));
}

/** Starts a new attempt, or closes the present one. @throws {UnderstudyError} as `rate set` */
export async function changeExperiment(
  action: 'start' | 'close',
  { candidate, reason, ...options }: ExperimentOptions,
): Promise<void> {
  const api = await AdminApi.find(options);
  const body = { action, candidate, reason };
  const rows = await api.post<readonly AttemptRow[]>('/v1/experiments', body);
  const row = rows.findLast((each) => each.candidate === candidate);
  if (row !== undefined) process.stdout.write(printableLines([describeAttempt(row)]));
}

function describeAttempt(row: AttemptRow): string {
  const { experiment, candidate, attempt, hash, profile, startedAt, startedBy, reason } = row;
  const end = row.closedAt === '' ? 'open' : `closed ${row.closedAt}: ${row.closedReason}`;
  const how = profile === 'demo' ? ', profile demo' : '';
  return `${experiment}  ${candidate}  attempt ${attempt}  plan ${hash}${how}  started ${startedAt} by ${startedBy}: ${reason}  ${end}`;
}

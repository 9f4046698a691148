/** `understudy rate get|set` and `understudy mirror on|off`, over the admin API. */
import type { Settings } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';
import { AdminApi, type InstanceOptions } from './instance.ts';

/** A rate as operators write it: `0.25`, or `25%`. */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  const rate = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (rate >= 0 && rate <= 1) return rate;
  throw new UnderstudyError('UND_USAGE', `A rate is 0 to 1 or 0% to 100%, not ${text}.`);
}

/** Prints what is in force. */
export async function getRate(options: InstanceOptions): Promise<void> {
  const api = await AdminApi.find(options);
  print(await api.get<Settings>('/v1/settings'));
}

/** Sets the rate of one candidate, or of all, and prints what is in force then. */
export async function setRate(
  text: string,
  options: InstanceOptions & { readonly reason: string; readonly candidate?: string },
): Promise<void> {
  const rate = parseRate(text);
  const api = await AdminApi.find(options);
  const before = await api.get<Settings>('/v1/settings');
  const names = options.candidate === undefined ? Object.keys(before.rates) : [options.candidate];
  const rates = Object.fromEntries(names.map((name) => [name, rate]));
  print(await api.change<Settings>({ rates, reason: options.reason }));
}

/** Switches mirroring, and prints what is in force then. */
export async function setMirror(
  enabled: boolean,
  options: InstanceOptions & { readonly reason: string },
): Promise<void> {
  const api = await AdminApi.find(options);
  print(await api.change<Settings>({ enabled, reason: options.reason }));
}

function print(settings: Settings): void {
  process.stdout.write(renderSettings(settings));
}

/** Settings in words, a line each. */
export function renderSettings(settings: Settings): string {
  const { enabled, rates } = settings;
  const lines = [`mirroring  ${enabled ? 'on' : 'off'}`];
  for (const [name, rate] of Object.entries(rates)) {
    lines.push(`rate       ${name}  ${rate}  (${Number((rate * 100).toFixed(4))} %)`);
  }
  return `${[...lines, describeChange(settings)].join('\n')}\n`;
}

/** Who made them what they are, when and why: one line. */
export function describeChange({ version, changed }: Settings): string {
  const by =
    changed === null ? 'as configured' : `${changed.at} by ${changed.by}: ${changed.reason}`;
  return `settings   version ${version}, ${by}`;
}

/** `understudy rate get|set|cap|undo` and `understudy mirror on|off`, over the admin API. */
import { existsSync } from 'node:fs';
import { LIMITS } from '../../config/defaults.ts';
import type { Settings } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';
import { printableLines } from '../printable.ts';
import { parseDuration } from './duration.ts';
import { AdminApi, findRunFolder, type InstanceOptions } from './instance.ts';

/** What each change says besides itself. */
export interface ChangeOptions extends InstanceOptions {
  readonly reason: string;
  /** `30m`: how long the change is in force. For good where it is missing. */
  readonly for?: string;
  /** Of this candidate; of all where it is missing. */
  readonly candidate?: string;
}

/** A rate as operators write it: `0.25`, or `25%`. */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text.trim());
  const rate = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (rate >= 0 && rate <= 1) return rate;
  throw new UnderstudyError('UND_USAGE', `A rate is 0 to 1 or 0% to 100%, not ${text}.`);
}

/** A cap as operators write it: `100`, `100/s`, or `none`. */
export function parseCap(text: string): number {
  if (text.trim() === 'none') return 0;
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(?:\/s)?$/.exec(text.trim());
  const cap = Number(match?.[1] ?? Number.NaN);
  if (cap > 0 && cap <= LIMITS.requestsPerSecond) return cap;
  throw new UnderstudyError('UND_USAGE', `A cap is a number a second, or none, not ${text}.`);
}

/** Prints what is in force. */
export async function getRate(options: InstanceOptions): Promise<void> {
  const api = await AdminApi.find(options);
  await print(await api.get<Settings>('/v1/settings'), options);
}

/** Sets the rate of one candidate, or of all, and prints what is in force then. */
export async function setRate(text: string, options: ChangeOptions): Promise<void> {
  const rate = parseRate(text);
  await change(options, (names) => ({ rates: toEach(names, rate) }));
}

/** Sets the cap of copies a second of one candidate, or of all, and prints what is in force then. */
export async function setCap(text: string, options: ChangeOptions): Promise<void> {
  const cap = parseCap(text);
  await change(options, (names) => ({ requestsPerSecond: toEach(names, cap) }));
}

/** Puts back what was in force before the last change, and prints what is in force then. */
export async function undoChange(options: Omit<ChangeOptions, 'candidate'>): Promise<void> {
  await change(options, () => ({ undo: true }));
}

/** Switches mirroring, and prints what is in force then. */
export async function setMirror(
  enabled: boolean,
  options: Omit<ChangeOptions, 'candidate'>,
): Promise<void> {
  try {
    await change(options, () => ({ enabled }));
  } catch (error) {
    const isDown = error instanceof UnderstudyError && error.code === 'UND_ADMIN_UNREACHABLE';
    if (enabled || !isDown) throw error;
    const file = options.admin === undefined ? (await findRunFolder(options)).mirrorOff : null;
    const how = file === null ? 'the file mirror.off in its run folder' : `touch ${file}`;
    throw new UnderstudyError(error.code, `${error.message} Without it: ${how} stops all copies.`);
  }
}

/** Decides on what is in force, and changes that and nothing else: a change in between is refused with 412. */
async function change(
  options: ChangeOptions,
  patchFor: (candidates: readonly string[]) => object,
): Promise<void> {
  const ttl = options.for === undefined ? {} : { ttlMs: parseDuration(options.for) };
  const api = await AdminApi.find(options);
  const before = await api.get<Settings>('/v1/settings');
  const names = options.candidate === undefined ? Object.keys(before.rates) : [options.candidate];
  const patch = { ...patchFor(names), ...ttl, reason: options.reason };
  await print(await api.change<Settings>(patch, before.version), options);
}

function toEach(names: readonly string[], value: number): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** The file `mirror.off` is seen where the instance is on this machine. */
async function print(settings: Settings, options: InstanceOptions): Promise<void> {
  const file = options.admin === undefined ? (await findRunFolder(options)).mirrorOff : '';
  process.stdout.write(renderSettings(settings, file !== '' && existsSync(file) ? file : ''));
}

/**
 * Settings in words, a line each.
 *
 * @param offFile - the file that stops mirroring whatever the switch says; empty: it is not there
 */
export function renderSettings(settings: Settings, offFile = ''): string {
  const { enabled, rates, requestsPerSecond } = settings;
  const file = `off, whatever the switch says (${enabled ? 'on' : 'off'}): remove ${offFile} to end that`;
  const lines = [`mirroring  ${offFile !== '' ? file : enabled ? 'on' : 'off'}`];
  for (const [name, rate] of Object.entries(rates)) {
    lines.push(`rate       ${name}  ${rate}  (${Number((rate * 100).toFixed(4))} %)`);
  }
  for (const [name, cap] of Object.entries(requestsPerSecond)) {
    if (cap > 0) lines.push(`cap        ${name}  ${cap} copies a second`);
  }
  return printableLines([...lines, describeChange(settings)]);
}

/** Who made them what they are, when and why, and until when: one line. */
export function describeChange({ version, changed, expiry }: Settings): string {
  const by =
    changed === null ? 'as configured' : `${changed.at} by ${changed.by}: ${changed.reason}`;
  const until = expiry === null ? '' : `; until ${expiry.at}`;
  return `settings   version ${version}, ${by}${until}`;
}

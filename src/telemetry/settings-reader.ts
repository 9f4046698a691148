/**
 * The run-time settings as a process sees them: `settings.json` and `mirror.off` of the run folder, looked
 * at every LIMITS.settingsPollMs. Nobody has to be alive for that.
 *
 * Two `stat` calls a look, synchronous on purpose (about 5 µs on a local folder): asynchronous ones wait
 * in libuv's thread pool behind name look-ups, and four hung look-ups would hold back `mirror.off`.
 */
import { readFileSync, statSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';
import type { Config, Settings } from '../config/types.ts';
import type { RunFolder } from './run-folder.ts';

/** Where a malformed file is told of. */
export interface SettingsLog {
  warn(message: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
}

/** No stamp of a file. */
const UNREADABLE = 'unreadable';

export class SettingsReader {
  readonly #folder: RunFolder;
  readonly #config: Pick<Config, 'mirror' | 'candidates'>;
  readonly #log: SettingsLog | undefined;
  readonly #listeners = new Set<() => void>();
  #settings: Settings;
  #mirrorOff = false;
  #stamp = '';
  #malformed = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param log - told once for each malformed file, at `warn` */
  constructor(folder: RunFolder, config: Pick<Config, 'mirror' | 'candidates'>, log?: SettingsLog) {
    this.#folder = folder;
    this.#config = config;
    this.#log = log;
    this.#settings = configuredSettings(config);
  }

  /** Looks now, and again every LIMITS.settingsPollMs with an unref'd timer. */
  start(): void {
    this.#look();
    this.#timer ??= setInterval(() => this.#look(), LIMITS.settingsPollMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Version 0 and the configuration's values until there is a file; then the last good file's. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Why nothing is mirrored; `''` while mirroring is on. The file wins over the switch. */
  get paused(): '' | 'operator' | 'mirror_off' {
    if (this.#mirrorOff) return 'mirror_off';
    return this.#settings.enabled ? '' : 'operator';
  }

  /** Files that could not be used since the start; the settings before them stay in force. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Rate of a candidate, 0 to 1: as set, else as configured; 0 for one that is not configured. */
  rateOf(candidate: string): number {
    const { rates } = this.#settings;
    if (Object.hasOwn(rates, candidate)) return rates[candidate] ?? 0;
    return this.#config.candidates.find(({ name }) => name === candidate)?.rate ?? 0;
  }

  /** Calls after each change of settings or of `paused`. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #look(): void {
    const paused = this.paused;
    const before = this.#settings;
    this.#lookAtMirrorOff();
    this.#lookAtSettings();
    if (before === this.#settings && paused === this.paused) return;
    for (const listener of this.#listeners) listener();
  }

  #lookAtMirrorOff(): void {
    try {
      this.#mirrorOff = statSync(this.#folder.mirrorOff, { throwIfNoEntry: false }) !== undefined;
    } catch {
      // The folder cannot be looked into: what was known stays.
    }
  }

  #lookAtSettings(): void {
    try {
      const stat = statSync(this.#folder.settings, { throwIfNoEntry: false });
      if (stat === undefined) return; // removed: an operator's "off" must not turn into "on"
      const stamp = `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
      if (stamp === this.#stamp) return;
      const settings =
        stat.size <= LIMITS.settingsBytes
          ? parseSettings(readFileSync(this.#folder.settings, 'utf8'))
          : null;
      this.#stamp = stamp;
      if (settings === null) this.#reject();
      else this.#settings = settings;
    } catch {
      // No descriptor left, say: it is read at the next look, whether or not it has changed by then.
      if (this.#stamp !== UNREADABLE) this.#reject();
      this.#stamp = UNREADABLE;
    }
  }

  #reject(): void {
    this.#malformed += 1;
    this.#log?.warn('settings.json cannot be used; the settings before it stay in force', {
      code: 'UND_SETTINGS_MALFORMED',
      settings_version: this.#settings.version,
    });
  }
}

/** Settings while nobody has changed any: version 0, switch and rates of the configuration. */
export function configuredSettings(config: Pick<Config, 'mirror' | 'candidates'>): Settings {
  const rates: Record<string, number> = Object.create(null);
  for (const { name, rate } of config.candidates) rates[name] = rate;
  return { version: 0, enabled: config.mirror.enabled, rates, changed: null };
}

/**
 * Reads a settings file.
 *
 * @returns `null` for anything but an object of known keys with values in range
 */
export function parseSettings(text: string): Settings | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { version, enabled, changed } = value;
  if (typeof version !== 'number' || !Number.isInteger(version)) return null;
  if (version < 0 || version > LIMITS.settingsVersionMax) return null;
  if (typeof enabled !== 'boolean') return null;
  const rates = parseRates(value.rates);
  if (rates === null) return null;
  if (changed === null) return { version, enabled, rates, changed };
  if (!isRecord(changed)) return null;
  const { at, by, reason } = changed;
  if (typeof at !== 'string' || typeof by !== 'string' || typeof reason !== 'string') return null;
  return { version, enabled, rates, changed: { at, by, reason } };
}

function parseRates(value: unknown): Record<string, number> | null {
  if (!isRecord(value)) return null;
  const rates: Record<string, number> = Object.create(null);
  for (const [name, rate] of Object.entries(value)) {
    if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1)) return null;
    rates[name] = rate;
  }
  return rates;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

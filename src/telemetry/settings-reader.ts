/**
 * The run-time settings as a process sees them: `settings.json` and `mirror.off` of the run folder, looked
 * at every LIMITS.settingsPollMs, and the end of a change that was made for a time. Nobody has to be alive for
 * that.
 *
 * Two `stat` calls a look, synchronous on purpose (about 5 µs on a local folder): asynchronous ones wait
 * in libuv's thread pool behind name look-ups, and four hung look-ups would hold back `mirror.off`.
 */
import { readFileSync, statSync } from 'node:fs';
import { LIMITS } from '../config/defaults.ts';
import type { Config, Settings } from '../config/types.ts';
import { wallMs } from './clock.ts';
import type { RunFolder } from './run-folder.ts';
import { configuredSettings, parseSettings, settingsAt } from './settings-file.ts';

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
  /** As read. */
  #file: Settings;
  /** In force: the file's, or what its expiry names. */
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
    this.#file = configuredSettings(config);
    this.#settings = this.#file;
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

  /** Version 0 and the configuration's values until there is a file; then what is in force of the last good one. */
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

  /** Cap of copies a second of a candidate: as set, else as configured; 0: none. */
  requestsPerSecondOf(candidate: string): number {
    const { requestsPerSecond } = this.#settings;
    if (Object.hasOwn(requestsPerSecond, candidate)) return requestsPerSecond[candidate] ?? 0;
    const own = this.#config.candidates.find(({ name }) => name === candidate);
    return own?.maxRequestsPerSecond ?? 0;
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
    // Once it has expired a change stays so, even where the clock goes back.
    if (this.#settings === this.#file) this.#settings = settingsAt(this.#file, wallMs());
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
      else {
        this.#file = settings;
        this.#settings = settings;
      }
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

/**
 * The run-time settings: `settings.json` in the data folder is the truth, and survives a run folder on a
 * temporary file system; the same file in the run folder is what all processes read.
 *
 * Invariants: the version counts up with each change; nothing is in force that is not in the audit file, but
 * the end of a change that was made for a time, which its own line has announced; a reader sees the old file or the new one, whole. All steps are synchronous, so changes of one
 * admin process cannot overtake each other, and no other process writes these files.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config, Settings, SettingsState } from '../config/types.ts';
import { UnderstudyError } from '../errors.ts';
import { toPrintableJson } from '../telemetry/printable-json.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import { isFileError } from '../telemetry/secret-file.ts';
import {
  configuredSettings,
  parseSettings,
  settingsAt,
  stateOf,
} from '../telemetry/settings-file.ts';
import { AUDIT_FILE, type AuditEntry, appendAudit } from './audit-log.ts';
import type { SettingsPatch } from './settings-patch.ts';

/** Who asks for a change. */
export interface Operator {
  readonly by: string;
  readonly remote: string;
}

export class SettingsStore {
  readonly #kept: string;
  readonly #published: string;
  readonly #audit: string;
  #settings: Settings;

  /**
   * Takes up what was kept, and sees to it that the run folder has it.
   *
   * @throws {UnderstudyError} `UND_SETTINGS_WRITE` when the folders cannot be read or written
   */
  constructor(config: Pick<Config, 'mirror' | 'candidates' | 'dataDir'>, folder: RunFolder) {
    this.#kept = join(config.dataDir, 'settings.json');
    this.#published = folder.settings;
    this.#audit = join(config.dataDir, AUDIT_FILE);
    this.#settings = configuredSettings(config);
    try {
      const kept = readSettings(this.#kept);
      if (kept !== null) this.#settings = kept;
      else if (existsSync(this.#kept) && readSettings(this.#published) === null) {
        throw new Error('it is damaged, and there is no other: mend or remove it');
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UnderstudyError('UND_SETTINGS_WRITE', `Cannot read ${this.#kept}: ${why}.`, {
        cause,
      });
    }
    this.reconcile();
  }

  /** What is in force now. */
  get settings(): Settings {
    return settingsAt(this.#settings, Date.now());
  }

  /**
   * Makes a change: audited, on disk, and in the run folder when this returns.
   *
   * @param ifVersion - the version the operator has seen; `null`: any
   * @throws {UnderstudyError} `UND_SETTINGS_CONFLICT` another version is in force;
   * `UND_SETTINGS_UNDO` there is no change to undo; `UND_SETTINGS_WRITE` it cannot be written: nothing has
   * changed
   */
  change(patch: SettingsPatch, operator: Operator, ifVersion: number | null = null): Settings {
    const from = this.#settle();
    if (ifVersion !== null && ifVersion !== from.version) {
      throw new UnderstudyError(
        'UND_SETTINGS_CONFLICT',
        `Version ${from.version} is in force, not ${ifVersion}.`,
      );
    }
    const now = Date.now();
    const at = new Date(now).toISOString();
    const { by, remote } = operator;
    const { reason, ttlMs } = patch;
    const expiry =
      ttlMs === undefined
        ? null
        : { at: new Date(now + ttlMs).toISOString(), to: from.expiry?.to ?? stateOf(from) };
    const to: Settings = {
      // A version that the end of the last change has been promised is not given to another.
      version: from.version + (from.expiry === null ? 1 : 2),
      ...nextState(from, patch),
      changed: { at, by, reason },
      expiry,
      previous: stateOf(from),
    };
    this.#write({ ...entryOf(from, to), at, by, how: 'api', remote, reason }, to);
    return to;
  }

  /**
   * Tells in the audit what an operator does that is no change of settings, before it is done.
   *
   * @param how - `failed`: it could not be done, after all
   * @throws {UnderstudyError} `UND_SETTINGS_WRITE`
   */
  note(what: string, how: 'api' | 'failed', by: Operator & { readonly reason: string }): void {
    const now = this.settings;
    const at = new Date().toISOString();
    try {
      appendAudit(this.#audit, { ...entryOf(now, now), until: '', at, how, ...by, what });
    } catch (cause) {
      const message = 'The audit cannot be written, so nothing is done.';
      throw new UnderstudyError('UND_SETTINGS_WRITE', message, { cause });
    }
  }

  /**
   * Mends the run folder: a file that is missing, broken or older is written again. One with a higher
   * version was written by hand while no admin was there: it is in force, so it is taken over. A change whose
   * time is over is ended here, too, under the version that gateway and mirror have given its end already.
   *
   * @throws {UnderstudyError} `UND_SETTINGS_WRITE`
   */
  reconcile(): void {
    try {
      const published = readSettings(this.#published);
      if (published !== null && published.version > this.#settings.version) {
        const at = new Date().toISOString();
        const by = published.changed?.by.slice(0, 100) ?? 'unknown';
        const reason = published.changed?.reason.slice(0, 500) ?? '';
        const entry = entryOf(this.#settings, published);
        appendAudit(this.#audit, { ...entry, at, by, how: 'file', remote: '', reason });
        keepFile(this.#kept, published);
        this.#settings = published;
      } else if (this.#settings.version > 0 && published?.version !== this.#settings.version) {
        replaceFile(this.#published, this.#settings);
      }
    } catch (cause) {
      throw new UnderstudyError('UND_SETTINGS_WRITE', 'Cannot mend the settings files.', { cause });
    }
    this.#settle();
  }

  /** Writes the end of a change whose time is over. @returns what is in force */
  #settle(): Settings {
    const from = this.#settings;
    const to = settingsAt(from, Date.now());
    if (to === from) return from;
    const { by = '', reason = '' } = to.changed ?? {};
    const at = new Date().toISOString();
    this.#write({ ...entryOf(from, to), at, by, how: 'expired', remote: '', reason }, to);
    return to;
  }

  #write(entry: AuditEntry, to: Settings): void {
    const from = this.#settings;
    let audited = false;
    try {
      appendAudit(this.#audit, entry);
      audited = true;
      keepFile(this.#kept, to);
      replaceFile(this.#published, to);
      this.#settings = to;
    } catch (cause) {
      if (audited) this.#takeBack(entry, from);
      throw new UnderstudyError(
        'UND_SETTINGS_WRITE',
        'The change could not be written, so it is not in force. Without admin, mirror.off stops mirroring.',
        { cause },
      );
    }
  }

  #takeBack(entry: AuditEntry, from: Settings): void {
    try {
      appendAudit(this.#audit, { ...entry, how: 'failed', at: new Date().toISOString() });
      if (from.version > 0) keepFile(this.#kept, from);
      else rmSync(this.#kept, { force: true });
    } catch {
      // The folder is not writable: the caller is told so, and nothing is in force.
    }
  }
}

function nextState(from: Settings, patch: SettingsPatch): SettingsState {
  if (patch.undo !== true) {
    return {
      enabled: patch.enabled ?? from.enabled,
      rates: { ...from.rates, ...patch.rates },
      requestsPerSecond: { ...from.requestsPerSecond, ...patch.requestsPerSecond },
    };
  }
  // What was before a change for a time may have been for a time, too: undone is what would come back.
  const before = from.expiry?.to ?? from.previous;
  if (before === null) {
    throw new UnderstudyError('UND_SETTINGS_UNDO', 'Nobody has changed anything yet.');
  }
  return before;
}

function entryOf(
  from: Settings,
  to: Settings,
): Pick<AuditEntry, 'version' | 'from' | 'to' | 'until'> {
  const { version } = to;
  return { version, from: stateOf(from), to: stateOf(to), until: to.expiry?.at ?? '' };
}

/** @returns `null` where there is no file, or none that can be used */
function readSettings(path: string): Settings | null {
  try {
    return parseSettings(readFileSync(path, 'utf8'));
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return null;
    throw error;
  }
}

/**
 * Old or new, never in between: written beside, synced, renamed. Last step in the run folder, so that a change
 * which has failed is in force nowhere; what a power failure takes of it is written again from the kept file.
 */
function replaceFile(path: string, settings: Settings): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, 'w', 0o600);
  try {
    writeFileSync(fd, `${toPrintableJson(settings)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
}

/** The kept file survives a power failure, its name too. */
function keepFile(path: string, settings: Settings): void {
  replaceFile(path, settings);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Who changed what, when and why: `audit.ndjson` in the data folder, one line of JSON a change. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import type { SettingsState } from '../config/types.ts';
import { toPrintableJson } from '../telemetry/printable-json.ts';

const LINE_FEED = 0x0a;

/** Its name in the data folder. */
export const AUDIT_FILE = 'audit.ndjson';

export interface AuditEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  /**
   * `api`; `file` when a settings file changed by hand was taken over; `expired` at the end of a change that
   * was made for a time; `command` by a command on the data folder, with no instance; `failed` takes back a line.
   */
  readonly how: 'api' | 'file' | 'expired' | 'command' | 'failed';
  /** Address it came from; empty where there is none. */
  readonly remote: string;
  /** Version that the change makes. */
  readonly version: number;
  readonly from: SettingsState;
  readonly to: SettingsState;
  /** When `from` comes back by itself, ISO 8601, UTC; empty: the change is for good. */
  readonly until: string;
  readonly reason: string;
  /** What was done, where it was no change of settings: `attempt start of next`. Then `from` is `to`. */
  readonly what?: string;
}

/**
 * Appends one line, on disk whole when this returns, or not at all when it throws. Nothing is ever rewritten. A
 * file of LIMITS.auditBytes is set aside first, as `audit.ndjson.1`; of those set aside the newest
 * LIMITS.auditFiles are kept.
 *
 * @throws {Error} of the system call that failed
 */
export function appendAudit(path: string, entry: AuditEntry): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size >= LIMITS.auditBytes) setAside(path);
  const fd = openSync(path, 'a+', 0o600);
  try {
    const end = fstatSync(fd).size;
    try {
      // What a machine that lost power has left of a line must not take this one along.
      const start = isLineOpen(fd, end) ? '\n' : '';
      // Writes all of it or throws: a disk that is nearly full takes the first bytes without an error.
      writeFileSync(fd, `${start}${toPrintableJson(entry)}\n`);
      fsyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, end);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}

function isLineOpen(fd: number, end: number): boolean {
  const last = Buffer.alloc(1);
  return end > 0 && readSync(fd, last, 0, 1, end - 1) === 1 && last[0] !== LINE_FEED;
}

/**
 * Tells what a command does to a data folder whose instance does not run.
 *
 * @throws {Error} of the system call that failed
 */
export function auditCommand(
  dataDir: string,
  { what, by, reason }: Pick<AuditEntry, 'by' | 'reason'> & { readonly what: string },
): void {
  const nothing: SettingsState = { enabled: true, rates: {}, requestsPerSecond: {} };
  const of = { version: 0, from: nothing, to: nothing, until: '', remote: '' };
  const at = new Date().toISOString();
  appendAudit(join(dataDir, AUDIT_FILE), { ...of, at, by, how: 'command', reason, what });
}

/** From the oldest on, so that at no moment one is lost that is to be kept. */
function setAside(path: string): void {
  for (let age: number = LIMITS.auditFiles; age >= 1; age--) {
    const from = age === 1 ? path : `${path}.${age - 1}`;
    if (existsSync(from)) renameSync(from, `${path}.${age}`);
  }
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

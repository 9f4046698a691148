/** Who changed what, when and why: `audit.ndjson` in the data folder, one line of JSON a change. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Settings } from '../config/types.ts';

export interface AuditEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  /** `api`; `file` when a settings file changed by hand was taken over; `failed` takes back a line. */
  readonly how: 'api' | 'file' | 'failed';
  /** Address it came from; empty where there is none. */
  readonly remote: string;
  /** Version that the change makes. */
  readonly version: number;
  readonly from: Pick<Settings, 'enabled' | 'rates'>;
  readonly to: Pick<Settings, 'enabled' | 'rates'>;
  readonly reason: string;
}

/**
 * Appends one line, on disk when this returns. Nothing is ever rewritten. The file grows by about 300
 * bytes a change, and changes are made by people.
 *
 * @throws {Error} of the system call that failed
 */
export function appendAudit(path: string, entry: AuditEntry): void {
  const fd = openSync(path, 'a', 0o600);
  try {
    writeSync(fd, `${JSON.stringify(entry)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

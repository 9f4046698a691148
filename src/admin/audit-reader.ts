/** Reads the audit file again: who changed what, when and why. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { AUDIT_FILE, type AuditEntry } from './audit-log.ts';

/** What of the audit is shown. */
export interface AuditPage {
  /** The oldest first. */
  readonly entries: readonly AuditEntry[];
  /** Older ones that are not shown, since a page holds LIMITS.auditEntries. */
  readonly omitted: number;
  /** Lines that are no entries: a machine that lost power, a hand that edited the file. */
  readonly unreadable: number;
}

/**
 * @param dataDir - the data folder; files that were rotated away are read, too
 * @param sinceMs - Unix ms: only changes from then on
 * @throws {UnderstudyError} `UND_AUDIT_READ`
 */
export function readAudit(dataDir: string, sinceMs: number): AuditPage {
  const entries: AuditEntry[] = [];
  let unreadable = 0;
  try {
    for (const file of filesIn(dataDir)) {
      for (const line of readFileSync(join(dataDir, file), 'utf8').split('\n')) {
        if (line === '') continue;
        const entry = parseEntry(line);
        if (entry === null) unreadable += 1;
        else if (Date.parse(entry.at) >= sinceMs) entries.push(entry);
      }
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UnderstudyError('UND_AUDIT_READ', `The audit cannot be read: ${why}.`, { cause });
  }
  // Stable, so that changes of the same millisecond keep their order.
  entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const omitted = Math.max(0, entries.length - LIMITS.auditEntries);
  return { entries: entries.slice(omitted), omitted, unreadable };
}

function filesIn(dataDir: string): string[] {
  return readdirSync(dataDir)
    .filter((name) => name.startsWith(AUDIT_FILE))
    .sort()
    .reverse();
}

function parseEntry(line: string): AuditEntry | null {
  try {
    const entry = JSON.parse(line) as AuditEntry;
    return Number.isNaN(Date.parse(entry.at)) ? null : entry;
  } catch {
    return null;
  }
}

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AUDIT_FILE, type AuditEntry, appendAudit } from '../../src/admin/audit-log.ts';
import { readAudit } from '../../src/admin/audit-reader.ts';
import { LIMITS } from '../../src/config/defaults.ts';
import { tempFolder } from '../support/temp-folder.ts';

const STATE = { enabled: true, rates: {}, requestsPerSecond: {} };
const entryOf = (version: number, reason = 'r'): AuditEntry => ({
  at: new Date(1_700_000_000_000 + version).toISOString(),
  by: 'ann',
  how: 'api',
  remote: '127.0.0.1',
  version,
  from: STATE,
  to: STATE,
  until: '',
  reason,
});

test('a full file is set aside, the newest are kept, and the audit reads all of them in order', () => {
  const folder = tempFolder();
  const path = join(folder, AUDIT_FILE);
  const files = LIMITS.auditFiles + 3;
  for (let version = 1; version <= files; version++) {
    appendAudit(path, entryOf(version));
    // As many changes would: a line of spaces is no entry, and counts as one that cannot be read.
    const padding = ' '.repeat(LIMITS.auditBytes - statSync(path).size - 1);
    writeFileSync(path, `${padding}\n`, { flag: 'a' });
  }
  const names = readdirSync(folder).sort();
  const aside = Array.from({ length: LIMITS.auditFiles }, (_, i) => `${AUDIT_FILE}.${i + 1}`);
  expect(names).toEqual([AUDIT_FILE, ...aside]);
  const { entries, omitted } = readAudit(folder, 0);
  const newest = Array.from({ length: LIMITS.auditFiles + 1 }, (_, i) => i + 3);
  expect(entries.map(({ version }) => version)).toEqual(newest);
  expect(omitted).toBe(0);
});

test('a file below its limit stays as it is, and a line is whole', () => {
  const folder = tempFolder();
  const path = join(folder, AUDIT_FILE);
  for (let version = 1; version <= 100; version++)
    appendAudit(path, entryOf(version, 'x'.repeat(500)));
  expect(existsSync(`${path}.1`)).toBe(false);
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(100);
});

test('what is left of a line takes no later one along', () => {
  const folder = tempFolder();
  const path = join(folder, AUDIT_FILE);
  appendAudit(path, entryOf(1));
  writeFileSync(path, '{"at":"2026-', { flag: 'a' });
  appendAudit(path, entryOf(2));
  const { entries, unreadable } = readAudit(folder, 0);
  expect(entries.map(({ version }) => version)).toEqual([1, 2]);
  expect(unreadable).toBe(1);
});

/** A disk of 64 KiB of its own; undefined where we may not mount one. */
function smallDisk(): string | undefined {
  const folder = tempFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

test('on a disk that has room for a part of a line, none is written and the change is refused', (context) => {
  const folder = smallDisk();
  if (folder === undefined) return context.skip('may not mount');
  const path = join(folder, AUDIT_FILE);
  let version = 0;
  const fill = () => {
    for (version = 1; version < 1_000; version++) appendAudit(path, entryOf(version));
  };
  expect(fill).toThrow(/ENOSPC/);
  const text = readFileSync(path, 'utf8');
  expect(text.endsWith('}\n')).toBe(true);
  const { entries, unreadable } = readAudit(folder, 0);
  expect(unreadable).toBe(0);
  expect(entries.at(-1)?.version).toBe(version - 1);
});

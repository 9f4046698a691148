import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

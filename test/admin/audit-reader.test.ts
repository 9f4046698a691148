import { appendFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AuditEntry, appendAudit } from '../../src/admin/audit-log.ts';
import { readAudit } from '../../src/admin/audit-reader.ts';
import { LIMITS } from '../../src/config/defaults.ts';
import { tempFolder } from '../support/temp-folder.ts';

function entry(version: number): AuditEntry {
  const state = { enabled: true, rates: {}, requestsPerSecond: {} };
  const at = new Date(Date.UTC(2026, 0, 1) + version).toISOString();
  const rest = { by: 'kim', how: 'api', remote: '', until: '', reason: 'x' } as const;
  return { at, version, from: state, to: state, ...rest };
}

describe('readAudit', () => {
  it('reads all files, the oldest change first, and says what it cannot read', () => {
    const folder = tempFolder();
    const path = join(folder, 'audit.ndjson');
    appendAudit(path, entry(1));
    renameSync(path, `${path}.1`);
    appendAudit(path, entry(2));
    appendFileSync(path, '{"at":"2026-01-');
    const page = readAudit(folder, 0);
    expect(page.entries.map(({ version }) => version)).toEqual([1, 2]);
    expect(page).toMatchObject({ omitted: 0, unreadable: 1 });
    expect(readAudit(folder, Date.UTC(2026, 0, 1) + 2).entries).toHaveLength(1);
  });

  it('shows the newest where there are many, and says how many it leaves out', () => {
    const folder = tempFolder();
    const lines = Array.from({ length: LIMITS.auditEntries + 5 }, (_, i) =>
      JSON.stringify(entry(i)),
    );
    appendFileSync(join(folder, 'audit.ndjson'), `${lines.join('\n')}\n`);
    const page = readAudit(folder, 0);
    expect(page.omitted).toBe(5);
    expect(page.entries.at(0)?.version).toBe(5);
  });

  it('says so where there is no such folder', () => {
    expect(() => readAudit(join(tempFolder(), 'nothing'), 0)).toThrowError(
      expect.objectContaining({ code: 'UND_AUDIT_READ' }),
    );
  });
});

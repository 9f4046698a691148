import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../../src/config/defaults.ts';
import type { HeaderConfig } from '../../../src/config/types.ts';
import { OperatorHeaders } from '../../../src/mirror/candidates/operator-headers.ts';
import type { LogFields } from '../../../src/telemetry/log-lines.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

function read(headers: HeaderConfig[]): { operators: OperatorHeaders; warnings: LogFields[] } {
  const warnings: LogFields[] = [];
  const log = {
    info() {},
    warn: (_message: string, fields: LogFields = {}) => void warnings.push(fields),
  };
  const operators = new OperatorHeaders(headers, log);
  onTestFinished(() => operators.stop());
  return { operators, warnings };
}

describe('OperatorHeaders', () => {
  it('gives fixed values and trimmed file contents, and names them in lower case', () => {
    const file = join(tempFolder(), 'secret');
    writeFileSync(file, '  Bearer abc\n');
    const { operators, warnings } = read([
      { name: 'X-Team', value: 'risk' },
      { name: 'Authorization', file },
    ]);
    expect(operators.flat).toEqual(['X-Team', 'risk', 'Authorization', 'Bearer abc']);
    expect(operators.names).toEqual(new Set(['x-team', 'authorization']));
    expect(warnings).toEqual([]);
  });

  it('takes up a rotated secret, also by an atomic rename', async () => {
    const folder = tempFolder();
    const file = join(folder, 'secret');
    writeFileSync(file, 'one');
    const { operators } = read([{ name: 'A', file }]);
    writeFileSync(join(folder, 'next'), 'two');
    renameSync(join(folder, 'next'), file);
    await until('the new secret', () => operators.flat[1] === 'two');
  });

  it('leaves the header out while there is no file, says so once, and heals', async () => {
    const file = join(tempFolder(), 'secret');
    const { operators, warnings } = read([{ name: 'A', file }]);
    expect(operators.flat).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, LIMITS.headerFilePollMs * 1.5));
    expect(warnings).toMatchObject([{ code: 'UND_HEADER_FILE', header: 'A' }]);
    writeFileSync(file, 'here');
    await until('the header', () => operators.flat[1] === 'here');
  });

  it('keeps the last good value when the file goes away', async () => {
    const file = join(tempFolder(), 'secret');
    writeFileSync(file, 'one');
    const { operators, warnings } = read([{ name: 'A', file }]);
    rmSync(file);
    await until('a warning', () => warnings.length === 1);
    expect(operators.flat).toEqual(['A', 'one']);
  });

  it.each([
    ['two lines', 'a\r\nX-Injected: b'],
    ['nothing', ' \n'],
    ['a control character', 'a\u0001b'],
    ['too much', 'x'.repeat(LIMITS.headerFileBytes + 1)],
  ])('refuses a file that holds %s, and never logs it', (_what, content) => {
    const file = join(tempFolder(), 'secret');
    writeFileSync(file, content);
    const { operators, warnings } = read([{ name: 'A', file }]);
    expect(operators.flat).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('Injected');
  });
});

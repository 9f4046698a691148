import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LiveToken } from '../../src/admin/live-token.ts';
import { tempFolder } from '../support/temp-folder.ts';

const FIRST = 'a'.repeat(32);
const SECOND = 'b'.repeat(32);

function start(token: string | null) {
  const dataDir = tempFolder();
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'admin.token');
  if (token !== null) writeFileSync(file, `${token}\n`, { mode: 0o600 });
  const lines: string[] = [];
  const say = (fields: object, message: string) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const config = { dataDir, admin: { address: { host: '127.0.0.1', port: 0 }, tokenFile: '' } };
  const live = new LiveToken(config, { info: say, warn: say, error: say });
  return { file, live, lines };
}

test('a changed file is in force at the next request, and the old token no more', () => {
  const { file, live, lines } = start(FIRST);
  expect([live.matches(FIRST), live.matches(SECOND)]).toEqual([true, false]);
  // Written beside and renamed, with equal size: the file is another one.
  writeFileSync(`${file}.new`, `${SECOND}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  expect([live.matches(FIRST), live.matches(SECOND)]).toEqual([false, true]);
  expect(lines).toEqual([expect.stringContaining('has changed')]);
});

test('a file that is gone or useless leaves the last token valid, and is said once', () => {
  const { file, live, lines } = start(FIRST);
  rmSync(file);
  expect([live.matches(FIRST), live.matches('')]).toEqual([true, false]);
  writeFileSync(file, 'short', { mode: 0o600 });
  expect([live.matches(FIRST), live.matches('short')]).toEqual([true, false]);
  expect(lines).toHaveLength(2);
  expect(lines.every((line) => line.includes('UND_ADMIN_TOKEN'))).toBe(true);
  writeFileSync(file, SECOND, { mode: 0o600 });
  expect(live.matches(SECOND)).toBe(true);
});

test('where there is none, one is made at the start', () => {
  const { file, live } = start(null);
  expect(live.matches(readFileSync(file, 'utf8').trim())).toBe(true);
});

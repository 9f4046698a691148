import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readSelectionSecret } from '../../src/telemetry/selection-secret.ts';
import { tempFolder } from '../support/temp-folder.ts';

const mirror = (selectionSecretFile: string) => ({
  mirror: { ...DEFAULTS.mirror, selectionSecretFile },
});

describe('readSelectionSecret', () => {
  it('makes one of 32 random bytes, mode 0600, and reads it ever after', () => {
    const folder = runFolder(tempFolder());
    const secret = readSelectionSecret(mirror(''), folder);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(folder.selectionSecret).mode & 0o777).toBe(0o600);
    expect(readSelectionSecret(mirror(''), folder)).toBe(secret);
    expect(readdirSync(folder.path)).toEqual(['selection.secret']);
  });

  it('is one and the same for processes that race for it', async () => {
    const folder = tempFolder();
    const children = Array.from({ length: 4 }, () =>
      fork(join(import.meta.dirname, 'secret-racer.ts'), [folder], { stdio: 'ignore' }),
    );
    // All are up before any looks: then they race, 40 times.
    await Promise.all(children.map((child) => once(child, 'message')));
    const answers = children.map((child) => once(child, 'message'));
    const exits = children.map((child) => once(child, 'exit'));
    for (const child of children) child.send('go');
    const secrets = (await Promise.all(answers)).map(([message]) => message as string[]);
    await Promise.all(exits);
    for (let round = 0; round < 40; round++) {
      expect(new Set(secrets.map((list) => list[round])).size).toBe(1);
    }
    expect(new Set(secrets[0]).size).toBe(40);
  });

  it('takes the configured file, trimmed', () => {
    const path = join(tempFolder(), 'secret');
    writeFileSync(path, '  0123456789abcdef\n');
    expect(readSelectionSecret(mirror(path), runFolder('/nowhere'))).toBe('0123456789abcdef');
  });

  it.each([
    ['is missing', null],
    ['is empty', ''],
    ['could be guessed', 'secret'],
  ])('refuses a configured file that %s', (_, text) => {
    const path = join(tempFolder(), 'secret');
    if (text !== null) writeFileSync(path, text);
    expect(() => readSelectionSecret(mirror(path), runFolder('/nowhere'))).toThrowError(
      expect.objectContaining({ code: 'UND_SELECTION_SECRET' }),
    );
  });

  it('says so when it can neither read nor make one', () => {
    const folder = runFolder(join(tempFolder(), 'missing'));
    expect(() => readSelectionSecret(mirror(''), folder)).toThrowError(
      expect.objectContaining({ code: 'UND_SELECTION_SECRET' }),
    );
  });
});

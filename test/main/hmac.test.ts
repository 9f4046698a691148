import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
const KEYS = { new: 'a new key of sixteen bytes', old: 'an old key of sixteen bytes' };

function configFile(keys: Partial<typeof KEYS> = KEYS): string {
  const folder = tempFolder();
  for (const [id, key] of Object.entries(keys)) writeFileSync(join(folder, id), `${key}\n`);
  const file = join(folder, 'understudy.yaml');
  writeFileSync(
    file,
    `listeners: [{ listen: 0, incumbent: 127.0.0.1:1 }]
routes: [{ name: score, path: /v1/score }]
candidates: [{ name: next, url: 'http://127.0.0.1:1' }]
redaction: { keys: [{ id: '2026-12', file: new }, { id: '2026-11', file: old }] }
`,
  );
  return file;
}

async function run(input: string, ...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'hmac', ...args]);
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode, ...text };
}

const hash = (id: string, key: string, value: string) =>
  `hmac:${id}:${createHmac('sha256', key).update(value).digest('hex').slice(0, 32)}`;

describe('understudy hmac', () => {
  it('prints what values become under the key in use and those before it', async () => {
    const { stdout, stderr } = await run('c-1\né x\n', '--config', configFile());
    expect(stderr).toBe('');
    const lines = ['c-1', 'é x'].map(
      (value) => `${hash('2026-12', KEYS.new, value)}\t${hash('2026-11', KEYS.old, value)}\n`,
    );
    expect(stdout).toBe(lines.join(''));
  });

  it('takes one key where it is named', async () => {
    const { stdout } = await run('c-1', '--config', configFile(), '--key', '2026-11');
    expect(stdout).toBe(`${hash('2026-11', KEYS.old, 'c-1')}\n`);
  });

  it('ends with a code where a key is missing or cannot be read', async () => {
    const unknown = await run('', '--config', configFile(), '--key', 'x');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/UND_HMAC_KEY: .* redaction\.keys: 2026-12, 2026-11\./);
    const unread = await run('', '--config', configFile({ new: KEYS.new }));
    expect(unread.code).toBe(1);
    expect(unread.stderr).toMatch(/UND_HMAC_KEY: The key 2026-11 cannot be used/);
  });
});

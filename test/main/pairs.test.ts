/** `understudy pairs --follow` ends with its reader, also while there is no pair to write. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entryOf } from '../record/entries.ts';
import { recorderIn, temporaryFolder } from '../record/temporary.ts';
import { until } from '../support/until.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');

async function journalOfOne(): Promise<{ folder: string; json: string }> {
  const folder = temporaryFolder();
  const { recorder, outcomes } = await recorderIn(folder);
  const entry = entryOf(1);
  recorder.record(entry);
  await until('the pair is on disk', () => outcomes.count('paired') === 1);
  return { folder, json: entry.json };
}

describe('pairs --follow ends when its reader has', () => {
  it('at the other end of a pipe of the shell', async () => {
    const { folder, json } = await journalOfOne();
    const line = '"$0" "$1" pairs --follow --data "$2" | head -n 1';
    const shell = spawn('sh', ['-c', line, process.execPath, CLI, folder]);
    let text = '';
    shell.stdout.on('data', (chunk) => {
      text += chunk;
    });
    // The shell waits for both.
    expect(await once(shell, 'close')).toEqual([0, null]);
    expect(text).toBe(`${json}\n`);
  });

  it('at the other end of a socket, as Node and others make it', async () => {
    const { folder, json } = await journalOfOne();
    const pairs = spawn(process.execPath, [CLI, 'pairs', '--follow', '--data', folder]);
    const [chunk] = await once(pairs.stdout, 'data');
    expect(String(chunk)).toBe(`${json}\n`);
    pairs.stdout.destroy();
    expect(await once(pairs, 'exit')).toEqual([0, null]);
  });
});

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const WRITER = join(import.meta.dirname, 'log-writer.ts');
const LINES = 30_000;

interface Outcome {
  ms: number;
  dropped: number;
  queued: number;
  limit: number;
}

function run(command: string, stdout: 'pipe' | number): ChildProcess {
  const child = spawn('/bin/sh', ['-c', command], {
    stdio: ['pipe', stdout, 'pipe'],
    env: { ...process.env, NODE: process.execPath, WRITER, LINES: String(LINES) },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** The writing end, in blocking mode, of a pipe that is open and never read. */
function deafPipe(): number {
  const path = join(tempFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, 'w');
  onTestFinished(() => {
    closeSync(reader);
    closeSync(writer);
  });
  return writer;
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let text = '';
  for await (const chunk of child.stderr ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return JSON.parse(text);
}

describe('the log of a process', () => {
  it.each(['pipe', 'socket'])(
    'L-06: goes on, drops and counts when the reader of a %s has stopped',
    async (kind) => {
      const child = run('exec "$NODE" "$WRITER" "$LINES"', kind === 'pipe' ? deafPipe() : 'pipe');
      const { ms, dropped, queued, limit } = await outcomeOf(child);
      expect(dropped).toBeGreaterThan(LINES / 2);
      expect(queued).toBeLessThanOrEqual(limit);
      expect(ms).toBeLessThan(10_000);
      child.stdin?.end();
      expect(await once(child, 'exit')).toEqual([0, null]);
    },
  );

  it('survives a reader that is gone', async () => {
    const child = run('exec "$NODE" "$WRITER" "$LINES"', 'pipe');
    child.stdout?.destroy();
    const { queued } = await outcomeOf(child);
    expect(queued).toBeLessThanOrEqual(1024 * 1024);
    child.stdin?.end();
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  it('keeps every line, in order, where the reader reads', async () => {
    const child = run('exec "$NODE" "$WRITER" 2000', 'pipe');
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('"line 1999"')) child.stdin?.end();
    });
    await once(child, 'close');
    const lines = text.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(
      Array.from({ length: 2_000 }, (_, i) => `line ${i}`),
    );
  });

  it('adds to a log file that other processes write to as well', async () => {
    const file = join(tempFolder(), 'log');
    const child = run(
      'echo first; "$NODE" "$WRITER" 100 </dev/null; "$NODE" "$WRITER" 100 </dev/null; echo last',
      openSync(file, 'w'),
    );
    await once(child, 'exit');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([202, 'first', 'last']);
  });
});

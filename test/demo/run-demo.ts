import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';

const CLI = resolve('src/main/cli.ts');

/** Requests that a demo replays here. */
export const ROWS = 300;

/** A demo as a user starts it, in a folder of its own. */
export interface Running {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Both streams so far. */
  text(): string;
  ended(): Promise<{ code: number | null; text: string }>;
}

/** Ended, with all it has started, when the test has finished. */
export function startDemo(args: readonly string[], env: Record<string, string> = {}): Running {
  const folder = mkdtempSync(join(tmpdir(), 'und-'));
  const child = spawn(process.execPath, [CLI, 'demo', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      UNDERSTUDY_DEMO_ROWS: String(ROWS),
      UNDERSTUDY_DEMO_RATE: '300',
      ...env,
    },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
  }
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await closed;
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    child,
    folder,
    text: () => text,
    ended: async () => {
      const [code] = await closed;
      return { code, text };
    },
  };
}

/** The journaled pairs of the demo in a folder, byte for byte. */
export function pairsIn(folder: string): string[] {
  const reader = JournalReader.open(join(folder, '.understudy/demo/data'));
  try {
    return reader.pairsAfter(0, 2 * ROWS).map(({ json }) => json);
  } finally {
    reader.close();
  }
}

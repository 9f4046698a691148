import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { JournalReader } from '../../src/record/journal-reader.ts';

const CLI = resolve('src/main/cli.ts');
const ROWS = 300;

interface Running {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Both streams so far. */
  text(): string;
  ended(): Promise<{ code: number | null; text: string }>;
}

function startDemo(args: readonly string[], env: Record<string, string> = {}): Running {
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

describe('understudy demo', { timeout: 90_000 }, () => {
  test('--once replays, sums up with books that add up, and ends with 0', async () => {
    const demo = startDemo(['--once']);
    const { code, text } = await demo.ended();
    expect(code, text).toBe(0);
    expect(text).toMatch(/300 sent in \d s \(\d+\/s\), 300 answered 200/);
    expect(text).toContain('100.00 %: 300 copies observed, 0 lost');
    expect(text).toContain('300 answers as the callers got them agree with the pairs');
    expect(text).toContain('"schema": "understudy.pair/1"');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
    expect(text).not.toMatch(/\u001b/);

    const reader = JournalReader.open(join(demo.folder, '.understudy/demo/data'));
    expect(reader.pairsAfter(0, 1_000)).toHaveLength(ROWS);
    reader.close();
  });

  test('keeps serving: what it says to try works, and SIGTERM ends everything', async () => {
    const demo = startDemo([]);
    while (!demo.text().includes('Ctrl-C ends everything')) {
      if (demo.child.exitCode !== null) throw new Error(demo.text());
      await Promise.race([once(demo.child.stdout ?? demo.child, 'data'), once(demo.child, 'exit')]);
    }
    const [, url = '', bodyFile = ''] = /curl -s (\S+) -d @(\S+)/.exec(demo.text()) ?? [];
    const body = readFileSync(join(demo.folder, bodyFile), 'utf8');
    const answer = await fetch(url, { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ label: expect.stringMatching(/^(good|bad)$/) });
    const [metrics = ''] = /http:\S+\/metrics/.exec(demo.text()) ?? [];
    expect((await fetch(metrics)).status).toBe(200);

    demo.child.kill('SIGTERM');
    const { code, text } = await demo.ended();
    expect(code, text).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    expect(existsSync(join(demo.folder, '.understudy/demo/understudy.yaml'))).toBe(true);
  });

  test('interrupted in the middle it ends all its processes', async () => {
    const demo = startDemo(['--once'], { UNDERSTUDY_DEMO_RATE: '5' });
    while (!demo.text().includes('callers')) await once(demo.child.stdout ?? demo.child, 'data');
    const [, url = ''] = /callers +(\S+)/.exec(demo.text()) ?? [];
    demo.child.kill('SIGTERM');
    const { code, text } = await demo.ended();
    expect(code, text).toBe(130);
    await expect(fetch(url)).rejects.toThrow();
  });
});

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pairsIn, ROWS, startDemo } from './run-demo.ts';

describe('understudy demo', { timeout: 90_000 }, () => {
  test('--once replays, sums up with books that add up, and ends with 0', async () => {
    const demo = startDemo(['--once']);
    const { code, text } = await demo.ended();
    expect(code, text).toBe(0);
    expect(text).toMatch(/300 sent in \d s \(\d+\/s\), 300 answered 200/);
    expect(text).toContain('100.00 %: 300 copies observed, 0 lost');
    expect(text).toContain('300 answers as the callers got them agree with the pairs');
    expect(text).toContain('labels import: 300 outcomes: 300 new, 0 corrected');
    expect(text).toContain('Is boosting 10 % better on false positives, under 50 ms? ──');
    expect(text).toContain('its threshold is not chosen yet');
    expect(text).toContain('"schema": "understudy.pair/1"');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
    expect(text).not.toMatch(/\u001b/);

    expect(pairsIn(demo.folder)).toHaveLength(ROWS);
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

/** `understudy report` on a data folder, as a pipeline calls it. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { analysisPath } from '../../src/analysis/store-file.ts';
import { JournalRig, traffic } from '../analysis/journal-rig.ts';
import { START_MS } from '../analysis/pairs.ts';
import { tempFolder } from '../support/temp-folder.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function report(...args: string[]): Promise<Ended> {
  try {
    const ended = await promisify(execFile)(process.execPath, [CLI, 'report', ...args]);
    return { code: 0, ...ended };
  } catch (error) {
    return error as Ended;
  }
}

function judgedFolder(): string {
  const rig = new JournalRig();
  rig.start();
  rig.write(traffic(0, 12_000), { shed: 3 });
  rig.read(START_MS + 1_000_000);
  rig.stop();
  return rig.config.dataDir;
}

it('prints Markdown, writes JSON for one candidate, and names the others for an unknown one', async () => {
  const data = judgedFolder();
  const text = await report('--data', data);
  expect(text.stderr).toBe('');
  expect(text.stdout).toMatch(/^# next: PASS\n/);
  expect(text.stdout).toContain('| shed |  | 3 |');
  const output = join(tempFolder(), 'report.json');
  const of = ['--data', data, '--format', 'json'];
  const written = await report(...of, '--candidate', 'next', '--output', output);
  expect(written).toMatchObject({ code: 0, stdout: '' });
  expect(statSync(output).mode & 0o777).toBe(0o600);
  const { schema, reports } = JSON.parse(readFileSync(output, 'utf8'));
  expect(schema).toBe('understudy.report/1');
  expect(reports).toHaveLength(1);
  expect(reports[0].verdict).toMatchObject({ verdict: 'PASS', pairs: 12_000 });
  const page = await report('--data', data, '--format', 'html');
  expect(page.stdout).toMatch(/^<!doctype html>\n/);
  expect(page.stdout).toContain('<h1>next <span class="verdict PASS">PASS</span></h1>');
  const unknown = await report(...of, '--candidate', 'other');
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('UND_USAGE: No candidate other is judged; there are: next.');
});

it('says so where nothing was judged yet, and where the output cannot be written', async () => {
  const data = tempFolder();
  expect((await report('--data', data)).stdout).toBe('No candidate is judged yet.\n');
  const nowhere = await report('--data', data, '--output', join(data, 'none', 'report.md'));
  expect(nowhere.code).toBe(2);
  expect(nowhere.stderr).toContain('cannot be written');
});

it.each([
  [0, 'is empty'],
  [100, 'is damaged'],
  [20_000, 'is damaged'],
])('says in one line of a file of the analysis cut to %d bytes that it %s', async (bytes, told) => {
  const data = judgedFolder();
  const path = analysisPath(data);
  truncateSync(path, bytes);
  expect(await report('--data', data)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^understudy: UND_ANALYSIS_STORE: .*${told}.*\\n$`)),
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runScript } from '../services/run-script.ts';

const root = join(import.meta.dirname, '..', '..');
/** Stands in for the command line: it does what its argument says. */
const COMMAND_LINE = `
const order: string | undefined = process.argv[2];
if (order === 'exit') process.exit(7);
if (order === 'die') process.kill(process.pid, 'SIGKILL');
if (order === 'wait') process.on('SIGTERM', () => process.exit(3));
if (order === 'wait') setInterval(() => {}, 1_000);
console.log(process.version);
`;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-launcher-'));
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await mkdir(join(folder, 'src', 'main'), { recursive: true });
  await writeFile(join(folder, 'src', 'main', 'cli.ts'), COMMAND_LINE);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A Node of this machine that is too old, if there is one outside of the project. */
async function findOldNode(): Promise<string | undefined> {
  const entries = (process.env.PATH ?? '').split(delimiter);
  for (const entry of entries.filter((path) => !path.includes('node_modules'))) {
    const node = join(entry, 'node');
    try {
      const { stdout } = await runScript(node, ['-p', 'process.versions.node']);
      if (Number.parseInt(stdout, 10) < 24) return node;
    } catch {
      // No Node here.
    }
  }
  return undefined;
}

function launch(node: string, ...args: string[]): ReturnType<typeof spawn> {
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  return spawn(node, [join(folder, 'bin', 'understudy.js'), ...args], { stdio });
}

const oldNode = await findOldNode();
describe.each([
  ['a fitting Node', process.execPath],
  ['an old Node', oldNode],
])('the launcher on %s', (_, node) => {
  // Where there is no old Node, that half of the launcher is not needed either.
  test.skipIf(node === undefined)('runs the command line on a Node that fits', async () => {
    const { stdout } = await runScript(node ?? '', [join(folder, 'bin', 'understudy.js')]);
    expect(stdout).toMatch(/^v(24\.(2[1-9]|[3-9]\d)|2[5-9]|[3-9]\d)\./);
  });

  test.skipIf(node === undefined)('hands on exit codes and signals', async () => {
    expect(await once(launch(node ?? '', 'exit'), 'exit')).toEqual([7, null]);
    expect(await once(launch(node ?? '', 'die'), 'exit')).toEqual([null, 'SIGKILL']);
    const waiting = launch(node ?? '', 'wait');
    if (waiting.stdout !== null) await once(waiting.stdout, 'data');
    waiting.kill('SIGTERM');
    expect(await once(waiting, 'exit')).toEqual([3, null]);
  });

  test.skipIf(node === undefined)('refuses in one sentence what is not installed', async () => {
    await rm(join(folder, 'node_modules'));
    try {
      const refused = launch(node ?? '');
      const text: Buffer[] = [];
      refused.stderr?.on('data', (chunk: Buffer) => text.push(chunk));
      expect(await once(refused, 'close')).toEqual([1, null]);
      expect(Buffer.concat(text).toString()).toMatch(
        /^understudy: UND_RUNTIME_UNSUPPORTED: [^\n]+ run "npm ci" in [^\n]+\.\n$/,
      );
    } finally {
      await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    }
  });
});

/** `understudy labels import`, into a data folder of an instance that does not run. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { outcomeRig } from '../analysis/quality/outcomes.ts';
import { tempFolder } from '../support/temp-folder.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
const TEXT = 'key,label\nloan-1,bad\nloan-2,good\n';

function importLabels(...args: string[]) {
  return spawnSync(process.execPath, [CLI, 'labels', 'import', ...args], { encoding: 'utf8' });
}

/** Data folder of an instance that judges outcomes. */
function dataFolder(): string {
  const rig = outcomeRig();
  rig.start();
  rig.stop();
  return rig.config.dataDir;
}

it('takes a regular file, and refuses a pipe, which gives nothing when it is read again', () => {
  const data = ['--data', dataFolder()];
  const file = join(tempFolder(), 'outcomes.csv');
  writeFileSync(file, TEXT);
  // A pipe of the shell: what is given to a child as its input may be a socket.
  const piped = spawnSync(
    'sh',
    ['-c', `cat "${file}" | "$0" "$@"`, process.execPath, CLI, 'labels', 'import'].concat(
      '/dev/stdin',
      '--format',
      'csv',
      data,
    ),
    { encoding: 'utf8' },
  );
  expect(piped.status).toBe(1);
  expect(piped.stderr).toMatch(/^understudy: UND_LABELS_FILE: \/dev\/stdin is no regular file/);
  expect(importLabels(file, ...data).stdout).toMatch(/^2 outcomes: 2 new/);
});

it('does not make a data folder that is not there', () => {
  const file = join(tempFolder(), 'outcomes.csv');
  writeFileSync(file, TEXT);
  const folder = join(tempFolder(), 'mistyped');
  const { status, stderr } = importLabels(file, '--data', folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^understudy: UND_LABELS_OFF: There is no analysis in .*mistyped/);
  expect(existsSync(folder)).toBe(false);
});

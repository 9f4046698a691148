import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const root = join(import.meta.dirname, '..', '..');

/** What a process leaves in its home folder. */
async function filesAfter(program: string): Promise<string[]> {
  const home = tempFolder();
  // CI and unit tests are spared by the library itself: only what is neither shows what users get.
  const env = { PATH: process.env.PATH, HOME: home };
  const args = ['--input-type=module-typescript', '--eval', program];
  await promisify(execFile)(process.execPath, args, { env, cwd: root });
  return readdirSync(home, { recursive: true, encoding: 'utf8' });
}

test('a model process tells nobody which model it runs, and leaves no identifier behind', async () => {
  const files = await filesAfter(`
    import { readDemoModel } from './src/demo/dataset.ts';
    import { loadModel } from './src/model/session.ts';
    const model = await loadModel(readDemoModel('models/lending-club', 'candidate'));
    await model.release();
  `);
  expect(files).toEqual([]);
});

/**
 * Gives a test run a temporary folder of its own, in which test files find the services they share,
 * and ends these services with the run.
 */
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runScript } from './run-script.ts';

const FOLDER = 'UNDERSTUDY_TEST_RUN';
const OWNER = 'UNDERSTUDY_TEST_RUN_OWNER';
const here = import.meta.dirname;

/**
 * The current test run: its folder, and the process whose end is the end of the run. A service that
 * several test files share lives in this folder and watches this process, so that it ends even
 * where the run was killed.
 *
 * @throws {Error} outside of vitest
 */
export function testRun(): { readonly folder: string; readonly owner: number } {
  const folder = process.env[FOLDER];
  if (folder === undefined) throw new Error('services are shared in a run of vitest only');
  return { folder, owner: Number(process.env[OWNER]) };
}

/** Called by vitest before the first test file, in its main process. */
export function setup(): void {
  process.env[FOLDER] = mkdtempSync(join(tmpdir(), 'understudy-run-'));
  process.env[OWNER] = String(process.pid);
}

/** Called by vitest after the last test file. */
export async function teardown(): Promise<void> {
  const { folder } = testRun();
  const stops: [service: string, script: string, args: string[]][] = [
    ['kafka', 'kafka-broker.sh', ['stop', join(folder, 'kafka')]],
    ['docker', 'docker-host.sh', ['down', join(folder, 'docker')]],
  ];
  for (const [service, script, args] of stops) {
    if (existsSync(join(folder, service))) await runScript(join(here, script), args);
  }
  await rm(folder, { recursive: true, force: true });
}

/** A copy of the repository in which a fault can be planted, and tests run against it. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Mutant } from './mutant.ts';

/** A mutant that makes its tests hang has been seen, too. */
const RUN_MS = 300_000;

/** What tests did. `broken`: they did not run at all, which tells nothing of the fault. */
export type Outcome =
  | { readonly result: 'passed' }
  | { readonly result: 'failed'; readonly by: string }
  | { readonly result: 'broken'; readonly why: string };

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

export class Copy {
  readonly #folder: string;

  /** @param root - the repository: what git knows of it or would add, as it is now, uncommitted changes included */
  constructor(root: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'und-mutants-'));
    const listed = git(root, ['ls-files', '-z', '-co', '--exclude-standard']);
    for (const name of listed.stdout.split('\0')) {
      const from = join(root, name);
      if (name !== '' && existsSync(from)) cpSync(from, join(this.#folder, name));
    }
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** @returns why the patch does not apply, or an empty text */
  plant(mutant: Mutant): string {
    // One line of context is enough: what stands further away may change.
    const { status, stderr } = git(this.#folder, ['apply', '--recount', '-C1', mutant.file]);
    return status === 0 ? '' : stderr.trim();
  }

  unplant(mutant: Mutant): void {
    git(this.#folder, ['apply', '--recount', '-C1', '-R', mutant.file]);
  }

  async run(tests: readonly string[]): Promise<Outcome> {
    const missing = tests.filter((test) => !existsSync(join(this.#folder, test)));
    if (missing.length > 0) return { result: 'broken', why: `no such test: ${missing.join(' ')}` };
    const output = join(this.#folder, 'outcome.json');
    rmSync(output, { force: true });
    const vitest = join(this.#folder, 'node_modules/vitest/vitest.mjs');
    const flags = ['--reporter=json', `--outputFile=${output}`, '--bail=1'];
    const child = spawn(process.execPath, [vitest, 'run', ...tests, ...flags], {
      cwd: this.#folder,
      detached: true, // its own group, so that all of it can be ended
      stdio: 'ignore',
      env: { ...process.env, CI: '' }, // in CI a failed test would be asked again
    });
    let hung = false;
    const limit = setTimeout(() => {
      hung = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, RUN_MS);
    await once(child, 'exit');
    clearTimeout(limit);
    if (hung) return { result: 'failed', by: `its tests hang: not over after ${RUN_MS / 1_000} s` };
    if (!existsSync(output)) return { result: 'broken', why: 'vitest gave no result' };
    return this.#read(JSON.parse(readFileSync(output, 'utf8')));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #read({ testResults }: Report): Outcome {
    for (const { name, assertionResults } of testResults) {
      const failed = assertionResults.find(({ status }) => status === 'failed');
      const file = relative(this.#folder, name);
      if (failed !== undefined) return { result: 'failed', by: `${file}: ${failed.fullName}` };
    }
    // Only now: after a failure, files that had not begun are left out (bail).
    const dead = testResults.find(({ assertionResults }) => assertionResults.length === 0);
    if (dead !== undefined) {
      const why = `${relative(this.#folder, dead.name)} does not run: ${dead.message.split('\n')[0]}`;
      return { result: 'broken', why };
    }
    const ran = testResults.flatMap(({ assertionResults }) => assertionResults);
    if (!ran.some(({ status }) => status === 'passed')) {
      return { result: 'broken', why: 'no test ran' };
    }
    return { result: 'passed' };
  }
}

function git(cwd: string, args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
}

/**
 * What really happened to the demo's loans, told after the requests by the command that users have: `understudy
 * labels import`. Then the answer to the question that a cutover is about is waited for.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { AdminStatus } from '../admin/admin-status.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import type { DemoRow } from './dataset.ts';

/** The verdict of the candidate, as the admin process last told it. */
export type DemoVerdict = NonNullable<AdminStatus['analysis']>['verdicts'][number];

const IMPORT_TIMEOUT_MS = 20_000;
const POLL_MS = 200;

/** Writes the outcomes as CSV: `key,label`. */
export function writeOutcomes(rows: readonly DemoRow[], path: string): void {
  const lines = rows.map(({ id, outcome }) => `${id},${outcome}`);
  writeFileSync(path, `key,label\n${lines.join('\n')}\n`);
}

/**
 * Imports the file into the running instance.
 *
 * @param program - of the command line, to be run by this Node
 * @returns what the command said
 * @throws {UnderstudyError} `UND_DEMO_FAILED` with what it said
 */
export async function importOutcomes(
  program: readonly string[],
  of: { readonly file: string; readonly run: RunFolder; readonly signal: AbortSignal },
): Promise<string> {
  const args = [...program, 'labels', 'import', of.file, '--run', of.run.path];
  try {
    const options = { timeout: IMPORT_TIMEOUT_MS, signal: of.signal };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    return stdout.trim();
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const reason = said === '' ? String(cause) : (said.split('\n')[0] ?? '');
    throw new UnderstudyError('UND_DEMO_FAILED', `outcomes: ${reason}`, { cause });
  }
}

/**
 * Waits until so many pairs are mature and judged by their outcomes.
 *
 * @returns the verdict as last told; `null`: none was told in time
 */
export async function waitForOutcomes(
  run: RunFolder,
  of: { readonly pairs: number; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<DemoVerdict | null> {
  const deadline = monotonicMs() + of.timeoutMs;
  for (;;) {
    const { analysis } = await readStatus<AdminStatus>(run.statusSocket('admin'));
    const verdict = analysis?.verdicts[0] ?? null;
    const { known = 0, mature = 0 } = verdict?.outcomes ?? {};
    if (mature >= of.pairs && known === mature) return verdict;
    if (of.signal.aborted || monotonicMs() > deadline) return verdict;
    await sleep(POLL_MS);
  }
}

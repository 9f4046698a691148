/**
 * Which processes a supervisor has started: `NAME.pid` in the run folder, with the pid and the moment its
 * process began. The next supervisor finds by it what does not answer any more. A pid alone would not do: it may
 * be another process's by then, and nobody else's is ever ended.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFolder } from '../telemetry/run-folder.ts';

/** A process as it was started. */
export interface StartedProcess {
  /** `gw0`, `mirror`, `admin`, `model-NAME` */
  readonly name: string;
  readonly pid: number;
  /** Boot of the machine and ticks since then at which the process began (proc(5), field 22 of stat). */
  readonly began: string;
}

const SUFFIX = '.pid';

/** Notes a process that has just been started. Best effort: without it, a hung orphan is not found later. */
export function noteProcess(folder: RunFolder, name: string, pid: number): void {
  const began = beganAt(pid);
  if (began === '') return;
  const path = join(folder.path, `${name}${SUFFIX}`);
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify({ pid, began })}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch {
    // A run folder that cannot be written shows itself elsewhere.
  }
}

/**
 * Takes a note away: the process has ended. One that its successor has written stays.
 *
 * @returns whether it was this process's
 */
export function forgetProcess(folder: RunFolder, name: string, pid: number): boolean {
  const path = join(folder.path, `${name}${SUFFIX}`);
  if (readNote(path)?.pid !== pid) return false;
  rmSync(path, { force: true });
  return true;
}

/** Noted processes that are still there: the same ones, not others with their pids. */
export function processesAlive(folder: RunFolder): StartedProcess[] {
  return readdirSync(folder.path)
    .filter((file) => file.endsWith(SUFFIX))
    .flatMap((file) => {
      const found = readNote(join(folder.path, file));
      const name = file.slice(0, -SUFFIX.length);
      return found !== null && isSame(found) ? [{ name, ...found }] : [];
    });
}

/** Whether the process is still there, and still that one. */
export function isSame({ pid, began }: Pick<StartedProcess, 'pid' | 'began'>): boolean {
  return beganAt(pid) === began;
}

function readNote(path: string): Pick<StartedProcess, 'pid' | 'began'> | null {
  try {
    const { pid, began } = JSON.parse(readFileSync(path, 'utf8'));
    const isNote = Number.isInteger(pid) && pid > 1 && typeof began === 'string' && began !== '';
    return isNote ? { pid, began } : null;
  } catch {
    return null; // half a note, or a hand's
  }
}

/** '' where there is no such process, it has ended and is not reaped yet, or this is no Linux. */
function beganAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, field 2, stands in parentheses and may hold anything, parentheses too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', ticks = ''] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X') return '';
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot}/${ticks}`;
  } catch {
    return '';
  }
}

/** What Linux says of processes and of the machine, from /proc. Times are in ticks of 10 ms. */
import { readFileSync } from 'node:fs';

/** USER_HZ, the same on every Linux. */
export const TICK_MS = 10;

/** CPU of one process, ticks: its own (all threads, ended ones too) and that of children it waited for. */
export interface ProcessTicks {
  readonly own: number;
  readonly children: number;
}

/** CPU of the whole machine since its start, ticks. */
export interface MachineTicks {
  readonly busy: number;
  readonly steal: number;
  readonly total: number;
}

/** @param text - content of `/proc/PID/stat`; the program's name in it may hold anything */
export function parseProcessTicks(text: string): ProcessTicks {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return { own: utime + stime, children: cutime + cstime };
}

/** @param text - content of `/proc/stat` */
export function parseMachineTicks(text: string): MachineTicks {
  const line = /^cpu +(.*)$/m.exec(text)?.[1] ?? '';
  // Guest time is in user time already.
  const counts = line.split(/\s+/).slice(0, 8).map(Number);
  const [, , , idle = 0, iowait = 0, , , steal = 0] = counts;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { busy: total - idle - iowait - steal, steal, total };
}

/** @param text - content of `/proc/PID/status`; @returns MiB of its largest resident set */
export function parsePeakMiB(text: string): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1_024;
}

/** @returns zero where the process is gone */
export function processTicks(pid: number | 'self'): ProcessTicks {
  return parseProcessTicks(readText(`/proc/${pid}/stat`));
}

export function machineTicks(): MachineTicks {
  return parseMachineTicks(readText('/proc/stat'));
}

export function peakMiB(pid: number): number {
  return parsePeakMiB(readText(`/proc/${pid}/status`));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

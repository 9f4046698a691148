/** How a thread gives way to the others of its process. */
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

const NICE_MAX = 19;

/**
 * The thread that calls it yields the processor to those of its process that are less nice. Best effort: where
 * the system knows no priorities of threads (not Linux), or refuses, all goes on without.
 *
 * @param by - added to its niceness, 0 to 19
 * @returns its niceness afterwards, `null` where that is not known
 */
export function yieldThread(by: number): number | null {
  try {
    // PID/task/TID of whoever asks: file calls that block are made by the calling thread itself.
    const thread = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(thread, Math.min(NICE_MAX, getPriority(thread) + by));
    return getPriority(thread);
  } catch {
    return null;
  }
}

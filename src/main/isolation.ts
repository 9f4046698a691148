/**
 * What can be done on one machine so that the mirror's processes give way to the gateways'. Best effort:
 * where the system refuses, all goes on without. It cannot isolate memory or a CPU quota; two containers
 * (roles gateway and backstage) can.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { LIMITS } from '../config/defaults.ts';

/** No memory of this process and its children goes into a core dump: it holds callers' data. */
export function leaveMemoryOutOfCoreDumps(): void {
  tryTo(() => writeFileSync('/proc/self/coredump_filter', '0'));
}

/**
 * A process backstage: less CPU where there is not enough, and the first to be killed for memory.
 *
 * @param pid - leader of a session of its own
 */
export function yieldToGateways(pid: number): void {
  tryTo(() => writeFileSync(`/proc/${pid}/oom_score_adj`, String(LIMITS.backstageOomScore)));
  tryTo(() => setPriority(pid, LIMITS.backstageNice));
  // Linux sets the priority of a thread; those started since the process began are set one by one.
  tryTo(() => {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      tryTo(() => setPriority(Number(thread), LIMITS.backstageNice));
    }
  });
  lowerSession(pid, LIMITS.autogroupTries);
}

/**
 * Where the kernel groups tasks by session (sched(7), autogroup), a nice value counts within the session
 * only, and each child has a session of its own: what counts then is the nice value of the session. The
 * kernel takes one such change each 100 ms from a user without privileges, hence the repetitions.
 */
function lowerSession(pid: number, tries: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(LIMITS.backstageNice));
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
    if (!busy || tries <= 1) return;
    setTimeout(() => lowerSession(pid, tries - 1), LIMITS.autogroupRetryMs).unref();
  }
}

function tryTo(action: () => void): void {
  try {
    action();
  } catch {
    // Not this system, or not allowed here.
  }
}

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

/** A process backstage: less CPU where there is not enough, and the first to be killed for memory. */
export function yieldToGateways(pid: number): void {
  tryTo(() => writeFileSync(`/proc/${pid}/oom_score_adj`, String(LIMITS.backstageOomScore)));
  tryTo(() => setPriority(pid, LIMITS.backstageNice));
  // Linux sets the priority of a thread; those started since the process began are set one by one.
  tryTo(() => {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      tryTo(() => setPriority(Number(thread), LIMITS.backstageNice));
    }
  });
}

function tryTo(action: () => void): void {
  try {
    action();
  } catch {
    // Not this system, or not allowed here.
  }
}

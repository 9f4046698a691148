import { readFileSync } from 'node:fs';

/** Whether a process with this id runs. One that is dead, and that its parent has not looked after yet, does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || stateOf(pid) !== 'Z';
  } catch {
    return false;
  }
}

/** Third field of `pid (name) state …`; a name may hold brackets. */
function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.charAt(stat.lastIndexOf(')') + 2);
}

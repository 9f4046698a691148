import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import { yieldToGateways } from '../../src/main/isolation.ts';

const AUTOGROUP = '/proc/sys/kernel/sched_autogroup_enabled';
const grouped = existsSync(AUTOGROUP) && readFileSync(AUTOGROUP, 'utf8').trim() === '1';

/** A process in a session of its own, as the supervisor's children are. */
async function startDetached(): Promise<number> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child, 'spawn');
  return child.pid ?? 0;
}

describe('a process backstage', () => {
  it('gives way in CPU and is the first to be killed for memory', async () => {
    const pid = await startDetached();
    yieldToGateways(pid);
    expect(getPriority(pid)).toBe(LIMITS.backstageNice);
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe(
      String(LIMITS.backstageOomScore),
    );
  });

  it.runIf(grouped)(
    'gives way with its whole session, where the kernel groups by session',
    async () => {
      const pid = await startDetached();
      yieldToGateways(pid);
      await expect
        .poll(() => readFileSync(`/proc/${pid}/autogroup`, 'utf8').trim())
        .toMatch(new RegExp(` nice ${LIMITS.backstageNice}$`));
    },
  );
});

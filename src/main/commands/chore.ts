/** A backup or an erasure that a running mirror makes of its own journal: asked for over its status socket. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';
import { UnderstudyError } from '../../errors.ts';
import type { ChoreStatus } from '../../record/journal/journal-chores.ts';
import type { MirrorStatus } from '../../record/mirror-status.ts';
import { monotonicMs } from '../../telemetry/clock.ts';
import { readStatus } from '../../telemetry/status-socket.ts';

/** `null`: none, or it does not say. */
async function choreOf(socket: string): Promise<ChoreStatus | null> {
  try {
    return (await readStatus<MirrorStatus>(socket, LIMITS.adminRequestMs)).recorder.chore;
  } catch (error) {
    if (error instanceof UnderstudyError && error.code === 'UND_STATUS_UNAVAILABLE') return null;
    throw error;
  }
}

/**
 * Waits until it is done.
 *
 * @param socket - of the mirror
 * @param id - under which it was asked for
 * @param isAlive - tells whether it moves on, where its status does not show that
 * @throws {UnderstudyError} `UND_JOURNAL_CHORE`, with its own reason
 */
export async function untilDone(
  socket: string,
  id: string,
  isAlive: () => unknown = () => undefined,
): Promise<ChoreStatus> {
  let deadlineMs = monotonicMs() + LIMITS.choreStallMs;
  for (let before = ''; ; ) {
    const chore = await choreOf(socket);
    if (chore?.id === id && chore.state === 'done') return chore;
    if (chore?.id === id && chore.state === 'failed') {
      throw new UnderstudyError('UND_JOURNAL_CHORE', `${chore.error}: ${chore.message}`);
    }
    const now = JSON.stringify([chore, isAlive()]);
    if (now !== before) deadlineMs = monotonicMs() + LIMITS.choreStallMs;
    before = now;
    if (monotonicMs() >= deadlineMs) {
      const other = chore === null || chore.id === id ? '' : `: a ${chore.kind} was under way`;
      const message = `The mirror was asked, and has not done it${other}. See understudy status, and ask again.`;
      throw new UnderstudyError('UND_JOURNAL_CHORE', message);
    }
    await sleep(LIMITS.followPollMs);
  }
}

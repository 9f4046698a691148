/** Whether accounting has passed a cut: what the journal's books say of the time before it is final. Pure. */
import type { CandidateConfig, Config } from '../config/types.ts';
import type { CommittedBooks } from '../record/recorder-port.ts';

/** A copy that is under way is committed so long after its time limits. */
const COMMIT_MS = 1_000;

/**
 * A copy of an exchange before the cut has waited and been answered by now, and each live gateway has reported
 * after the cut. One that has not (it is idle, cut off, or its mirror is down) is waited for, `settleMs` at most.
 */
export function isSettled(of: {
  readonly cutMs: number;
  /** Unix ms at which the books were read. */
  readonly nowMs: number;
  readonly books: CommittedBooks;
  readonly config: Pick<Config, 'analysis' | 'mirror'>;
  readonly candidate: Pick<CandidateConfig, 'timeoutMs'>;
}): boolean {
  const { cutMs, nowMs, books, config, candidate } = of;
  if (nowMs >= cutMs + config.analysis.settleMs) return true;
  if (nowMs < cutMs + config.mirror.maxQueueAgeMs + candidate.timeoutMs + COMMIT_MS) return false;
  return books.epochs.every(({ state, receivedAtMs }) => {
    // One that ended is final; one that was cut off lately may come back with more.
    if (state === 'clean') return true;
    return (
      receivedAtMs >= cutMs ||
      (state === 'unclean' && nowMs > receivedAtMs + config.analysis.settleMs)
    );
  });
}

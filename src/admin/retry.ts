/** Tries again until it works: what admin needs from outside may be missing at its start. */
import { LIMITS } from '../config/defaults.ts';

export interface RetryOptions {
  /** Called after each failed try; `isNew` where the reason is another one than before. */
  readonly onFailure: (error: Error, isNew: boolean) => void;
  readonly onSuccess: () => void;
}

export interface Retry {
  /** No further try; one under way is waited for. */
  stop(): Promise<void>;
}

/**
 * Runs `step` until it resolves, first at once, then after LIMITS.adminRetryMinMs, doubling up to
 * LIMITS.adminRetryMaxMs.
 */
export function retryUntilDone(step: () => Promise<void>, options: RetryOptions): Retry {
  let stopped = false;
  let waitMs: number = LIMITS.adminRetryMinMs;
  let reason = '';
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();

  const attempt = async (): Promise<void> => {
    try {
      await step();
      options.onSuccess();
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      options.onFailure(error, error.message !== reason);
      reason = error.message;
      if (stopped) return;
      timer = setTimeout(start, waitMs);
      waitMs = Math.min(waitMs * 2, LIMITS.adminRetryMaxMs);
    }
  };
  const start = (): void => {
    running = attempt();
  };
  start();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

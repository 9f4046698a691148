/** How late this process's event loop was: what a stall of one's own looks like to everybody else. */
import { monotonicMs } from './clock.ts';

/** One tick costs about 2 µs: 0.01 % of a core. */
const TICK_MS = 20;
const WINDOW_MS = 10_000;

export interface LoopDelay {
  /** Largest lateness since the last call, ms ≥ 0, a stall that has just ended included. One reader only. */
  takeMaxMs(): number;
  /** Largest lateness of the last 10 to 20 s, ms ≥ 0. Any number of readers: for a status. */
  recentMaxMs(): number;
  stop(): void;
}

/** Watches with an unref'd timer of 20 ms. */
export function watchLoopDelay(): LoopDelay {
  let due = monotonicMs() + TICK_MS;
  let taken = 0;
  let current = 0;
  let previous = 0;
  let windowEnd = due + WINDOW_MS;

  const look = (): void => {
    const now = monotonicMs();
    if (now > windowEnd) {
      previous = now > windowEnd + WINDOW_MS ? 0 : current;
      current = 0;
      windowEnd = now + WINDOW_MS;
    }
    const late = now - due;
    if (late > taken) taken = late;
    if (late > current) current = late;
    // What has been seen is not seen again: a look between the stall and its overdue tick would double it.
    if (late > 0) due = now + TICK_MS;
  };
  const timer = setInterval(() => {
    look();
    due = monotonicMs() + TICK_MS;
  }, TICK_MS).unref();

  return {
    takeMaxMs: () => {
      look();
      const max = taken;
      taken = 0;
      return max;
    },
    recentMaxMs: () => {
      look();
      return Math.max(current, previous);
    },
    stop: () => clearInterval(timer),
  };
}

/**
 * The one clock for all stamps: milliseconds of the host's monotonic clock, the same in every process of a
 * machine. A double holds them to better than 1 µs for 250 years of uptime.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Wall clock less monotonic clock, as last seen. */
let offsetMs = Date.now() - monotonicMs();

/**
 * Wall clock, Unix milliseconds with microseconds as fraction. Used for `time`, never for a duration.
 *
 * Always within the millisecond that `Date.now()` shows, so it follows every step and slew of the host's
 * clock at the next call; the fraction comes from the monotonic clock. `performance.timeOrigin` would not
 * do: it is fixed at process start, and a gateway lives for months.
 */
export function wallMs(): number {
  const now = Date.now();
  const estimate = offsetMs + monotonicMs();
  if (estimate >= now && estimate < now + 1) return estimate;
  // Below: the anchor was taken late in its millisecond. Above: it was too high, or the clock was set.
  const wall = estimate < now ? now : now + 0.999;
  offsetMs += wall - estimate;
  return wall;
}

/**
 * The one clock for all stamps: milliseconds of the host's monotonic clock, the same in every process of a
 * machine. A double holds them to better than 1 µs for 250 years of uptime.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Wall clock, Unix milliseconds with microseconds as fraction. Used for `time`, never for a duration. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

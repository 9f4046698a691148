/**
 * Loaded into the processes of a target (`NODE_OPTIONS=--import`): in a gateway it notes each time at which the
 * event loop was held up, and what the process did meanwhile. Written as JSON to `BENCH_STALLS`/PID.json when the
 * process ends.
 *
 * A timer every 2 ms tells how late the loop is; the kernel tells how long the thread was ready and had no core
 * (schedstat), and how long it ran; V8 tells of its collections. It costs about 1 % of a core.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { monotonicMs } from '../src/telemetry/clock.ts';
import type { Collection, Pause, StallRecord } from './stall-record.ts';

const TICK_MS = 2;
/** A shorter delay is nothing: a turn of the loop with a few dozen reads takes as long. */
const LEAST_MS = 2;
/** More is not noted: a gateway that stalls so often has told enough. */
const MOST = 50_000;

const folder = process.env.BENCH_STALLS ?? '';
const isGateway = /\/main\/gateway\.[jt]s$/.test(process.argv[1] ?? '');
if (isGateway && folder !== '') watch();

function watch(): void {
  const pauses: Pause[] = [];
  const collections: Collection[] = [];
  const offsetMs = monotonicMs() - performance.now();
  const kinds = new Map<number, string>([
    [constants.NODE_PERFORMANCE_GC_MINOR, 'scavenge'],
    [constants.NODE_PERFORMANCE_GC_MAJOR, 'mark-compact'],
    [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental mark'],
    [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak callbacks'],
  ]);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { startTime, duration } = entry;
      const kind = kinds.get(kindOf(entry)) ?? 'other';
      if (collections.length < MOST)
        collections.push({ startMs: startTime + offsetMs, ms: duration, kind });
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  const schedstat = openSync('/proc/self/schedstat', 'r');
  const text = Buffer.alloc(128);
  const look = () => {
    const length = readSync(schedstat, text, 0, text.length, 0);
    // Time on a core, time in the run queue, both in ns.
    const waited = Number(text.toString('latin1', 0, length).split(' ')[1] ?? 0);
    const { user, system } = process.threadCpuUsage();
    return { atMs: monotonicMs(), ranMs: (user + system) / 1e3, waitedMs: waited / 1e6 };
  };
  let last = look();
  setInterval(() => {
    const now = look();
    const lateMs = now.atMs - last.atMs - TICK_MS;
    if (lateMs >= LEAST_MS && pauses.length < MOST) {
      pauses.push({
        startMs: last.atMs,
        endMs: now.atMs,
        lateMs,
        ranMs: now.ranMs - last.ranMs,
        waitedMs: now.waitedMs - last.waitedMs,
      });
    }
    last = now;
  }, TICK_MS).unref();
  process.on('exit', () => {
    closeSync(schedstat);
    const record: StallRecord = { pauses, collections };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(record));
  });
}

/** Node's types leave out what its documentation has: `detail`. */
function kindOf(entry: PerformanceEntry): number {
  return Number(Reflect.get(Object(Reflect.get(entry, 'detail')), 'kind'));
}

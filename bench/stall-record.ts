/** What held a gateway's event loop up. Pure. */

/** The loop came `lateMs` late. Host's monotonic clock. */
export interface Pause {
  readonly startMs: number;
  readonly endMs: number;
  readonly lateMs: number;
  /** CPU of its thread meanwhile. */
  readonly ranMs: number;
  /** Ready to run, without a core. */
  readonly waitedMs: number;
}

/** Of garbage. */
export interface Collection {
  readonly startMs: number;
  readonly ms: number;
  readonly kind: string;
}

export interface StallRecord {
  readonly pauses: readonly Pause[];
  readonly collections: readonly Collection[];
}

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export type Cause = 'garbage collection' | 'waited for a core' | 'own work' | 'blocked';

export interface Stall {
  /** Since the window's begin. */
  readonly atMs: number;
  readonly lateMs: number;
  readonly gcMs: number;
  readonly waitedMs: number;
  /** On a core, without what the collector took. */
  readonly workMs: number;
  /** The largest part. */
  readonly cause: Cause;
  /** Kinds of the collections in it. */
  readonly kinds: readonly string[];
}

/** @returns the stalls of a window, longest first */
export function stallsOf({ pauses, collections }: StallRecord, window: Window): Stall[] {
  const own = pauses.filter((p) => p.startMs >= window.fromMs && p.endMs <= window.toMs);
  const stalls = own.map((pause) => toStall(pause, collections, window.fromMs));
  return stalls.sort((a, b) => b.lateMs - a.lateMs);
}

function toStall(pause: Pause, collections: readonly Collection[], fromMs: number): Stall {
  const during = collections.filter(
    ({ startMs, ms }) => startMs < pause.endMs && startMs + ms > pause.startMs,
  );
  const collectingMs = during.reduce((sum, { startMs, ms }) => {
    const end = Math.min(startMs + ms, pause.endMs);
    return sum + end - Math.max(startMs, pause.startMs);
  }, 0);
  const { lateMs, waitedMs, ranMs } = pause;
  // A collection that had no core was not what held the loop up.
  const gcMs = Math.min(collectingMs, ranMs);
  const workMs = ranMs - gcMs;
  const blockedMs = Math.max(0, pause.endMs - pause.startMs - ranMs - waitedMs);
  const parts: readonly (readonly [Cause, number])[] = [
    ['garbage collection', gcMs],
    ['waited for a core', waitedMs],
    ['own work', workMs],
    ['blocked', blockedMs],
  ];
  const [cause] = parts.reduce((most, part) => (part[1] > most[1] ? part : most));
  const kinds = [...new Set(during.map(({ kind }) => kind))];
  return { atMs: pause.startMs - fromMs, lateMs, gcMs, waitedMs, workMs, cause, kinds };
}

export interface CollectionSum {
  readonly kind: string;
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** @returns the collections of a window by kind, the longest first */
export function collectionsOf({ collections }: StallRecord, window: Window): CollectionSum[] {
  const sums = new Map<string, CollectionSum>();
  for (const { startMs, ms, kind } of collections) {
    if (startMs < window.fromMs || startMs > window.toMs) continue;
    const { count, totalMs, maxMs } = sums.get(kind) ?? { count: 0, totalMs: 0, maxMs: 0 };
    sums.set(kind, { kind, count: count + 1, totalMs: totalMs + ms, maxMs: Math.max(maxMs, ms) });
  }
  return [...sums.values()].sort((a, b) => b.maxMs - a.maxMs);
}

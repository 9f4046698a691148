/** Reads a CPU profile of V8 (`--cpu-prof`). Pure. */

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
}

interface CpuProfile {
  /** µs of the host's monotonic clock. */
  readonly startTime: number;
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** µs, one a sample. */
  readonly timeDeltas: readonly number[];
}

export interface SelfTime {
  /** `copyOfRead src/gateway/shared-read.ts:53` */
  readonly place: string;
  /** Of the time that was not idle, 0 to 1. */
  readonly share: number;
}

/** Waiting for events, and the profiler's own. */
const IDLE: ReadonlySet<string> = new Set(['(idle)']);

export interface ProfileOptions {
  /** Folder that is taken off the paths. */
  readonly root: string;
  /** What was sampled before and after is left out: µs of the host's monotonic clock. */
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * @param text - content of a `.cpuprofile`
 * @returns functions by their own time, longest first
 */
export function selfTimes(text: string, options: ProfileOptions): SelfTime[] {
  const { root, fromUs, toUs } = options;
  const profile: CpuProfile = JSON.parse(text);
  const places = new Map(profile.nodes.map((node) => [node.id, placeOf(node, root)]));
  const times = new Map<string, number>();
  let totalUs = 0;
  let nowUs = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const place = places.get(id) ?? '';
    const us = profile.timeDeltas[i] ?? 0;
    nowUs += us;
    if (IDLE.has(place) || nowUs < fromUs || nowUs > toUs) continue;
    totalUs += us;
    times.set(place, (times.get(place) ?? 0) + us);
  }
  return [...times]
    .map(([place, us]) => ({ place, share: us / totalUs }))
    .sort((a, b) => b.share - a.share);
}

function placeOf({ callFrame }: ProfileNode, root: string): string {
  const { functionName, url, lineNumber } = callFrame;
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  return `${name} ${url.replace(`file://${root}`, '')}:${lineNumber + 1}`;
}

/** What work cost: pairs, wall time, CPU of this process with all its threads. */

export interface Cost {
  readonly pairs: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** @returns a meter that was started now: call it with the pairs that were done */
export function startMeter(): (pairs: number) => Cost {
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  return (pairs) => {
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - startMs) / 1_000;
    return { pairs, seconds, cpuSeconds: (user + system) / 1e6 };
  };
}

/** Of several runs, the one in the middle by CPU a pair. */
export function middleOf(costs: readonly Cost[]): Cost {
  const sorted = [...costs].sort((a, b) => cpuMicros(a) - cpuMicros(b));
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

export function cpuMicros({ pairs, cpuSeconds }: Cost): number {
  return (cpuSeconds / pairs) * 1e6;
}

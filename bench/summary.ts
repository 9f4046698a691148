/** Medians over rounds. Ratios are taken inside a round, where both sides had the same machine. Pure. */
import type { Measurement } from './measure.ts';

/** Share of the machine that the hypervisor or others may take; a measurement with more is left out. */
export const MAX_NOISE = 0.1;

export function noiseOf({ steal, foreign }: Measurement): number {
  return steal + foreign;
}

/** Middle, smallest and largest of the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Round {
  readonly connections: number;
  /** By key of the target. */
  readonly measurements: Readonly<Record<string, Measurement>>;
}

export interface Row {
  /** Measurements used, and made. Where all were noisy, all are used: `usedNoisy`. */
  readonly used: number;
  readonly made: number;
  readonly usedNoisy: boolean;
  readonly requestsPerSecond: Spread;
  /** Requests a second, in shares of those of each base. */
  readonly rateRatios: readonly (Spread | null)[];
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly maxMs: Spread;
  readonly gatewayCpuUs: Spread | null;
  readonly allCpuUs: Spread | null;
  /** CPU a request, in shares of that of each base. */
  readonly gatewayCpuRatios: readonly (Spread | null)[];
  readonly allCpuRatios: readonly (Spread | null)[];
  readonly coverage: Spread | null;
  readonly pairsPerSecond: Spread | null;
  readonly foreign: Spread;
  readonly steal: Spread;
  /** Medians, MiB. */
  readonly peakRssMiB: Readonly<Record<string, number>>;
  /** Sums over the rounds. */
  readonly losses: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly unsettled: readonly string[];
}

/** @param values - numbers; NaN and null are left out; @returns `null` where nothing is left */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const sorted = values
    .filter((value): value is number => value !== null && !Number.isNaN(value))
    .sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return null;
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? min;
  const high = sorted[Math.ceil(middle)] ?? max;
  return { median: (low + high) / 2, min, max };
}

const NONE: Spread = { median: Number.NaN, min: Number.NaN, max: Number.NaN };

/** Keys of the targets that others are held against. */
export interface Bases {
  readonly rate: readonly string[];
  readonly cpu: readonly string[];
}

/** @param rounds - of one number of connections */
export function summarise(rounds: readonly Round[], target: string, bases: Bases): Row {
  const made = rounds.flatMap(({ measurements }) => measurements[target] ?? []);
  const own = quietOr(made, noiseOf);
  const over = (read: (m: Measurement) => number | null): Spread | null => spreadOf(own.map(read));
  const against = (base: string, read: (m: Measurement) => number | null): Spread | null => {
    const couples = rounds.flatMap(({ measurements }) => {
      const mine = measurements[target];
      const theirs = measurements[base];
      return mine === undefined || theirs === undefined ? [] : [{ mine, theirs }];
    });
    const used = quietOr(couples, ({ mine, theirs }) => Math.max(noiseOf(mine), noiseOf(theirs)));
    return spreadOf(
      used.map(({ mine, theirs }) => {
        const [top, bottom] = [read(mine), read(theirs)];
        return top === null || bottom === null ? null : top / bottom;
      }),
    );
  };
  const rate = (m: Measurement): number => m.requestsPerSecond;
  return {
    used: own.length,
    made: made.length,
    usedNoisy: own.some((m) => noiseOf(m) > MAX_NOISE),
    requestsPerSecond: over(rate) ?? NONE,
    rateRatios: bases.rate.map((base) => against(base, rate)),
    p50Ms: over((m) => m.p50Ms) ?? NONE,
    p99Ms: over((m) => m.p99Ms) ?? NONE,
    maxMs: over((m) => m.maxMs) ?? NONE,
    gatewayCpuUs: over((m) => m.gatewayCpuUs),
    allCpuUs: over((m) => m.allCpuUs),
    gatewayCpuRatios: bases.cpu.map((base) => against(base, (m) => m.gatewayCpuUs)),
    allCpuRatios: bases.cpu.map((base) => against(base, (m) => m.allCpuUs)),
    coverage: over((m) => m.coverage),
    pairsPerSecond: over((m) => m.pairsPerSecond),
    foreign: over((m) => m.foreign) ?? NONE,
    steal: over((m) => m.steal) ?? NONE,
    peakRssMiB: peaksOf(own),
    losses: lossesOf(made),
    errors: made.reduce((sum, { errors }) => sum + errors, 0),
    unsettled: made.map(({ unsettled }) => unsettled).filter((text) => text !== ''),
  };
}

/** What nobody disturbed; all of it where there is none of that. */
function quietOr<T>(all: readonly T[], noise: (one: T) => number): readonly T[] {
  const quiet = all.filter((one) => noise(one) <= MAX_NOISE);
  return quiet.length > 0 ? quiet : all;
}

function peaksOf(measurements: readonly Measurement[]): Record<string, number> {
  const names = Object.keys(measurements[0]?.peakRssMiB ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const peaks = measurements.map(({ peakRssMiB }) => peakRssMiB[name] ?? null);
      return [name, spreadOf(peaks)?.median ?? Number.NaN];
    }),
  );
}

function lossesOf(measurements: readonly Measurement[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { losses } of measurements) {
    for (const [name, count] of Object.entries(losses)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

import type { LoadResult } from './load.ts';

/** @param latenciesMs - of all answers; sorted in place */
export function summariseLatencies(
  latenciesMs: number[],
  seconds: number,
  errors: number,
): LoadResult {
  latenciesMs.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(share * latenciesMs.length))] ?? 0;
  return {
    requests: latenciesMs.length,
    seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: latenciesMs.at(-1) ?? 0,
    errors,
  };
}

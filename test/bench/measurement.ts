import type { Measurement } from '../../bench/measure.ts';

/** A quiet measurement without a mirror. */
export function measurement(
  requestsPerSecond: number,
  change: Partial<Measurement> = {},
): Measurement {
  return {
    requestsPerSecond,
    p50Ms: 1,
    p99Ms: 2,
    maxMs: 3,
    errors: 0,
    gatewayCpuUs: 20,
    allCpuUs: 40,
    peakRssMiB: { gw0: 100 },
    coverage: null,
    pairsPerSecond: null,
    losses: {},
    steal: 0,
    foreign: 0,
    generatorShare: 0.1,
    unsettled: '',
    ...change,
  };
}

/**
 * Quantile by the nearest-rank method: the smallest value that at least the share `q` of all values does
 * not exceed. Exact, since the demo has few values; large ones go through histograms.
 *
 * @param ascending - sorted, finite
 * @param q - share in (0, 1]
 * @returns NaN of no values
 */
export function quantile(ascending: Float64Array, q: number): number {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? Number.NaN;
}

/** The quantiles that the demo shows, in the unit of the values. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** NaN where there are no values. */
export function toSpread(values: readonly number[]): Spread {
  const ascending = Float64Array.from(values).sort();
  return {
    count: ascending.length,
    p50: quantile(ascending, 0.5),
    p95: quantile(ascending, 0.95),
    p99: quantile(ascending, 0.99),
    max: quantile(ascending, 1),
  };
}

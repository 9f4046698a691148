/** Numbers as reports print them: three significant digits, units beside them. Pure. */

export function count(n: number): string {
  return n.toLocaleString('en-GB');
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return 'unbounded';
  // Digits before the point are all kept: 1,234.5 is no 1.23e+3.
  return String(Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** @param share - 1 is 100 %; four digits, so that 99.95 % is not 100 % */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}

export function ms(value: number): string {
  return `${number(value)} ms`;
}

export function range(
  [low, high]: readonly [number, number],
  of: (value: number) => string,
): string {
  return `${of(low)} to ${of(high)}`;
}

/** @param atMs - Unix ms */
export function when(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
}

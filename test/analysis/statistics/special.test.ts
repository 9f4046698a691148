import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  logBeta,
  logIncompleteBeta,
  logIncompleteBetaScaled,
  unitPoint,
} from '../../../src/analysis/statistics/incomplete-beta.ts';
import {
  logIncompleteGammaLower,
  logIncompleteGammaScaled,
  logIncompleteGammaUpper,
} from '../../../src/analysis/statistics/incomplete-gamma.ts';
import {
  devianceTerm,
  logGamma,
  stirlingError,
} from '../../../src/analysis/statistics/log-gamma.ts';
import {
  logNormalUpper,
  normalCdf,
  normalQuantile,
  normalTwoSided,
} from '../../../src/analysis/statistics/normal.ts';

/** Against tables of mpmath with 50 digits: test/oracles/special.py. */
type Row = readonly (number | string)[];
const TABLES = JSON.parse(readFileSync('test/oracles/special.json', 'utf8')) as Record<
  string,
  readonly Row[]
>;

/** The largest relative error over a table, with the arguments that have it. */
function worst(
  table: string,
  of: (args: number[]) => number,
  { column, floor = 0 }: { column: number; floor?: number },
): { error: number; at: string } {
  let largest = { error: 0, at: '' };
  for (const row of TABLES[table] ?? []) {
    const args = row.filter((cell) => typeof cell === 'number');
    const exact = Number(row[args.length + column]);
    const error = Math.abs(of(args) - exact) / Math.max(Math.abs(exact), floor, 1e-300);
    if (!(error <= largest.error)) largest = { error, at: JSON.stringify(row) };
  }
  return largest;
}

const point = ([x = 0]: number[]): ReturnType<typeof unitPoint> => unitPoint(x);

describe('special functions against mpmath: worst relative error', () => {
  it.each([
    ['logGamma', ([x = 0]: number[]) => logGamma(x), { column: 0 }, 1e-13],
    ['logGamma', ([x = 0]: number[]) => stirlingError(x), { column: 1, floor: 1 }, 2e-15],
    ['deviance', ([x = 0, m = 0]: number[]) => devianceTerm(x, m), { column: 0 }, 1e-12],
    [
      'incompleteBeta',
      (r: number[]) => logIncompleteBetaScaled(point(r), r[1] ?? 0, r[2] ?? 0),
      { column: 0 },
      1e-12,
    ],
    [
      'incompleteBeta',
      (r: number[]) => logIncompleteBeta(point(r), r[1] ?? 0, r[2] ?? 0),
      // The logarithm of a probability near 1 is near 0: the probability is what is exact.
      { column: 1, floor: 1 },
      1e-12,
    ],
    ['incompleteBeta', (r: number[]) => logBeta(r[1] ?? 0, r[2] ?? 0), { column: 2 }, 1e-12],
    [
      'incompleteGamma',
      ([p = 0, z = 0]: number[]) => logIncompleteGammaScaled(p, z),
      { column: 0 },
      1e-12,
    ],
    [
      'incompleteGamma',
      ([p = 0, z = 0]: number[]) => logIncompleteGammaLower(p, z),
      { column: 1 },
      1e-12,
    ],
    [
      'incompleteGamma',
      ([p = 0, z = 0]: number[]) => logIncompleteGammaUpper(p, z),
      { column: 2 },
      1e-12,
    ],
    ['normalQuantile', ([p = 0]: number[]) => normalQuantile(p), { column: 0 }, 1e-13],
    ['normalLogUpper', ([z = 0]: number[]) => logNormalUpper(z), { column: 0 }, 1e-13],
  ] as const)('%s, case %#', (table, of, options, bound) => {
    const { error, at } = worst(table, of, options);
    expect(error, at).toBeLessThanOrEqual(bound);
  });
});

describe('the ends of the domains', () => {
  it('have their limits', () => {
    expect(logIncompleteGammaLower(3, 0)).toBe(Number.NEGATIVE_INFINITY);
    expect(logIncompleteGammaUpper(3, 0)).toBe(0);
    expect(logIncompleteGammaUpper(3, Number.POSITIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(logIncompleteGammaLower(3, Number.POSITIVE_INFINITY)).toBe(0);
    expect(normalQuantile(0.5)).toBe(0);
    expect(normalCdf(0)).toBe(0.5);
    expect(normalTwoSided(0)).toBe(1);
    expect(normalTwoSided(-1.959963984540054)).toBeCloseTo(0.05, 15);
    expect(devianceTerm(0, 3)).toBe(3);
  });

  it.each([
    () => logGamma(0),
    () => logGamma(Number.NaN),
    () => logGamma(Number.POSITIVE_INFINITY),
    () => logIncompleteBeta(unitPoint(0), 1, 1),
    () => logIncompleteBeta(unitPoint(1), 1, 1),
    () => logIncompleteBetaScaled(unitPoint(0.5), -1, 1),
    () => logBeta(0, 1),
    () => logIncompleteGammaLower(1, -1),
    () => logIncompleteGammaUpper(0, 1),
    () => normalQuantile(1),
    () => normalQuantile(0),
    () => normalCdf(Number.NaN),
  ])('refuse what is outside, case %#', (call) => {
    expect(call).toThrowError(expect.objectContaining({ code: 'UND_ANALYSIS_DOMAIN' }));
  });
});

import { requireCount, requireThat } from './domain.ts';

/** Paired 2×2 table of two yes/no outcomes on the same requests. */
export interface PairedTable {
  /** Both have it. */
  readonly a: number;
  /** Only the first. */
  readonly b: number;
  /** Only the second. */
  readonly c: number;
  /** Neither. */
  readonly d: number;
}

/** @returns the number of pairs, ≥ 1. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` on a cell that is no count */
export function tableSize({ a, b, c, d }: PairedTable): number {
  requireCount('a', a);
  requireCount('b', b);
  requireCount('c', c);
  requireCount('d', d);
  const n = a + b + c + d;
  requireThat(n > 0, 'n', n, 'at least one pair');
  return n;
}

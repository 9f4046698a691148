/**
 * Copies that the breaker kept from a sick candidate. No pair tells of them, yet its callers would have had no answer:
 * where failures are judged, each counts as one of the candidate's, with the loss 1. Nobody knows how the incumbent
 * answered these exchanges, nor their segments: they count in all pairs, and as if it had answered well. Pure.
 */
import type { GuardrailKind } from './plan.ts';
import type { LossTotals } from './statistics/empirical-bernstein.ts';

/** @param refused - copies kept back, integer ≥ 0 */
export function withRefused(kind: GuardrailKind, totals: LossTotals, refused: number): LossTotals {
  if (kind !== 'errors' || refused === 0) return totals;
  const { n, sum, squares } = totals;
  return { n: n + refused, sum: sum + refused, squares: squares + refused };
}

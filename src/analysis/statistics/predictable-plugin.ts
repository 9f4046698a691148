/**
 * Predictable plug-in confidence sequences for values in [0, 1]: tighter, but they depend on the order of the values.
 *
 * For offline comparison in one fixed order; a verdict uses the order-free empirical-bernstein.ts.
 *
 *     μ_t = (1/2 + Σx)/(t+1),  σ²_t = (1/4 + Σ(x_i - μ_i)²)/(t+1),
 *     λ_t = min(1/2, sqrt(2 ln(1/a) / (σ²_(t-1) t ln(1+t))))
 *
 * Source: Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by betting", Thm 2 and section 4.
 */
import { requireOpenUnit, requireThat, requireWithin } from './domain.ts';
import { lastReal } from './solve.ts';

const TRUNCATION = 0.5;

/**
 * λ_1 … λ_n, each a function of the values before it.
 *
 * @param values - in [0, 1]
 * @param level - a in (0, 1)
 * @param truncation - largest λ; 1/2 if left out
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function plugInBets(
  values: readonly number[],
  level: number,
  truncation: number = TRUNCATION,
): number[] {
  requireOpenUnit('level', level);
  let [sum, squares, variance] = [0, 0, 0.25];
  return values.map((x, i) => {
    requireWithin('value', x, [0, 1]);
    const t = i + 1;
    const bet = Math.sqrt((-2 * Math.log(level)) / (variance * t * Math.log1p(t)));
    sum += x;
    squares += (x - (0.5 + sum) / (t + 1)) ** 2;
    variance = (0.25 + squares) / (t + 1);
    return Math.min(truncation, bet);
  });
}

/**
 * Two-sided empirical Bernstein sequence at the last value, level alpha/2 a side.
 *
 * @param values - in [0, 1], in their order, at least one
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function plugInSequence(
  values: readonly number[],
  alpha: number,
): readonly [number, number] {
  const lower = plugInLower(values, alpha / 2);
  const mirrored = values.map((x) => 1 - x);
  return [Math.max(0, lower), Math.min(1, 1 - plugInLower(mirrored, alpha / 2))];
}

function plugInLower(values: readonly number[], level: number): number {
  requireThat(values.length >= 1, 'length', values.length, 'at least 1');
  const bets = plugInBets(values, level);
  let [weighted, total, penalty, sum] = [0, 0, 0, 0];
  for (const [i, x] of values.entries()) {
    const bet = bets[i] as number;
    const before = i === 0 ? 0 : sum / i;
    weighted += bet * x;
    total += bet;
    penalty += (x - before) ** 2 * (-Math.log1p(-bet) - bet);
    sum += x;
  }
  return (weighted - (-Math.log(level) + penalty)) / total;
}

/**
 * Hedged betting sequence at the last value: the m for which neither of two bettors has earned 2/alpha.
 *
 * @param values - in [0, 1], in their order, at least one
 * @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN`
 */
export function bettingSequence(
  values: readonly number[],
  alpha: number,
): readonly [number, number] {
  requireThat(values.length >= 1, 'length', values.length, 'at least 1');
  const bets = plugInBets(values, alpha / 2, Number.POSITIVE_INFINITY);
  const bar = Math.log(2 / alpha);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  // K+ falls and K- rises in m, up to the caps of the bets; searched outward from the mean.
  const up = (m: number): number => logWealth(values, bets, { m, sign: 1, cap: TRUNCATION / m });
  const down = (m: number): number =>
    logWealth(values, bets, { m, sign: -1, cap: TRUNCATION / (1 - m) });
  const lower = mean - lastReal(0, mean, (fall) => up(mean - fall) < bar);
  const upper = mean + lastReal(0, 1 - mean, (rise) => down(mean + rise) < bar);
  return [lower, upper];
}

function logWealth(
  values: readonly number[],
  bets: readonly number[],
  { m, sign, cap }: { readonly m: number; readonly sign: 1 | -1; readonly cap: number },
): number {
  return values.reduce(
    (sum, x, i) => sum + Math.log1p(sign * Math.min(bets[i] as number, cap) * (x - m)),
    0,
  );
}

/** Runs scenarios and sums them up. */
import { logIncompleteBeta } from '../../src/analysis/statistics/incomplete-beta.ts';
import { lastReal } from '../../src/analysis/statistics/solve.ts';
import { createRandom } from './random.ts';
import type { Race, Scenario } from './scenarios.ts';
import { bernoulliDecision, boundedDecision, type Watched, watch } from './watch.ts';

export interface Size {
  readonly streams: number;
  readonly pairs: number;
  readonly seed: number;
}

export interface ErrorResult {
  readonly name: string;
  readonly title: string;
  readonly streams: number;
  /** Shares of streams. */
  readonly falsePass: number;
  readonly falseFail: number;
  readonly everPass: number;
  readonly everFail: number;
  /** One-sided 95 % lower bound of the larger false share: within the bar while ≤ alpha. */
  readonly lowerBound: number;
  readonly alpha: number;
}

export interface RaceResult {
  readonly name: string;
  readonly title: string;
  readonly fixedN: number;
  /** Pairs by which so many streams have decided; Infinity where fewer ever did. */
  readonly median: number;
  readonly eighty: number;
  readonly ninety: number;
  /** Share of streams that ever met the opposite verdict. */
  readonly wrong: number;
  readonly bars?: { readonly median: number; readonly ninety: number };
}

function decisionOf({ levels, c }: Pick<Scenario, 'levels' | 'c'>, pairs: number): Watched {
  return c === undefined ? bernoulliDecision(levels, pairs) : boundedDecision(levels, pairs, c);
}

export function runErrors(scenario: Scenario, { streams, pairs, seed }: Size): ErrorResult {
  const watched = decisionOf(scenario, pairs);
  let [falsePass, falseFail, everPass, everFail] = [0, 0, 0, 0];
  for (let i = 0; i < streams; i++) {
    const stream = scenario.stream(createRandom(seed * 1_000_003 + i), pairs);
    const outcome = watch(stream, pairs, watched);
    falsePass += Number(outcome.falsePass);
    falseFail += Number(outcome.falseFail);
    everPass += Number(outcome.passAt > 0);
    everFail += Number(outcome.failAt > 0);
  }
  return {
    name: scenario.name,
    title: scenario.title,
    streams,
    falsePass: falsePass / streams,
    falseFail: falseFail / streams,
    everPass: everPass / streams,
    everFail: everFail / streams,
    lowerBound: binomialLower(Math.max(falsePass, falseFail), streams),
    alpha: scenario.levels.alpha,
  };
}

/** Clopper-Pearson, one-sided 95 %: the rate below which so many would be seen in 5 %. */
export function binomialLower(k: number, n: number): number {
  if (k === 0) return 0;
  if (k === n) return 0.05 ** (1 / n);
  const level = Math.log(0.05);
  return lastReal(
    1e-12,
    k / n,
    (p) => logIncompleteBeta({ x: p, y: 1 - p }, k, n - k + 1) <= level,
  );
}

export function runRace(race: Race, { streams, pairs, seed }: Size): RaceResult {
  const watched = decisionOf(race, pairs);
  const decidedAt: number[] = [];
  let wrong = 0;
  for (let i = 0; i < streams; i++) {
    const stream = race.stream(createRandom(seed * 1_000_003 + i), pairs);
    const { passAt, failAt } = watch(stream, pairs, watched);
    const [right, other] = race.verdict === 'PASS' ? [passAt, failAt] : [failAt, passAt];
    if (right > 0) decidedAt.push(right);
    wrong += Number(other > 0);
  }
  decidedAt.sort((a, b) => a - b);
  const at = (share: number): number =>
    decidedAt[Math.ceil(share * streams) - 1] ?? Number.POSITIVE_INFINITY;
  const { name, title, fixedN } = race;
  const rest = { name, title, fixedN, wrong: wrong / streams };
  const points = { median: at(0.5), eighty: at(0.8), ninety: at(0.9) };
  return race.bars === undefined ? { ...rest, ...points } : { ...rest, ...points, bars: race.bars };
}

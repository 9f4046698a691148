import { describe, expect, it } from 'vitest';
import { OUTCOMES, runOutcomes } from '../../bench/simulate/late-outcomes.ts';
import { createRandom } from '../../bench/simulate/random.ts';
import { binomialLower, runErrors, runRace } from '../../bench/simulate/run-scenario.ts';
import { ERRORS, RACES, type Scenario } from '../../bench/simulate/scenarios.ts';
import { batches, independent } from '../../bench/simulate/streams.ts';
import { boundedDecision, watch } from '../../bench/simulate/watch.ts';
import { createBoundedTest } from '../../src/analysis/statistics/empirical-bernstein.ts';

/** Shortened: the whole is `npm run simulate`, its results are in docs/statistics.md. */
const SIZE = { streams: 120, pairs: 6_000, seed: 1 };

describe('false verdicts at the margin, with a look after every pair', () => {
  it.each(ERRORS)('$title: PASS and FAIL are false in at most alpha of the streams', (scenario) => {
    const result = runErrors(scenario, SIZE);
    expect(result.lowerBound).toBeLessThanOrEqual(result.alpha);
  });

  it('would be seen: a fixed-n interval looked at after every pair breaks the bar', () => {
    const delta = 0.01;
    const decide = (n: number, sum: number): number => {
      const z = (delta * n - sum) / Math.sqrt(n * delta * (1 - delta));
      if (n < 300) return 0;
      return z > 1.645 ? 1 : Number(z < -1.645) * -1;
    };
    let wrong = 0;
    for (let i = 0; i < 200; i++) {
      const stream = independent(delta)(createRandom(i), 6_000);
      wrong += Number(watch(stream, 6_000, { delta, decide }).falsePass);
    }
    expect(binomialLower(wrong, 200)).toBeGreaterThan(0.05);
  });

  it('would be seen: predictions of a batch counted as pairs of their own', () => {
    const scenario = ERRORS.find(({ name }) => name === 'batch-5') as Scenario;
    const share = runErrors(scenario, { ...SIZE, streams: 60 });
    const single: Scenario = {
      name: 'single',
      title: '',
      levels: scenario.levels,
      // A whole batch of 32 moves together half the time; each prediction is taken for independent.
      stream: (random, n) => {
        const batch = batches(0.01, 0.5)(random, n);
        const step = { loss: 0, mean: 0 };
        return (into, i) => {
          if (i % 32 === 0) batch(step, i);
          into.mean = 0.01;
          into.loss = random() < step.loss ? 1 : 0;
        };
      },
    };
    expect(share.lowerBound).toBeLessThanOrEqual(0.05);
    expect(runErrors(single, { ...SIZE, streams: 60 }).everPass).toBeGreaterThan(0.2);
  });
});

describe('guardrails of quality, outcomes late or missing', () => {
  const size = { streams: 40, pairs: 2_000, seed: 1 };

  it.each(OUTCOMES)('$title: false in at most alpha of the streams', (scenario) => {
    const result = runOutcomes(scenario, size);
    expect(result.lowerBound).toBeLessThanOrEqual(result.alpha);
  });

  it('would be seen: missing outcomes passed over', () => {
    const selective = OUTCOMES.filter(({ arrival }) => arrival === 'selective');
    const [margin, identical] = selective.map((scenario) => runOutcomes(scenario, size, 0));
    expect(margin?.falsePass).toBeGreaterThan(0.9);
    expect(identical?.falseFail).toBeGreaterThan(0.9);
  });
});

describe('time to decide at a planned t_opt', () => {
  it.each(RACES.filter((race) => race.bars !== undefined))('$title', (race) => {
    const size = { streams: 200, pairs: Math.round(race.fixedN * 4), seed: 2 };
    const result = runRace(race, size);
    // The bars of 2,000 streams, with room for the noise of 200: 10 %.
    expect(result.median / race.fixedN).toBeLessThanOrEqual(1.1 * (race.bars?.median ?? 0));
    expect(result.ninety / race.fixedN).toBeLessThanOrEqual(1.1 * (race.bars?.ninety ?? 0));
    expect(result.wrong).toBeLessThanOrEqual(0.02);
  });

  it('is the number of pairs alone for an identical candidate', () => {
    const race = RACES.find(({ name }) => name === 'identical');
    if (race === undefined) throw new Error('no such race');
    const { median, ninety } = runRace(race, { streams: 3, pairs: 2_000, seed: 1 });
    expect(median).toBe(ninety);
    expect(median).toBeLessThan(2 * 299);
  });
});

describe('the table of radii', () => {
  it('decides as the test itself', () => {
    const levels = { delta: 0.01, alpha: 0.05, tOpt: 10_000 };
    const { decide } = boundedDecision(levels, 5_000, 1);
    const test = createBoundedTest({ delta: 0.01, c: 1, vOpt: 100, alphaOpt: 0.05 });
    const random = createRandom(5);
    for (let i = 0; i < 400; i++) {
      const n = 1 + Math.floor(random() * 5_000);
      const squares = random() * n * 0.05;
      const sum = (random() - 0.5) * 0.04 * n;
      const bar = Math.log(20);
      const passes = test.logPass({ n, sum, squares }) >= bar;
      const fails = test.logFail({ n, sum, squares }) >= bar;
      expect(decide(n, sum, squares)).toBe(Number(passes) - Number(fails));
    }
  });
});

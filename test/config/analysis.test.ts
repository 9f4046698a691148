import { describe, expect, it } from 'vitest';
import {
  ANALYSIS_DEFAULTS,
  ANALYSIS_PROFILES,
  GUARDRAIL_PRESETS,
} from '../../src/config/analysis-defaults.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { AnalysisConfig } from '../../src/config/types.ts';
import { ConfigError } from '../../src/errors.ts';

function load(analysis: string, capture = '[/tier]'): AnalysisConfig {
  const yaml = `
listeners:
  - { listen: '127.0.0.1:0', incumbent: '127.0.0.1:9' }
routes:
  - { name: score, path: /v1/score, capture: ${capture} }
  - { name: batch, path: /v1/batch, capture: [/tier, /region] }
candidates:
  - { name: next, url: 'http://127.0.0.1:9' }
analysis: ${analysis}
`;
  return parseConfig(Buffer.from(yaml), 'understudy.yaml').analysis;
}

function problemsOf(analysis: string, capture?: string): string[] {
  try {
    load(analysis, capture);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((p) => `${p.path}: ${p.expected}`);
  }
  return [];
}

describe('analysis', () => {
  it('is judged by the documented margins and a day, where nothing is written', () => {
    expect(load('{}')).toEqual({
      ...ANALYSIS_DEFAULTS,
      ...ANALYSIS_PROFILES.production,
      margins: GUARDRAIL_PRESETS.replacement,
      labels: null,
      segments: [],
      discover: [],
    });
    expect(load('{}').gates.minDurationMs).toBe(24 * 3_600_000);
  });

  it('takes minutes instead of a day with the profile of the demo, and each key of its own', () => {
    const config = load('{ profile: demo, gates: { minPairs: 50 }, cutMs: 1000 }');
    expect(config).toMatchObject({ profile: 'demo', cutMs: 1_000, windowMs: 60_000 });
    expect(config.gates).toEqual({ ...ANALYSIS_PROFILES.demo.gates, minPairs: 50 });
  });

  it('compares values of segments as text, and leaves out what is null', () => {
    const config = load(
      '{ segments: [{ name: two, pointer: /tier, value: 2 }], margins: { errors: null } }',
    );
    expect(config.segments).toEqual([{ name: 'two', pointer: '/tier', value: '2' }]);
    expect(config.margins).toEqual({ ...GUARDRAIL_PRESETS.replacement, errors: null });
  });

  it.each([
    ['{ segments: [{ name: eu, pointer: /region, value: eu }] }', 'analysis.segments[0].pointer'],
    ['{ discover: [/tier, /region] }', 'analysis.discover[1]'],
  ])('refuses a pointer that some route does not capture: %s', (text, path) => {
    expect(problemsOf(text)).toEqual([`${path}: a pointer that stands in capture of every route`]);
    expect(problemsOf(text, '[/tier, /region]')).toEqual([]);
  });

  it.each([
    ['{ windowMs: 450000 }', 'analysis.windowMs: a multiple of cutMs, which is 300000'],
    ['{ cutMs: 7000, profile: demo }', 'analysis.windowMs: a multiple of cutMs, which is 7000'],
    [
      '{ gates: { minDurationMs: 2500000000 } }',
      'analysis.gates.minDurationMs: at most maxDurationMs, which is 2419200000',
    ],
    [
      '{ gates: { validCoverage: 0.999 } }',
      'analysis.gates.validCoverage: at most passCoverage, which is 0.995',
    ],
    ['{ margins: { contract: 0.1 } }', 'analysis.margins.contract: 0 or null'],
    ['{ scoreRange: [1, 0] }', 'analysis.scoreRange: two numbers: [low, high], the first is less'],
    [
      '{ segments: [{ name: a, pointer: /tier, value: 1 }, { name: a, pointer: /tier, value: 2 }] }',
      'analysis.segments[1].name: a name that is used once',
    ],
  ])('refuses what cannot be judged: %s', (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });

  it('refuses a margin of nothing', () => {
    expect(problemsOf('{ margins: { errors: 0 } }')).toHaveLength(1);
  });
});

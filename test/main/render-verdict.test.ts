import { describe, expect, it } from 'vitest';
import type { VerdictSummary } from '../../src/analysis/summary.ts';
import { VERDICTS } from '../../src/analysis/verdict.ts';
import { renderVerdicts } from '../../src/main/commands/render-verdict.ts';
import { exitCode, VERDICT_EXIT } from '../../src/main/commands/verdict.ts';

const FAILED: VerdictSummary = {
  ...{ experiment: 'parity', candidate: 'next', verdict: 'FAIL', attempt: 2, attempts: 3 },
  ...{
    hash: 'abcd',
    profile: 'production',
    startedAt: '2026-11-01T00:00:00.000Z',
    startedBy: 'kim',
  },
  ...{ reason: 'x', closedAt: '', cut: '2026-11-02T00:00:00.000Z', pairs: 18_204, standing: null },
  ...{ firstPassAt: '', withdrawnAt: '', firstFailAt: '2026-11-02T00:00:00.000Z' },
  gates: [{ reason: 'coverage', text: 'coverage of route <a&b> is 99 %,\n50 % more' }],
  evidence: [
    {
      ...{ guardrail: 'label_flips', segment: 'gold', state: 'fail', margin: 0.01, mean: 0.02 },
      ...{
        n: 900,
        sentence: 'in segment gold: flips 2 % "and" \u001b[31m more',
        missingPairs: null,
      },
    },
    {
      ...{ guardrail: 'errors', segment: '', state: 'open', margin: 0.001, mean: 0 },
      ...{ n: 900, sentence: 'failures ≤ 0.3 %', missingPairs: 1_200 },
    },
  ],
  drivers: ['in segment gold: flips 2 % "and" \u001b[31m more'],
  ...{ pairsPerHour: 100, decisionInMs: null, preset: 'replacement' },
  ...{ outcomes: null, headline: null },
};
const PASSED: VerdictSummary = { ...FAILED, verdict: 'PASS', gates: [], drivers: [], evidence: [] };

describe('understudy verdict', () => {
  it('has an exit code of its own for each verdict, and takes the worst', () => {
    expect(new Set(VERDICTS.map((verdict) => VERDICT_EXIT[verdict])).size).toBe(5);
    expect(exitCode([PASSED, FAILED])).toBe(10);
    expect(exitCode([PASSED, { ...PASSED, verdict: 'CONTINUE' }])).toBe(13);
    expect(exitCode([PASSED])).toBe(0);
    // Nobody has been judged: that is no PASS.
    expect(exitCode([])).toBe(13);
  });

  it('tells the evidence, what is missing and how many attempts there were', () => {
    const text = renderVerdicts([FAILED], 'text');
    expect(text).toContain('next  FAIL  18,204 pairs up to 2026-11-02T00:00:00.000Z');
    expect(text).toContain('attempt 2 of 3');
    expect(text).toContain('✗ in segment gold: flips 2 %');
    expect(text).toContain('… failures ≤ 0.3 % (1,200 more pairs at this rate of losses)');
    expect(text).not.toContain('\u001b');
    expect(renderVerdicts([], 'text')).toBe('no candidate is judged yet\n');
  });

  it('says on each output that a demo is no basis', () => {
    const demo = { ...PASSED, profile: 'demo' };
    for (const format of ['text', 'json', 'junit', 'github'] as const) {
      expect(renderVerdicts([demo], format).toLowerCase(), format).toContain('demo');
      expect(renderVerdicts([PASSED], format).toLowerCase(), format).not.toContain('demo');
    }
  });

  it('writes JUnit that no text of a pair can break', () => {
    const xml = renderVerdicts([FAILED], 'junit');
    expect(xml).toContain('tests="3" failures="2" skipped="1"');
    expect(xml).toContain('&lt;a&amp;b&gt;');
    expect(xml).toContain('&quot;and&quot;');
    expect(xml).not.toContain('\u001b');
    const lone = { ...FAILED, drivers: ['half a \ud83d character'] };
    expect(renderVerdicts([lone], 'junit')).toContain('half a ? character');
    // Well formed: each tag is closed, in its order.
    const open: string[] = [];
    for (const [, close, name, self] of xml.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
      if (close !== '') expect(open.pop()).toBe(name);
      else if (self === '') open.push(name ?? '');
    }
    expect(open).toEqual([]);
  });

  it('writes annotations that stay one line', () => {
    const line = renderVerdicts([FAILED], 'github');
    expect(line).toMatch(/^::error title=Understudy verdict for next::FAIL%0Ain segment gold.*\n$/);
    expect(line.split('\n')).toHaveLength(2);
    expect(line).toContain('2 %25');
    expect(renderVerdicts([PASSED], 'github')).toMatch(/^::notice /);
  });
});

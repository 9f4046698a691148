import { describe, expect, test } from 'vitest';
import type { DemoVerdict } from '../../src/demo/outcomes.ts';
import {
  type ReportInput,
  renderIntroduction,
  renderNextSteps,
  renderProgress,
  renderReport,
} from '../../src/demo/report.ts';
import { summarize } from '../../src/demo/summary.ts';
import { stylesOf } from '../../src/demo/terminal.ts';
import { pairOf } from './pairs.ts';

const PLAIN = stylesOf(null);
const HOSTILE = '\u001b[2J\u001b]0;owned\u0007';

function inputOf(changes: Partial<ReportInput> = {}): ReportInput {
  const pairs = [
    pairOf({ loan: 'a', incumbent: [0.1, 'good'], candidate: [0.2, 'bad'] }),
    pairOf({ loan: 'b', incumbent: [0.1, 'good'], candidate: [0.05, 'good'] }),
  ];
  const labels = ['good', 'bad'] as const;
  return {
    summary: summarize(pairs, { labels, outcomes: new Map([['a', 'bad']]) }),
    client: {
      sent: 5915,
      answered: 5915,
      paired: 5915,
      asRecorded: 5915,
      seconds: 59.2,
      latency: { count: 5915, p50: 1.2, p95: 2.1, p99: 3.3, max: 9 },
    },
    coverage: { observed: 5915, lost: 0, coverage: 1 },
    waterfall: '  (the books)',
    kafka: null,
    pair: pairs[0] ?? null,
    verdict: null,
    ...changes,
  };
}

function expectWithinPage(text: string): void {
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
}

describe('report', () => {
  test('every screen stays within 100 columns', () => {
    const model = { algorithm: 'gradient boosting (decision trees) on …', modelVersion: 'lc-gb-1' };
    const ports = { gateway: 8080, incumbent: 8081, admin: 9901, metrics: 9902 };
    const intro = { rows: 5915, ports, scorePath: '/v1/score', kafka: 'localhost:9092' };
    expectWithinPage(renderIntroduction({ ...intro, incumbent: model, candidate: model }, PLAIN));
    const progress = { sent: 5915, total: 5915, ratePerSecond: 100, pairs: 5915, flips: 1234 };
    expectWithinPage(renderProgress(progress));
    const kafka = { acknowledged: 5915, topic: 'understudy.pairs' };
    expectWithinPage(renderReport(inputOf({ kafka }), PLAIN));
    const steps = {
      url: 'http://127.0.0.1:8080/v1/score',
      bodyFile: '.understudy/demo/loan.json',
      runDir: '.understudy/demo/run',
      metricsUrl: 'http://127.0.0.1:9902/metrics',
      keepsServing: true,
    };
    expectWithinPage(renderNextSteps(steps, PLAIN));
  });

  test('says what was counted', () => {
    const text = renderReport(inputOf(), PLAIN);
    expect(text).toContain('5,915 sent in 59 s (100/s), 5,915 answered 200');
    expect(text).toContain('100.00 %: 5,915 copies observed, 0 lost');
    expect(text).toContain('50.00 % of labels agree; flips: 1 (1 good → bad, 0 bad → good)');
    expect(text).toContain('"id": "c5k0t9q2m8w4x7z1r3f6.1/boosting"');
    expect(text).not.toContain('Kafka');
    expect(text).not.toContain('say why');
  });

  test('asks what the cutover is about, and answers within the page', () => {
    const headline = {
      question: 'Is boosting 10 % better on false positives, under 50 ms?',
      answer: 'no',
      parts: [
        { state: 'fail', sentence: `10 % fewer: refuted with ${'many words '.repeat(20)}` },
        { state: 'pass', sentence: `answers over 50 ms ≤ 0.1 % ${HOSTILE}` },
      ],
    } as const;
    const outcomes = {
      known: 5_800,
      mature: 5_895,
      positives: 310,
      leastCoverage: 1,
      threshold: 0.1,
    };
    const verdict = { verdict: 'FAIL', headline, outcomes } as unknown as DemoVerdict;
    const text = renderReport(inputOf({ verdict }), PLAIN);
    expectWithinPage(text);
    expect(text).toMatch(
      /\nIs boosting 10 % better on false positives, under 50 ms\? ─+\n {2}No\. Judged on/,
    );
    expect(text).toContain('  ✗ 10 % fewer: refuted');
    expect(text).toContain('  ✓ answers over 50 ms');
    expect(text).toContain('Verdict on all guardrails: FAIL.');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
    expect(text).not.toMatch(/[\u001b\u0007]/);
    expect(renderReport(inputOf(), PLAIN)).not.toContain('better on false positives');

    const early = { verdict: 'CONTINUE', headline: { ...headline, parts: [] }, outcomes: null };
    const unjudged = renderReport(inputOf({ verdict: early as unknown as DemoVerdict }), PLAIN);
    expect(unjudged).toContain('Not judged in time');
  });

  test('says where lost copies are explained', () => {
    const coverage = { observed: 5290, lost: 625, coverage: 5290 / 5915 };
    const text = renderReport(inputOf({ coverage }), PLAIN);
    expect(text).toMatch(
      /Coverage {3}89\.43 %: 5,290 copies observed, 625 lost\n {13}the books below/,
    );
  });

  test('escapes of a hostile model do not reach the terminal', () => {
    const pair = pairOf({ loan: HOSTILE, incumbent: [0, HOSTILE], candidate: [0, HOSTILE] });
    const labels = ['good', HOSTILE] as const;
    const summary = summarize([pair], { labels, outcomes: new Map() });
    const text = renderReport(inputOf({ pair, summary }), PLAIN);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
    expect(text).not.toMatch(/[\u001b\u0007]/);
    expect(text).toContain('\\u001b[2J');
  });

  test('paths that a shell would split are quoted', () => {
    const steps = {
      url: 'http://127.0.0.1:8080/v1/score',
      bodyFile: "my data/it's.json",
      runDir: 'my data/run',
      metricsUrl: 'http://127.0.0.1:9902/metrics',
      keepsServing: true,
    };
    const text = renderNextSteps(steps, PLAIN);
    expect(text).toContain("-d @'my data/it'\\''s.json'");
    expect(text).toContain("--run 'my data/run'");
  });
});

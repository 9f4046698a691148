/** The page: one file that needs nothing, in which no text from traffic is markup. */
import { describe, expect, it } from 'vitest';
import { Analysis } from '../../../src/analysis/analysis.ts';
import { toReport } from '../../../src/analysis/report/report-model.ts';
import { escapeXml, toSvg } from '../../../src/analysis/report/svg.ts';
import { toHtml } from '../../../src/analysis/report/to-html.ts';
import { FULL_COVERAGE, guardrail, type PairOptions, pairOf, planOf, START_MS } from '../pairs.ts';

function pageOf(
  pairs: number,
  toOptions: (seq: number) => Partial<PairOptions> = () => ({}),
): string {
  const guardrails = [...(['contract', 'errors', 'label_flips', 'score_difference'] as const)].map(
    (kind) => guardrail(kind),
  );
  const plan = planOf({ guardrails });
  const analysis = new Analysis(plan);
  for (let seq = 0; seq < pairs; seq++) analysis.add(pairOf({ seq, ...toOptions(seq) }));
  const attempt = {
    ...{ id: 1, plan, hash: 'h', profile: 'production', startedBy: 'ann', reason: '</style><b>' },
    ...{ closedAt: '', closedReason: '', number: 1, baseline: [] },
  };
  const untilMs = START_MS + 3_600_000;
  const of = { attempt, attempts: 1, analysis, untilMs, coverageAt: () => FULL_COVERAGE };
  return toHtml([toReport(of, { legs: [], settings: [], breakers: new Map() })]);
}

/** Each tag is closed in its order: what a browser would have to guess is none of ours. */
function isBalanced(page: string): boolean {
  const open: string[] = [];
  for (const [, close, name = '', self] of page.matchAll(/<(\/?)([a-z1-6]+)[^>]*?(\/?)>/g)) {
    if (self === '/' || name === 'meta') continue;
    if (close === '') open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0;
}

describe('the page', () => {
  it('has the verdict, and plots with a title each, and is well formed', () => {
    const page = pageOf(9_000, (seq) => ({
      incumbent: { score: (seq % 100) / 100, label: 'good' },
      candidate: { score: (seq % 99) / 100, label: 'good' },
      incumbentMs: 1 + (seq % 50),
    }));
    expect(page).toMatch(/<h1>next <span class="verdict \w+">/);
    for (const title of [
      'Score against score',
      'Differences of scores',
      'Latency: share of answers at most so late',
      'label_flips over time',
    ]) {
      expect(page).toContain(`<title>${title}. `);
      expect(page).toContain(`<figcaption>${title}</figcaption>`);
    }
    expect(isBalanced(page)).toBe(true);
    expect(page).toContain('<td class="n">9,000</td>');
    // A range below zero is no formula.
    expect(page).not.toContain('&#39;-');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('runs nothing and loads nothing', () => {
    const page = pageOf(100);
    expect(page).not.toMatch(/<script|\bon\w+=|https?:|\bsrc=|url\(|@import/i);
    expect(page).toContain("default-src 'none'");
    const links = Array.from(page.matchAll(/href="([^"]*)"/g), ([, href]) => href ?? '');
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((href) => !href.startsWith('docs/statistics.md#'))).toEqual([]);
  });

  it('takes what traffic and operators wrote as text', () => {
    const label = `<img src=x onerror=alert(1)>"'&\u001b[2J\n\u2028`;
    const captured = { '/<b>': label };
    const page = pageOf(50, () => ({ candidate: { score: 0.2, label }, captured }));
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;?[2J??');
    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;/style&gt;&lt;b&gt;');
    expect(page).toContain('/&lt;b&gt; &lt;img');
    expect(isBalanced(page)).toBe(true);
  });

  it('says so where nothing is there yet', () => {
    const page = pageOf(0);
    expect(page).not.toMatch(/NaN|undefined|Infinity|<svg/);
    expect(isBalanced(page)).toBe(true);
    expect(toHtml([])).toContain('No candidate is judged yet.');
  });
});

describe('a plot', () => {
  it('draws values outside its axes at their ends, and never a number that is none', () => {
    const svg = toSvg({
      title: 'a',
      alt: 'b',
      x: { label: 'x', from: 0, to: 10 },
      y: { label: 'y', from: 0.1, to: 100, isLog: true },
      marks: [
        {
          type: 'line',
          colour: 'ours',
          points: [
            [-5, 0],
            [5, Number.POSITIVE_INFINITY],
            [99, 10],
          ],
        },
      ],
    });
    expect(svg).toContain('d="M66 246L306 16L546 92.7"');
  });

  it('escapes its texts', () => {
    expect(escapeXml(`<a b="c">'&\ud800`)).toBe('&lt;a b=&quot;c&quot;&gt;&#39;&amp;?');
  });
});

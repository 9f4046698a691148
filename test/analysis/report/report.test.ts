/** Reports on states that pairs gave: numbers by hand, planted findings, hostile names. */
import { describe, expect, it } from 'vitest';
import { Analysis, discoveryBucket } from '../../../src/analysis/analysis.ts';
import { createGuardrailTest } from '../../../src/analysis/assess.ts';
import type { ExperimentPlan } from '../../../src/analysis/plan.ts';
import { type ReportModel, toReport } from '../../../src/analysis/report/report-model.ts';
import { toMarkdown } from '../../../src/analysis/report/to-markdown.ts';
import type { LegCell } from '../../../src/pair/leg-states.ts';
import { FULL_COVERAGE, guardrail, type PairOptions, pairOf, planOf, START_MS } from '../pairs.ts';

const NOTHING = { legs: [], settings: [], breakers: new Map() };

function reportOf(
  of: {
    readonly plan?: Partial<ExperimentPlan>;
    readonly pairs?: number;
    readonly toOptions?: (seq: number) => Partial<PairOptions>;
    readonly reason?: string;
  },
  context: Parameters<typeof toReport>[1] = NOTHING,
): ReportModel {
  const plan = planOf(of.plan);
  const analysis = new Analysis(plan);
  for (let seq = 0; seq < (of.pairs ?? 0); seq++) {
    analysis.add(pairOf({ seq, ...of.toOptions?.(seq) }));
  }
  const attempt = {
    ...{ id: 1, plan, hash: '0123456789abcdef', profile: 'production', startedBy: 'ann' },
    ...{ reason: of.reason ?? 'first attempt', closedAt: '', closedReason: '', number: 1 },
    baseline: [],
  };
  const untilMs = START_MS + 3_600_000;
  return toReport(
    { attempt, attempts: 1, analysis, untilMs, coverageAt: () => FULL_COVERAGE },
    context,
  );
}

/** Scores spread over [0, 1), the candidate's moved. */
const spread = (move: number) => (seq: number) => ({
  incumbent: { score: (seq % 128) / 256, label: 'good' },
  candidate: { score: (seq % 128) / 256 + move, label: 'good' },
});

describe('a report', () => {
  it('has the verdict that the verdict has, with its evidence', () => {
    const { verdict } = reportOf({ pairs: 9_000 });
    expect(verdict.verdict).toBe('PASS');
    expect(verdict.evidence).toHaveLength(3);
  });

  it('counts failures in a paired table that adds up', () => {
    const { failures } = reportOf({
      pairs: 1_000,
      toOptions: (seq) => ({
        ...(seq < 30 ? { candidate: null } : {}),
        ...(seq >= 20 && seq < 24 ? { incumbent: null } : {}),
        ...(seq >= 990 ? { incumbent: null } : {}),
      }),
    });
    expect(failures).toMatchObject({ both: 4, onlyCandidate: 26, onlyIncumbent: 10, neither: 960 });
    // Shares 0.03 and 0.014, their difference 0.016, each within its interval.
    expect(failures?.candidate[0]).toBeLessThan(0.03);
    expect(failures?.candidate[1]).toBeGreaterThan(0.03);
    expect(failures?.difference[0]).toBeGreaterThan(0);
    expect(failures?.difference[1]).toBeLessThan(0.032);
    // 2 P(X ≤ 10) − P(X = 10) of Binomial(36, 1/2), by exact fractions.
    expect(failures?.midP).toBeCloseTo(0.007632, 6);
  });

  it('says what the breaker has cost: copies of the attempt, and time of the mirror that runs', () => {
    const breakers = new Map([['next', { opens: 2, brokenMs: 61_000, uptimeMs: 3_600_000 }]]);
    const text = toMarkdown([reportOf({}, { legs: [], settings: [], breakers })]);
    expect(text).toContain('No copy was kept back by the breaker. It has opened 2 times, and');
    expect(text).toContain('was not closed for 61 s of the 3,600 s that this mirror has run.');
    expect(reportOf({}).breaker).toBeNull();
  });

  it('shows a shift of all scores as distance, not as disorder', () => {
    const { scores } = reportOf({ pairs: 2_560, toOptions: spread(0.25) });
    expect(scores).toMatchObject({ n: 2_560, zeros: 0, sampled: 2_560 });
    expect(scores.agreement?.kendall).toBeCloseTo(1, 12);
    expect(scores.agreement?.spearman).toBeCloseTo(1, 12);
    expect(scores.agreement?.lin).toBeLessThan(0.5);
    expect(scores.agreement?.wasserstein).toBeCloseTo(0.25, 12);
    expect(scores.agreement?.ks).toBeCloseTo(0.5, 12);
    expect(scores.quantiles.find(({ p }) => p === 0.5)?.value).toBeCloseTo(0.25, 2);
  });

  it('shows identical scores as identical', () => {
    const { scores } = reportOf({ pairs: 500, toOptions: spread(0) });
    expect(scores.zeros).toBe(500);
    const same = { lin: 1, psi: 0, ks: 0, jensenShannon: 0, hellinger: 0, wasserstein: 0 };
    expect(scores.agreement).toMatchObject(same);
  });

  it('says that agreement is not defined where all scores are equal', () => {
    const model = reportOf({ pairs: 100 });
    expect(model.scores.agreement).toMatchObject({ kendall: null, spearman: null });
    expect(toMarkdown([model])).toContain('| Kendall’s τ-b | not defined |');
  });

  it('compares latencies by quantiles, ratios and the typical difference', () => {
    const toOptions = (seq: number) => ({
      incumbentMs: 4 + (seq % 10),
      candidateMs: 7 + (seq % 10),
    });
    const { latency } = reportOf({ pairs: 3_000, toOptions });
    expect(latency.n).toBe(3_000);
    expect(latency.typicalDifferenceMs).toBeCloseTo(3, 9);
    const median = latency.quantiles.find(({ p }) => p === 0.5);
    expect(median?.incumbent.ms).toBeCloseTo(8, 0);
    expect(median?.ratio).toBeCloseTo(11 / 8, 1);
    expect(median?.candidate.low).toBeLessThanOrEqual(median?.candidate.ms ?? 0);
    expect(median?.candidate.high).toBeGreaterThanOrEqual(median?.candidate.ms ?? 0);
    expect(latency.ecdf.candidate.at(-1)?.[1]).toBe(1);
  });

  it('shows a late regression over time, and ends at the mean of all', () => {
    const flip: Partial<PairOptions> = { candidate: { score: 0.2, label: 'bad' } };
    const { overTime } = reportOf({
      pairs: 36_000,
      toOptions: (seq) => (seq >= 30_000 && seq % 10 === 0 ? flip : {}),
    });
    const flips = overTime.filter((point) => point.guardrail === 'label_flips');
    expect(flips.length).toBeGreaterThan(12);
    expect(flips.length).toBeLessThanOrEqual(24);
    expect(flips[0]?.mean).toBe(0);
    expect(flips.at(-1)).toMatchObject({ n: 36_000, mean: 600 / 36_000 });
    expect(flips.at(-1)?.lately).toBeCloseTo(0.1, 3);
    for (const { mean, band } of flips) {
      expect(band[0]).toBeLessThanOrEqual(mean);
      expect(band[1]).toBeGreaterThanOrEqual(mean);
    }
  });

  it('alarms for the one discovered segment that is worse, and for none of an identical candidate', () => {
    const plan = { discover: ['/region'] };
    const region = (seq: number) => ({ '/region': `r${seq % 40}` });
    const flip = { candidate: { score: 0.2, label: 'bad' } };
    const planted = reportOf({
      plan,
      pairs: 20_000,
      toOptions: (seq) => ({
        captured: region(seq),
        ...(seq % 40 === 7 && seq % 3 === 0 ? flip : {}),
      }),
    });
    expect(planted.alarms).toHaveLength(1);
    expect(planted.alarms[0]).toMatchObject({
      ...{ pointer: '/region', bucket: discoveryBucket('r7'), guardrail: 'label_flips' },
    });
    expect(planted.alarms[0]?.low).toBeGreaterThan(0.01);
    const identical = reportOf({
      plan,
      pairs: 20_000,
      toOptions: (seq) => ({ captured: region(seq) }),
    });
    expect(identical.alarms).toEqual([]);
  });

  it('asks more of a segment for the buckets that are empty, too', () => {
    const plan = { discover: ['/region'] };
    const levels = { alphaPass: 0.05, alphaFail: 0.05, tests: 1 };
    const test = createGuardrailTest(guardrail('label_flips'), levels);
    const evidence = (k: number) => test.logFail({ n: 500, sum: k, squares: k });
    const buckets = Array.from({ length: 40 }, (_, i) => discoveryBucket(`r${i}`));
    const alone = buckets.findIndex((each) => buckets.filter((b) => b === each).length === 1);
    // e-BH at 5 %, two guardrails: one among the hypotheses with pairs, and among all 512.
    const few = Math.log((2 * new Set(buckets).size) / 0.05);
    const all = Math.log(512 / 0.05);
    const counts = Array.from({ length: 60 }, (_, k) => k);
    const short = counts.find((k) => evidence(k) > few && evidence(k) < all) ?? Number.NaN;
    const enough = counts.find((k) => evidence(k) >= all) ?? Number.NaN;
    for (const [flips, alarms] of [
      [short, 0],
      [enough, 1],
    ] as const) {
      const toOptions = (seq: number) => ({
        captured: { '/region': `r${seq % 40}` },
        ...(seq % 40 === alone && seq < flips * 40
          ? { candidate: { score: 0.2, label: 'bad' } }
          : {}),
      });
      expect(reportOf({ plan, pairs: 20_000, toOptions }).alarms).toHaveLength(alarms);
    }
  });

  it('names the values of a discovered segment, and says where there are too many', () => {
    const plan = { discover: ['/user'] };
    const flip = { candidate: { score: 0.2, label: 'bad' } };
    const toOptions = (seq: number) => ({ captured: { '/user': `u${seq}` }, ...flip });
    const model = reportOf({ plan, pairs: 9_000, toOptions });
    expect(model.alarms[0]?.values).toHaveLength(16);
    expect(model.alarms[0]?.otherPairs).toBeGreaterThan(0);
    expect(toMarkdown([model])).toMatch(/u\d+ \(1\), .* and others/);
  });

  it('shows the pairs that differ most as examples, the worst first, whatever came when', () => {
    const model = reportOf({
      pairs: 2_000,
      toOptions: (seq) => ({
        incumbent: { score: 0.1, label: 'good' },
        candidate: { score: 0.1 + ((seq * 7) % 2_000) / 4_000, label: seq % 2 ? 'bad' : 'good' },
        captured: { '/amount': seq },
      }),
    });
    expect(model.examples).toHaveLength(20);
    const differences = model.examples.map(({ difference }) => difference);
    expect(differences).toEqual(differences.toSorted((a, b) => b - a));
    expect(differences[0]).toBeCloseTo(1_999 / 4_000, 10);
    const [worst] = model.examples;
    expect((Number(worst?.captured[0]?.value) * 7) % 2_000).toBe(1_999);
    expect(worst).toMatchObject({ incumbentScore: '0.1', incumbentLabel: 'good', flips: 1 });
    expect(reportOf({ pairs: 50 }).examples).toEqual([]);
  });

  it('sets each named segment beside all pairs', () => {
    const plan = { segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }] };
    const toOptions = (seq: number) => ({
      captured: { '/tier': seq % 4 === 0 ? 'gold' : 'base' },
      candidateMs: seq % 4 === 0 ? 9 : 3,
      ...(seq % 8 === 0 ? { candidate: { score: 0.7, label: 'bad' } } : {}),
    });
    const { segments } = reportOf({ plan, pairs: 4_000, toOptions });
    expect(segments).toMatchObject([
      { name: '', pairs: 4_000, share: 1, flips: 0.125, differenceP50: 0 },
      { name: 'gold', pairs: 1_000, share: 0.25, flips: 0.5, pointer: '/tier', value: 'gold' },
    ]);
    expect(segments[1]?.differenceP95).toBeCloseTo(0.5, 2);
    expect(segments[1]?.candidateP95Ms).toBeCloseTo(9, 0);
    expect(segments[0]?.incumbentP95Ms).toBeCloseTo(3, 1);
  });

  it('lists the hours that lost most, says how many it leaves out, and folds their gates', () => {
    const hours = Array.from({ length: 672 }, (_, i) => {
      return { part: `hour ${i}`, observed: 100, lost: i % 3 === 0 ? 1 + i : 0 };
    });
    const gates = hours.slice(0, 9).map(({ part }) => {
      return { reason: 'coverage' as const, text: `coverage of ${part} is 90 %` };
    });
    const model = reportOf({ pairs: 10 });
    const many = { ...model, coverage: [...model.coverage, ...hours] };
    const text = toMarkdown([{ ...many, verdict: { ...model.verdict, gates } }]);
    expect(text.match(/^\| hour /gm)).toHaveLength(24);
    expect(text).toContain('hour 669');
    expect(text).toContain('648 hours are not listed');
    expect(text).toContain('and of 6 further hours');
  });

  it('sums copies by state and reason, of its candidate alone', () => {
    const leg = { epoch: 'e1', route: 'score', hour: 1, sizeClass: 'le_1k' as const };
    const cells: LegCell[] = [
      { ...leg, candidate: 'next', state: 'paired', reason: '', count: 5 },
      { ...leg, candidate: 'next', hour: 2, state: 'paired', reason: '', count: 6 },
      { ...leg, candidate: 'next', state: 'shed', reason: 'queue_full', count: 2 },
      { ...leg, candidate: 'other', state: 'paired', reason: '', count: 9 },
    ];
    expect(reportOf({}, { legs: cells, settings: [], breakers: new Map() }).copies).toEqual([
      { state: 'paired', reason: '', count: 11 },
      { state: 'shed', reason: 'queue_full', count: 2 },
    ]);
  });

  it('lists changes of the settings since the attempt began', () => {
    const settings = [
      { at: '2026-10-31T23:00:00Z', text: 'before' },
      { at: '2026-11-01T00:30:00Z', text: 'rate of next 1 → 0.5' },
    ];
    expect(reportOf({}, { legs: [], settings, breakers: new Map() }).settings).toEqual(
      settings.slice(1),
    );
  });

  it('says so where there is nothing yet', () => {
    const model = reportOf({});
    expect(model).toMatchObject({ failures: null, overTime: [], alarms: [], labels: [] });
    expect(toMarkdown([model])).not.toMatch(/NaN|undefined|Infinity/);
    expect(toMarkdown([])).toBe('No candidate is judged yet.\n');
  });

  it('takes at most 2 s for a day of traffic under nine guardrails and a full sample', () => {
    const guardrails = [
      ...(['contract', 'errors', 'label_flips', 'outside_tolerance', 'score_bias_up'] as const),
      ...([
        'score_bias_down',
        'score_difference',
        'latency_over_objective',
        'latency_slower',
      ] as const),
    ].map((kind) => guardrail(kind));
    const plan = { guardrails, discover: ['/region'], cutMs: 300_000, windowMs: 3_600_000 };
    const toOptions = (seq: number) => ({
      ...spread(0.001)(seq * 7),
      atMs: seq * 7_200,
      ...{ incumbentMs: 1 + (seq % 997) / 31, captured: { '/region': `r${seq % 300}` } },
    });
    const model = planOf(plan);
    const analysis = new Analysis(model);
    for (let seq = 0; seq < 12_000; seq++) analysis.add(pairOf({ seq, ...toOptions(seq) }));
    const attempt = {
      ...{ id: 1, plan: model, hash: 'h', profile: 'production', startedBy: '', reason: '' },
      ...{ closedAt: '', closedReason: '', number: 1, baseline: [] },
    };
    const before = process.cpuUsage();
    const untilMs = START_MS + 86_400_000;
    const of = { attempt, attempts: 1, analysis, untilMs, coverageAt: () => FULL_COVERAGE };
    toMarkdown([toReport(of, NOTHING)]);
    const { user } = process.cpuUsage(before);
    expect(user / 1e6).toBeLessThan(2);
  });
});

describe('Markdown', () => {
  it('takes what traffic and operators wrote as text', () => {
    const label = '<img src=x onerror=alert(1)>|`[a](http://evil)\u001b[2J\n# no';
    const text = toMarkdown([
      reportOf({
        pairs: 10,
        reason: '**bold**\n\n# heading',
        toOptions: () => ({ candidate: { score: 0.2, label } }),
      }),
    ]);
    expect(text).toContain(
      '&lt;img src=x onerror=alert(1)>\\|\\`\\[a\\](http:\\/\\/evil)?\\[2J?\\# no',
    );
    expect(text).not.toContain('<img');
    expect(text).not.toMatch(/\n# (no|heading)/);
    expect(text).not.toContain('**bold**');
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

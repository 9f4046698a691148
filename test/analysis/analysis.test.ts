import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Analysis } from '../../src/analysis/analysis.ts';
import { toHistory } from '../../src/analysis/history.ts';
import type { ExperimentPlan } from '../../src/analysis/plan.ts';
import { changedEntries, restoreAnalysis } from '../../src/analysis/state-entries.ts';
import type { Coverage } from '../../src/analysis/verdict.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { FULL_COVERAGE, guardrail, type PairOptions, pairOf, planOf, START_MS } from './pairs.ts';

function analyse(plan: ExperimentPlan, pairs: Iterable<Pair>): Analysis {
  const analysis = new Analysis(plan);
  for (const pair of pairs) analysis.add(pair);
  return analysis;
}

function pairs(count: number, toOptions: (seq: number) => Partial<PairOptions> = () => ({})) {
  return Array.from({ length: count }, (_, seq) => pairOf({ seq, ...toOptions(seq) }));
}

function lastVerdict(
  plan: ExperimentPlan,
  all: readonly Pair[],
  coverage: Coverage = FULL_COVERAGE,
) {
  const verdicts = analyse(plan, all).verdicts(Number.POSITIVE_INFINITY, () => coverage);
  const last = verdicts.at(-1);
  if (last === undefined) throw new Error('no cut');
  return last;
}

/** All that the state says, as bytes. */
/** All parts as a store keeps them. */
function bytesOf(analysis: Analysis): string {
  const entries = Array.from(changedEntries(analysis), ({ kind, key, stretch, bytes }) => {
    return `${kind} ${key} ${stretch} ${Buffer.from(bytes).toString('hex')}`;
  });
  return entries.sort().join('\n');
}

/** As if all of it were new. */
function touchAll(analysis: Analysis): Analysis {
  const copy = new Analysis(analysis.plan);
  copy.merge(analysis);
  return copy;
}

const FLIP: Partial<PairOptions> = { candidate: { score: 0.9, label: 'bad' } };

describe('the verdict', () => {
  it('passes the identical candidate, once there are pairs and time enough', () => {
    const plan = planOf();
    const verdicts = analyse(plan, pairs(8_000)).verdicts(Infinity, () => FULL_COVERAGE);
    expect(verdicts[0]).toMatchObject({ verdict: 'CONTINUE', pairs: 1_000 });
    expect(verdicts[0]?.gates.map(({ reason }) => reason)).toEqual(['too_few_pairs', 'too_short']);
    expect(verdicts.at(-1)?.verdict).toBe('PASS');
    const history = toHistory(verdicts);
    // A minute is the least duration: the sixth cut.
    expect(history.firstPass?.cutMs).toBe(Date.parse(plan.startedAt) + 60_000);
    expect(history.standing).toBe('held');
  });

  it('fails a candidate that flips two of a hundred labels', () => {
    const flips = pairs(8_000, (seq) => (seq % 50 === 0 ? FLIP : {}));
    expect(lastVerdict(planOf(), flips)).toMatchObject({ verdict: 'FAIL' });
  });

  it('fails at the first answer that breaks the contract', () => {
    const broken = pairs(8_000, (seq) =>
      seq === 7_000
        ? { change: { divergence: { label_flips: 0, outside_tolerance: 0, fields: ['missing'] } } }
        : {},
    );
    const verdicts = analyse(planOf(), broken).verdicts(Infinity, () => FULL_COVERAGE);
    const history = toHistory(verdicts);
    expect(history.firstPass).not.toBeNull();
    expect(history.standing).toBe('withdrawn');
    expect(history.withdrawnBy?.verdict).toBe('FAIL');
  });

  it('fails a segment that the whole hides', () => {
    const plan = planOf({ segments: [{ name: 'german', pointer: '/country', value: 'DE' }] });
    const some = pairs(40_000, (seq) => ({
      captured: { '/country': seq % 20 === 0 ? 'DE' : 'FR' },
      ...(seq % 400 === 0 ? FLIP : {}),
    }));
    const verdict = lastVerdict(plan, some);
    expect(verdict.verdict).toBe('FAIL');
    const failed = verdict.assessments.filter(({ state }) => state === 'fail');
    expect(failed.map(({ segment, kind }) => `${kind} ${segment}`)).toEqual(['label_flips german']);
  });

  it('is INVALID when a model was swapped midway, whatever the numbers say', () => {
    const swapped = pairs(8_000, (seq) => {
      if (seq < 4_000) return {};
      const base = pairOf({ seq });
      return { change: { candidate: { ...base.candidate, model_version: '2.1' } } };
    });
    const verdict = lastVerdict(planOf(), swapped);
    expect(verdict.verdict).toBe('INVALID');
    expect(verdict.gates[0]?.text).toBe(`the candidate's model version changed: "2.0", "2.1"`);
  });

  it('is INVALID when one copy in ten was lost, and FAIL when even the lost ones could not save it', () => {
    const coverage = { ...FULL_COVERAGE, parts: [{ part: '', observed: 9_000, lost: 1_000 }] };
    expect(lastVerdict(planOf(), pairs(9_000), coverage).verdict).toBe('INVALID');
    const flips = pairs(9_000, (seq) => (seq % 10 === 0 ? FLIP : {}));
    expect(lastVerdict(planOf(), flips, coverage).verdict).toBe('FAIL');
  });

  it('does not pass with 99 % coverage, nor without any account of it', () => {
    const coverage = { ...FULL_COVERAGE, parts: [{ part: '', observed: 990, lost: 10 }] };
    expect(lastVerdict(planOf(), pairs(8_000), coverage).verdict).toBe('CONTINUE');
    const unknown = { ...FULL_COVERAGE, parts: [] };
    expect(lastVerdict(planOf(), pairs(8_000), unknown).verdict).toBe('CONTINUE');
  });

  it('is the same whether cuts are judged one by one or all at once, late pairs included', () => {
    const plan = planOf({ segments: [{ name: 'german', pointer: '/country', value: 'DE' }] });
    const all = pairs(9_000, (seq) => ({
      captured: { '/country': seq % 3 === 0 ? 'DE' : 'FR' },
      ...(seq % 150 === 0 ? FLIP : {}),
    }));
    // Every tenth comes with the last ones.
    const [inTime, late] = [all.filter((_, i) => i % 10 > 0), all.filter((_, i) => i % 10 === 0)];
    const coverage = () => FULL_COVERAGE;
    const growing = new Analysis(plan);
    for (const [i, pair] of [...inTime, ...late].entries()) {
      growing.add(pair);
      if (i % 700 !== 0) continue;
      const untilMs = START_MS + Math.floor(i / 1_000) * 10_000;
      const alone = analyse(plan, [...inTime, ...late].slice(0, i + 1));
      const anew = alone.verdicts(untilMs, coverage);
      expect(growing.verdicts(untilMs, coverage)).toEqual(anew);
    }
  });

  it('does not pass while the breaker was open lately', () => {
    const coverage = { ...FULL_COVERAGE, breakerOpenLately: 3 };
    expect(lastVerdict(planOf(), pairs(8_000), coverage).gates[0]?.reason).toBe('breaker_open');
  });

  it('counts what the breaker kept back as failures of the candidate, in all pairs, and FAILs for them', () => {
    const plan = planOf({ segments: [{ name: 'all', pointer: '/country', value: 'DE' }] });
    const some = pairs(8_000, () => ({ captured: { '/country': 'DE' } }));
    const errorsAt = (breakerOpen: number) => {
      const parts = [{ part: '', observed: 8_000, lost: breakerOpen }];
      const verdict = lastVerdict(plan, some, { ...FULL_COVERAGE, parts, breakerOpen });
      return { verdict, errors: verdict.assessments.filter(({ kind }) => kind === 'errors') };
    };
    const few = errorsAt(8);
    expect(few.errors.map(({ n, mean }) => [n, mean])).toEqual([
      [8_008, 8 / 8_008],
      [8_000, 0],
    ]);
    // A coverage of 89 % alone is INVALID; but these copies are not missing: the candidate did not serve them.
    const many = errorsAt(1_000);
    expect(many.verdict.verdict).toBe('FAIL');
    expect(many.verdict.assessments.find(({ state }) => state === 'fail')?.kind).toBe('errors');
  });

  it('withdraws a PASS after a late regression that the sum still hides', () => {
    const late = pairs(60_000, (seq) => (seq > 54_000 && seq % 25 === 0 ? FLIP : {}));
    const verdicts = analyse(planOf(), late).verdicts(Infinity, () => FULL_COVERAGE);
    const history = toHistory(verdicts);
    expect(
      verdicts.at(-1)?.assessments.find(({ kind }) => kind === 'label_flips')?.mean,
    ).toBeLessThan(0.005);
    expect(history.withdrawnBy?.gates.map(({ reason }) => reason)).toEqual(['recent_window']);
    expect(history.standing).toBe('withdrawn');
  });

  it('finds a candidate that is slower than the objective allows', () => {
    const plan = planOf({ guardrails: [guardrail('latency_over_objective')] });
    const slow = pairs(8_000, (seq) => ({ candidateMs: seq % 20 === 0 ? 60 : 3 }));
    expect(lastVerdict(plan, slow).verdict).toBe('FAIL');
  });

  it('is INCONCLUSIVE when the time is up', () => {
    const gates = { ...planOf().gates, maxDurationMs: 70_000, minPairs: 1_000_000 };
    expect(lastVerdict(planOf({ gates }), pairs(8_000)).verdict).toBe('INCONCLUSIVE');
  });

  it('charges a failed leg with the worst of each guardrail, and the same failure of both with none', () => {
    const failing = pairs(8_000, (seq) => (seq % 50 === 0 ? { candidate: null } : {}));
    const failed = lastVerdict(planOf(), failing).assessments.filter(
      ({ state }) => state === 'fail',
    );
    expect(failed.map(({ kind }) => kind)).toEqual(['errors', 'label_flips']);
    const both = pairs(8_000, (seq) =>
      seq % 50 === 0 ? { candidate: null, incumbent: null } : {},
    );
    expect(lastVerdict(planOf(), both).verdict).toBe('PASS');
  });

  it('leaves warm-up out, and counts it', () => {
    const warm = pairs(8_000, (seq) => (seq < 100 ? { flags: ['warm_up'], ...FLIP } : {}));
    const analysis = analyse(planOf(), warm);
    expect(analysis.upTo('').count('warmUp')).toBe(100);
    expect(analysis.upTo('').count('pairs')).toBe(7_900);
    expect(analysis.verdicts(Infinity, () => FULL_COVERAGE).at(-1)?.verdict).toBe('PASS');
  });
});

describe('the state', () => {
  const plan = planOf({
    guardrails: [guardrail('contract'), guardrail('label_flips'), guardrail('score_bias_up')],
    segments: [{ name: 'german', pointer: '/country', value: 'DE' }],
    discover: ['/country', '/user'],
  });
  const arbitraryPair = fc
    .record({
      seq: fc.nat(300),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      label: fc.constantFrom('good', 'bad'),
      country: fc.constantFrom('DE', 'FR', 'PL'),
      isFailed: fc.boolean(),
      candidateMs: fc.double({ min: 0, max: 100, noNaN: true }),
    })
    // What a sequence stands for is a function of it: redelivery brings the same pair.
    .map(({ seq, score, label, country, isFailed, candidateMs }) =>
      pairOf({
        seq,
        atMs: seq * 300,
        candidate: isFailed ? null : { score, label },
        captured: { '/country': country, '/user': `u${seq}` },
        candidateMs,
      }),
    );
  const distinctPairs = fc.uniqueArray(arbitraryPair, { selector: ({ id }) => id, maxLength: 60 });

  it('has the same bits in any order, partition and repetition', () => {
    fc.assert(
      fc.property(distinctPairs, fc.nat(), fc.nat(3), (all, seed, parts) => {
        const whole = analyse(plan, all);
        const shuffled = all.toSorted(
          (a, b) => ((a.seq * 7919 + seed) % 101) - ((b.seq * 7919 + seed) % 101),
        );
        const pieces = Array.from({ length: parts + 1 }, (_, i) =>
          analyse(
            plan,
            shuffled.filter(({ seq }) => seq % (parts + 1) === i),
          ),
        );
        const merged = new Analysis(plan);
        for (const piece of pieces) merged.merge(piece);
        const repeated = analyse(plan, [...shuffled, ...all]);
        expect(bytesOf(merged)).toBe(bytesOf(whole));
        expect(bytesOf(repeated)).toBe(bytesOf(whole));
        const stored = restoreAnalysis(plan, [...changedEntries(whole)]);
        expect(bytesOf(touchAll(stored))).toBe(bytesOf(whole));
      }),
      { seed: 20261125, numRuns: 60 },
    );
  });

  it('knows a pair that comes again, one of another candidate, and one from before the start', () => {
    const analysis = analyse(plan, [pairOf({ seq: 1 })]);
    expect(analysis.add(pairOf({ seq: 1 }))).toBe('repeated');
    expect(analysis.add(pairOf({ seq: 2, change: { experiment: 'other' } }))).toBe('foreign');
    expect(analysis.add(pairOf({ seq: 3, atMs: -1 }))).toBe('too_early');
    expect(analysis.upTo('').count('pairs')).toBe(1);
  });
});

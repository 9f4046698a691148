import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVerdicts } from '../../src/analysis/read-verdicts.ts';
import { analysisPath } from '../../src/analysis/store-file.ts';
import type { VerdictSummary } from '../../src/analysis/summary.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { contentOf, JournalRig, rigConfig, traffic } from './journal-rig.ts';
import { type PairOptions, START_MS } from './pairs.ts';

/** Two minutes of traffic, and the verdict when all cuts are closed. */
function judged(
  rig: JournalRig,
  toOptions?: (seq: number) => Partial<PairOptions>,
  counts = {},
): VerdictSummary {
  rig.start();
  rig.write(traffic(0, 12_000, toOptions), counts);
  return rig.read(START_MS + 1_000_000);
}

const FLIP: Partial<PairOptions> = { candidate: { score: 0.2, label: 'bad' } };
const GOLD = { profile: 'demo', segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }] };

describe('planted regressions, from the journal to the verdict', () => {
  it('passes the identical candidate, and says why', () => {
    const verdict = judged(new JournalRig());
    expect(verdict).toMatchObject({ verdict: 'PASS', standing: 'held', attempt: 1, attempts: 1 });
    expect(verdict.gates).toEqual([]);
    expect(verdict.profile).toBe('demo');
    expect(verdict.evidence.map(({ sentence }) => sentence)).toContainEqual(
      expect.stringMatching(
        /^flips ≤ 0\.\d+ % with 95 % confidence after 12,000 pairs, limit 1 %$/,
      ),
    );
  });

  it('fails 2 % of flips in one segment of 30 %, and names it', () => {
    const rig = new JournalRig();
    rig.config = rigConfig(rig.folder, JSON.stringify(GOLD));
    const verdict = judged(rig, (seq) => ({
      captured: { '/tier': seq % 10 < 3 ? 'gold' : 'base' },
      ...(seq % 10 < 3 && Math.floor(seq / 10) % 17 === 0 ? FLIP : {}),
    }));
    expect(verdict.verdict).toBe('FAIL');
    expect(verdict.drivers).toEqual([
      expect.stringMatching(/^in segment gold: flips [\d.]+ % after .* over its limit/),
    ]);
  });

  it('fails a candidate that is 3 ms slower, where slower is judged', () => {
    const rig = new JournalRig();
    const margins = { slower: 0.05 };
    rig.config = rigConfig(rig.folder, JSON.stringify({ profile: 'demo', slowerByMs: 2, margins }));
    expect(judged(rig, () => ({ candidateMs: 6 }))).toMatchObject({
      verdict: 'FAIL',
      drivers: [expect.stringContaining('answers slower by 2 ms 100 %')],
    });
  });

  it('fails at one score that is no number', () => {
    const broken = { error: 'score_not_a_number' } as const;
    const verdict = judged(new JournalRig(), (seq) => {
      if (seq !== 9_000) return {};
      const candidate = { name: 'next', role: 'candidate', queue_ms: 0.2, status: 200 } as const;
      return { change: { candidate: { ...candidate, predictions: [], ...broken } } };
    });
    expect(verdict.verdict).toBe('FAIL');
    expect(verdict.drivers[0]).toMatch(/^1 of [\d,]+ pairs broke the contract, none may$/);
  });

  it('is INVALID where the model was swapped midway, and withdraws its PASS', () => {
    const verdict = judged(new JournalRig(), (seq) => {
      if (seq < 9_000) return {};
      const prediction = { score: 0.2, label: 'good' };
      const candidate: Pair['candidate'] = {
        ...{ name: 'next', queue_ms: 0.2, status: 200, latency_ms: 3, model_version: '2.1' },
        role: 'candidate',
        predictions: [prediction],
      };
      return { change: { candidate } };
    });
    expect(verdict).toMatchObject({ verdict: 'INVALID', standing: 'withdrawn' });
    expect(verdict.gates.map(({ reason }) => reason)).toContain('model_version_changed');
  });

  it('is INVALID where a tenth of the copies was lost, and gives no PASS where a hundredth was', () => {
    const tenth = judged(new JournalRig(), undefined, { shed: 1_400 });
    expect(tenth.verdict).toBe('INVALID');
    expect(tenth.gates).toContainEqual({
      reason: 'coverage',
      text: 'coverage is 89.55 %, 99.50 % is needed',
    });
    const hundredth = judged(new JournalRig(), undefined, { journal_dropped: 121 });
    expect(hundredth.verdict).toBe('CONTINUE');
    expect(hundredth.gates.map(({ text }) => text)).toEqual([
      'coverage is 99.00 %, 99.50 % is needed',
      'coverage of route score is 99.00 %, 99.50 % is needed',
      'coverage of size le_1k is 99.00 %, 99.50 % is needed',
      'coverage of hour 2026-11-01T00 is 99.00 %, 99.50 % is needed',
    ]);
  });

  it('counts exchanges that gateways shed as lost, and the breaker in the last window', () => {
    const rig = new JournalRig();
    rig.start();
    rig.write(traffic(0, 12_000), { breaker_open: 20 }, 700);
    const verdict = rig.read(START_MS + 1_000_000);
    expect(verdict.gates[0]?.text).toBe('coverage is 94.34 %, 99.50 % is needed');
    expect(verdict.verdict).toBe('INVALID');
  });
});

describe('a candidate of which no pair comes', () => {
  it('is INVALID once its lost copies are known, and again with those of later', () => {
    const rig = new JournalRig();
    rig.start();
    expect(rig.read(START_MS + 1_000_000)).toMatchObject({ verdict: 'CONTINUE', cut: '' });
    rig.write([], { shed: 400 });
    expect(rig.read(START_MS + 1_000_000)).toMatchObject({
      verdict: 'INVALID',
      cut: '2026-11-01T00:16:30.000Z',
      drivers: expect.arrayContaining(['coverage is 0.00 %, 99.50 % is needed']),
    });
    // Nothing further was lost: nothing further is judged, however late one looks.
    expect(rig.read(START_MS + 2_000_000).cut).toBe('2026-11-01T00:16:30.000Z');
    rig.write([], { journal_dropped: 1 });
    expect(rig.read(START_MS + 2_000_000).cut).toBe('2026-11-01T00:33:10.000Z');
  });

  it('is FAIL where the breaker kept them back: the candidate is dead', () => {
    const rig = new JournalRig();
    rig.start();
    rig.write([], { breaker_open: 4_000 });
    expect(rig.read(START_MS + 1_000_000)).toMatchObject({ verdict: 'FAIL', pairs: 0 });
  });
});

describe('cuts that are closed together, the analysis having been down', () => {
  it('have what the breaker kept back meanwhile in the newest alone', () => {
    const rig = new JournalRig();
    rig.config = rigConfig(rig.folder, '{ profile: demo, margins: { errors: 0.01 } }');
    rig.start();
    // 0.3 % of the copies in all: nobody knows when, and 8 % of the first cut's.
    rig.write(traffic(0, 12_000), { breaker_open: 40 });
    const verdict = rig.read(START_MS + 1_000_000);
    expect(verdict.verdict).not.toBe('FAIL');
    // Nor does one before it PASS, as if the breaker had been closed.
    expect([verdict.firstPassAt, verdict.verdict]).toEqual(['', 'CONTINUE']);
    expect(verdict.gates.map(({ reason }) => reason)).toContain('breaker_open');
    const errors = verdict.evidence.find(({ guardrail }) => guardrail === 'errors');
    expect([errors?.n, errors?.mean]).toEqual([12_040, 40 / 12_040]);
    // Later ones begin where the newest has ended.
    rig.write(traffic(12_000, 24_000), { breaker_open: 10 });
    const later = rig.read(START_MS + 2_000_000);
    expect(later.evidence.find(({ guardrail }) => guardrail === 'errors')?.n).toBe(24_050);
    expect(later.verdict).not.toBe('FAIL');
  });

  it('still FAIL at the newest for what was kept back in all', () => {
    const rig = new JournalRig();
    rig.start();
    rig.write(traffic(0, 12_000), { breaker_open: 1_500 });
    expect(rig.read(START_MS + 1_000_000)).toMatchObject({ verdict: 'FAIL', pairs: 12_000 });
  });
});

describe('attempts', () => {
  it('start anew with a margin, a model path or a comparison, and not with a rate', () => {
    const rig = new JournalRig();
    rig.start();
    rig.config = rigConfig(rig.folder, '{ profile: demo }', ', rate: 0.5, maxInFlight: 9');
    rig.start();
    expect(rig.verdict().attempt).toBe(1);
    rig.config = rigConfig(rig.folder, '{ profile: demo, margins: { errors: 0.01 } }');
    rig.start(START_MS + 60_000);
    expect(rig.verdict()).toMatchObject({
      attempt: 2,
      attempts: 2,
      startedAt: '2026-11-01T00:01:00.000Z',
      reason: 'the plan or the configuration has changed',
    });
    rig.config = rigConfig(rig.folder, '{ profile: demo }', ", paths: { '/v1/score': /v2 }");
    rig.start();
    expect(rig.verdict().attempt).toBe(3);
    expect(rig.events.map(({ what, attempt }) => `${what} ${attempt}`)).toEqual([
      'started 1',
      'closed 1',
      'started 2',
      'closed 2',
      'started 3',
    ]);
  });

  it('leave out what was there before: pairs and losses', () => {
    const rig = new JournalRig();
    rig.write(traffic(0, 6_000), { shed: 5_000 });
    rig.start(START_MS + 60_000);
    rig.write(traffic(6_000, 12_000));
    const verdict = rig.read(START_MS + 1_000_000);
    expect(verdict).toMatchObject({ verdict: 'PASS', pairs: 6_000 });
  });

  it('start and close by hand, and stay closed over a restart', () => {
    const rig = new JournalRig();
    rig.start();
    const by = { by: 'kim', reason: 'new features' };
    expect(rig.experiments.start('next', by, START_MS + 5_000)).toBe(true);
    expect(rig.verdict()).toMatchObject({ attempt: 2, startedBy: 'kim', reason: 'new features' });
    expect(rig.experiments.start('other', by, START_MS)).toBe(false);
    expect(rig.experiments.close('next', { by: 'kim', reason: 'done' }, START_MS + 9_000)).toBe(
      true,
    );
    expect(rig.experiments.close('next', { by: 'kim', reason: 'done' }, START_MS + 9_000)).toBe(
      false,
    );
    rig.start(START_MS + 20_000);
    rig.write(traffic(0, 100));
    expect(rig.read(START_MS + 1_000_000)).toMatchObject({
      attempt: 2,
      closedAt: '2026-11-01T00:00:09.000Z',
      pairs: 0,
    });
  });

  it('judge label flips only where some route reads labels', () => {
    const rig = new JournalRig();
    rig.start();
    const kinds = (of: VerdictSummary) => new Set(of.evidence.map(({ guardrail }) => guardrail));
    rig.write(traffic(0, 1_000));
    expect(kinds(rig.read(START_MS + 100_000))).toContain('label_flips');
  });
});

describe('the state on disk', () => {
  it('K-07: is the same bits however often the analysis is killed between and within commits', () => {
    const whole = new JournalRig();
    whole.start();
    const all = traffic(0, 4_000, (seq) => (seq % 90 === 0 ? FLIP : {}));
    for (let i = 0; i < 8; i++) whole.write(all.slice(i * 500, (i + 1) * 500));
    whole.read(START_MS + 1_000_000);
    const killed = new JournalRig();
    killed.start();
    for (let i = 0; i < 8; i++) {
      killed.write(all.slice(i * 500, (i + 1) * 500));
      // Read and judged, and gone before the commit: the next one reads it again.
      killed.read(START_MS + 1_000, i % 3 === 0);
      if (i % 2 === 0) killed.start(START_MS + 1_000);
    }
    killed.read(START_MS + 1_000_000);
    expect(contentOf(killed)).toBe(contentOf(whole));
    expect(killed.verdict().verdict).toBe(whole.verdict().verdict);
  });

  it('counts a pair once that the journal has twice, and goes on in another journal', () => {
    const rig = new JournalRig();
    rig.start();
    const again = traffic(0, 500).map((pair) => ({ ...pair, id: `${pair.id}-again` }));
    rig.write(traffic(0, 500));
    rig.write(again);
    rig.write(traffic(500, 1_000));
    expect(rig.read(START_MS + 1_000_000).pairs).toBe(1_000);
  });

  it('gives the same verdict to who reads it without an instance', () => {
    const rig = new JournalRig();
    const verdict = judged(rig);
    expect(readVerdicts(rig.config.dataDir).verdicts).toEqual([verdict]);
    expect(readVerdicts(join(rig.folder, 'nothing')).verdicts).toEqual([]);
  });

  it('is set aside where the file is damaged, and has one owner', () => {
    const rig = new JournalRig();
    judged(rig);
    expect(() => rig.experiments && startAgain(rig)).toThrow(/Another process analyses/);
    rig.stop();
    writeFileSync(
      analysisPath(rig.config.dataDir),
      'no database at all, but long enough to be one',
    );
    rig.start(START_MS + 2_000_000);
    expect(rig.verdict()).toMatchObject({ attempt: 1, pairs: 0, verdict: 'CONTINUE' });
  });
});

/** A second analysis of the same folder. */
function startAgain({ config }: JournalRig): void {
  const other = new JournalRig();
  other.config = config;
  other.start();
}

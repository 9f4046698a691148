/**
 * Speed of the analysis on one core: state updates alone, and from the journal to committed states. Prints one line
 * each. `node bench/analysis.ts [PAIRS]`; the median of five runs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Analysis } from '../src/analysis/analysis.ts';
import { JournalSource } from '../src/analysis/journal-source.ts';
import type { ExperimentPlan } from '../src/analysis/plan.ts';
import { AnalysisStore } from '../src/analysis/store.ts';
import { ANALYSIS_DEFAULTS, ANALYSIS_PROFILES } from '../src/config/analysis-defaults.ts';
import type { Pair } from '../src/pair/pair.ts';
import { Journal } from '../src/record/journal.ts';
import { journalPath } from '../src/record/journal-file.ts';
import { JournalReader } from '../src/record/journal-reader.ts';

const RUNS = 5;
const COMMIT_PAIRS = 50_000;
const START_MS = Date.parse('2026-11-01T00:00:00Z');
const count = Number(process.argv[2] ?? 100_000);

const margin = ANALYSIS_DEFAULTS.margins;
const PLAN: ExperimentPlan = {
  experiment: 'bench',
  candidate: 'next',
  startedAt: new Date(START_MS).toISOString(),
  guardrails: (
    [
      ['contract', 0],
      ['errors', margin.errors],
      ['label_flips', margin.labelFlips],
      ['outside_tolerance', margin.outsideTolerance],
      ['score_bias_up', margin.scoreBias],
      ['score_bias_down', margin.scoreBias],
      ['score_difference', margin.scoreDifference],
      ['latency_over_objective', margin.overObjective],
    ] as const
  ).map(([kind, each]) => ({ kind, margin: each, plannedPairs: 0 })),
  segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }],
  discover: ['/region'],
  ...ANALYSIS_PROFILES.production,
  alphaPass: 0.05,
  alphaFail: 0.05,
  alphaAlarm: 0.05,
  scoreRange: [0, 1],
  objectiveMs: 50,
  slowerByMs: 5,
};

/** Pairs of a day, with a score that differs a little, a tier and a region; their JSON has about 900 bytes. */
function pairOf(seq: number): Pair {
  const score = ((seq * 7919) % 10_007) / 10_007;
  const other = Math.min(1, score + ((seq % 13) - 6) * 1e-4);
  const side = (value: number, version: string) => ({
    status: 200,
    first_byte_ms: 2 + (seq % 17) / 10,
    latency_ms: 2.1 + (seq % 17) / 10,
    model_version: version,
    predictions: [{ score: value, label: value > 0.5 ? 'bad' : 'good' }],
  });
  return {
    ...{ schema: 'understudy.pair/1', id: `0dglo0hfuebnkc51ks97.${seq}/next`, instance: 'vm/gw0' },
    ...{ epoch: '0dglo0hfuebnkc51ks97', seq, experiment: 'bench', route: 'score' },
    time: new Date(START_MS + (seq * 86_400_000) / count).toISOString(),
    key: `0dglo0hfuebnkc51ks97.${seq}`,
    join: `lc-${seq}`,
    captured: { '/tier': seq % 10 === 0 ? 'gold' : 'base', '/region': `r${seq % 50}` },
    selection: { u: 0.25, probability: 1, rule: 'default', settings_version: 0 },
    request: { method: 'POST', path: '/v1/score', content_type: 'application/json', bytes: 440 },
    flags: [],
    incumbent: side(score, '1'),
    candidate: { name: 'next', role: 'candidate', queue_ms: 0.4, ...side(other, '2') },
    divergence: {
      ...{
        score_delta_max: other - score,
        label_flips: 0,
        outside_tolerance: seq % 13 === 6 ? 0 : 1,
      },
      fields: [],
    },
    state: 'paired',
  };
}

/** @returns the median of what a second holds */
function perSecond(run: () => void): number {
  const rates = Array.from({ length: RUNS }, () => {
    const startedMs = performance.now();
    run();
    return (count / (performance.now() - startedMs)) * 1_000;
  });
  return rates.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
}

function say(what: string, rate: number): void {
  process.stdout.write(`${what.padEnd(44)} ${Math.round(rate).toLocaleString('en-GB')} pairs/s\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'und-bench-'));
try {
  const texts = Array.from({ length: count }, (_, i) => JSON.stringify(pairOf(i)));
  const pairs = texts.map((text) => JSON.parse(text) as Pair);
  say(
    'state updates',
    perSecond(() => {
      const analysis = new Analysis(PLAN);
      for (const pair of pairs) analysis.add(pair);
    }),
  );
  const room = { maxBytes: 2 ** 34, retentionMs: 1e12, outbox: false };
  const journal = new Journal(journalPath(folder), room);
  const leg = { epoch: 'e', candidate: 'next', route: 'score', hour: 1, sizeClass: 'le_1k' };
  for (let from = 0; from < count; from += 500) {
    const entries = texts.slice(from, from + 500).map((json, i) => {
      const of = {
        leg,
        state: 'paired',
        reason: '',
        experiment: 'bench',
        timeMs: START_MS,
      } as const;
      return { ...of, id: `${from + i}`, key: `${from + i}`, json };
    });
    journal.commit({ session: '', number: 0, entries, counts: [], ledgers: [] }, [], START_MS);
  }
  let run = 0;
  say(
    'from the journal to committed states',
    perSecond(() => {
      run += 1;
      const store = AnalysisStore.open(join(folder, `run-${run}`));
      const source = new JournalSource(JournalReader.open(folder), '');
      const baseline: [] = [];
      const start = { plan: PLAN, hash: '', profile: '', startedBy: '', reason: '', baseline };
      const attempt = store.start(start);
      const analysis = new Analysis(PLAN);
      const commit = (): void =>
        store.commit({
          positions: { journal: source.position },
          analyses: new Map([[attempt, analysis]]),
          coverage: new Map(),
          cuts: [],
        });
      let sinceCommit = 0;
      for (let done = false; !done; ) {
        const page = source.next();
        for (const pair of page.pairs) analysis.add(pair);
        sinceCommit += page.pairs.length;
        done = page.done;
        if (sinceCommit < COMMIT_PAIRS) continue;
        commit();
        sinceCommit = 0;
      }
      commit();
      store.end();
    }),
  );
  journal.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Speed of the analysis on one core: state updates alone, from the journal to committed states, the report of a state
 * of 100 million pairs; and memory a named segment. Prints one line each. `node bench/analysis.ts [PAIRS]`; medians of
 * five runs. Beside pandas and Spark: bench/analysis/beside.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Analysis } from '../src/analysis/analysis.ts';
import { toCutFacts } from '../src/analysis/cut-facts.ts';
import { CutState } from '../src/analysis/cut-state.ts';
import { JournalSource } from '../src/analysis/journal-source.ts';
import { lossesOf } from '../src/analysis/losses.ts';
import { toReport } from '../src/analysis/report/report-model.ts';
import { toHtml } from '../src/analysis/report/to-html.ts';
import { toMarkdown } from '../src/analysis/report/to-markdown.ts';
import { SegmentState } from '../src/analysis/segment-state.ts';
import { AnalysisStore, type Attempt } from '../src/analysis/store.ts';
import type { Coverage } from '../src/analysis/verdict.ts';
import type { Pair } from '../src/pair/pair.ts';
import { Journal } from '../src/record/journal/journal.ts';
import { journalPath } from '../src/record/journal/journal-file.ts';
import { JournalReader } from '../src/record/journal/journal-reader.ts';
import { benchPair, DAY_MS, PLAN, START_MS } from './analysis/bench-pairs.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

const RUNS = 5;
const COMMIT_PAIRS = 50_000;
const count = Number(process.argv[2] ?? 100_000);

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

/** The state of so many times the same pairs of a day, and how long its report takes: as page and as Markdown. */
function sayReport(pairs: readonly Pair[], times: number): void {
  const once = new Analysis(PLAN);
  for (const pair of pairs) once.add(pair);
  const analysis = new Analysis(PLAN);
  for (let i = 0; i < times; i += 1) analysis.merge(once);
  const attempt: Attempt = {
    ...{ id: 1, number: 1, plan: PLAN, hash: 'bench', profile: 'production', baseline: [] },
    ...{ startedBy: 'bench', reason: 'bench', closedAt: '', closedReason: '' },
  };
  const parts = [{ part: '', observed: count * times, lost: 0 }];
  const coverage: Coverage = { parts, breakerOpen: 0, breakerOpenLately: 0 };
  const of = { attempt, attempts: 1, analysis, untilMs: START_MS + DAY_MS };
  const spans = Array.from({ length: RUNS }, () => {
    const startedMs = performance.now();
    // Another function each time: what was judged is not taken from the last run.
    const coverageAt = (): Coverage => coverage;
    const model = toReport({ ...of, coverageAt }, { breakers: new Map(), legs: [], settings: [] });
    const page = toHtml([model]).length + toMarkdown([model]).length;
    if (page < 10_000) throw new Error('the report is empty');
    return performance.now() - startedMs;
  });
  const ms = spans.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
  const million = ((count * times) / 1e6).toLocaleString('en-GB');
  process.stdout.write(
    `${`report of ${million} million pairs, 288 cuts`.padEnd(44)} ${Math.round(ms)} ms\n`,
  );
}

/** Bytes of heap and buffers that each of many takes. */
function bytesEach(many: number, make: () => unknown): number {
  const used = (): number => {
    collect();
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const kept = [make()];
  const before = used();
  for (let i = 0; i < many; i += 1) kept.push(make());
  const bytes = used() - before;
  // Read after that, so that they are alive until then.
  return bytes / (kept.length - 1);
}

function sayMemory(pairs: readonly Pair[]): void {
  const facts = pairs.slice(0, 100).map((pair) => toCutFacts(pair, lossesOf(pair, PLAN)));
  const whole = bytesEach(50, () => {
    const state = new SegmentState();
    for (const pair of pairs.slice(0, 20_000)) state.add(pair, PLAN);
    return state;
  });
  const stretch = bytesEach(5_000, () => {
    const state = new CutState(PLAN.guardrails.length);
    for (const each of facts) state.add(each);
    return state;
  });
  const kib = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KiB`;
  process.stdout.write(`${'memory of a segment, all of its time'.padEnd(44)} ${kib(whole)}\n`);
  process.stdout.write(
    `${'memory of a segment, each stretch of 5 min'.padEnd(44)} ${kib(stretch)}\n`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'und-bench-'));
try {
  const texts = Array.from({ length: count }, (_, i) => JSON.stringify(benchPair(i, count)));
  const pairs = texts.map((text) => JSON.parse(text) as Pair);
  say(
    'state updates',
    perSecond(() => {
      const analysis = new Analysis(PLAN);
      for (const pair of pairs) analysis.add(pair);
    }),
  );
  sayMemory(pairs);
  sayReport(pairs, Math.round(1e8 / count));
  const room = {
    maxBytes: 2 ** 34,
    retentionMs: 1e12,
    maxAgeMs: 0,
    whenFull: 'drop_newest' as const,
    outbox: false,
  };
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

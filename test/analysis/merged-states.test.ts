import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Analysis } from '../../src/analysis/analysis.ts';
import { readMerged } from '../../src/analysis/merged-states.ts';
import type { ExperimentPlan } from '../../src/analysis/plan.ts';
import { changedEntries } from '../../src/analysis/state-entries.ts';
import { AnalysisStore } from '../../src/analysis/store.ts';
import { summarise } from '../../src/analysis/summary.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { guardrail, pairOf, planOf, START_MS } from './pairs.ts';

const PLAN = planOf({
  guardrails: [guardrail('contract'), guardrail('label_flips')],
  segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }],
});
const CUTS = Array.from({ length: 9 }, (_, i) => START_MS + (i + 1) * 10_000);
const PAIRS = Array.from({ length: 9_000 }, (_, seq) => {
  return pairOf({ seq, captured: { '/tier': seq % 3 === 0 ? 'gold' : 'base' } });
});

function analysed(pairs: readonly Pair[], plan: ExperimentPlan = PLAN): Analysis {
  const analysis = new Analysis(plan);
  for (const pair of pairs) analysis.add(pair);
  return analysis;
}

/** A data folder as a consumer leaves it, with coverage at so many cuts. */
function folderOf(analysis: Analysis, closed = CUTS.length): string {
  const folder = tempFolder();
  const store = AnalysisStore.open(folder);
  const of = { hash: 'h', profile: 'demo', startedBy: 'x', reason: 'y', baseline: [] };
  const attempt = store.start({ plan: analysis.plan, ...of });
  const cuts = CUTS.slice(0, closed).map((cutMs) => {
    const gold = analysis.upTo('named:gold', cutMs).count('pairs');
    const parts = [
      { part: '', observed: (cutMs - START_MS) / 10, lost: 0 },
      { part: 'segment gold', observed: gold, lost: 0 },
    ];
    return { attempt, cutMs, coverage: { parts, breakerOpen: 0, breakerOpenLately: 0 } };
  });
  store.commit({
    ...{ positions: {}, coverage: new Map(), cuts },
    analyses: new Map([[attempt, analysis]]),
  });
  store.end();
  return folder;
}

function bytesOf(analysis: Analysis | undefined): string[] {
  if (analysis === undefined) throw new Error('nothing');
  return Array.from(changedEntries(analysis), ({ kind, key, stretch, bytes }) => {
    return `${kind} ${key} ${stretch} ${Buffer.from(bytes).toString('hex')}`;
  }).sort();
}

function stateFile(analysis: Analysis, plan: unknown = analysis.plan): string {
  const path = join(tempFolder(), 'states');
  const header = { schema: 'understudy.state/1', plan, hash: 'h', profile: 'demo' };
  const lines = Array.from(changedEntries(analysis), ({ bytes, ...entry }) => {
    return { ...entry, bytes: Buffer.from(bytes).toString('base64') };
  });
  const all = [header, ...lines, { end: lines.length }];
  writeFileSync(path, all.map((each) => `${JSON.stringify(each)}\n`).join(''));
  return path;
}

const [evens, odds] = [0, 1].map((rest) => PAIRS.filter(({ seq }) => seq % 2 === rest));

it('has the bits and the verdict of one consumer of all pairs', () => {
  const whole = analysed(PAIRS);
  const parts = [evens, odds].map((pairs) => folderOf(analysed(pairs ?? [])));
  const [merged] = readMerged(parts);
  expect(bytesOf(merged?.analysis)).toEqual(bytesOf(whole));
  const [one] = readMerged([folderOf(analysed(PAIRS))]);
  if (merged === undefined || one === undefined) throw new Error('nothing');
  const verdict = summarise(merged);
  expect(verdict).toEqual({ ...summarise(one), ...{ attempt: 1 } });
  expect(verdict).toMatchObject({ verdict: 'PASS', pairs: 9_000 });
});

it('goes as far as the part that has closed the fewest cuts', () => {
  const parts = [folderOf(analysed(evens ?? [])), folderOf(analysed(odds ?? []), 4)];
  expect(readMerged(parts)[0]?.untilMs).toBe(CUTS[3]);
});

it('reads states of another engine, without coverage: no PASS, and the reason', () => {
  const [merged] = readMerged([stateFile(analysed(PAIRS))]);
  if (merged === undefined) throw new Error('nothing');
  expect(bytesOf(merged.analysis)).toEqual(bytesOf(analysed(PAIRS)));
  const { verdict, gates, pairs } = summarise(merged);
  expect({ verdict, pairs }).toEqual({ verdict: 'CONTINUE', pairs: 9_000 });
  expect(gates.map(({ reason }) => reason)).toEqual(['coverage_unknown']);
});

it('refuses what would count twice, other plans, and files that are not whole', () => {
  const whole = analysed(PAIRS.slice(0, 600));
  const path = stateFile(whole);
  expect(() => readMerged([path, folderOf(analysed(PAIRS.slice(500, 900)))])).toThrow(
    /has counted 100 pairs of next that another part has, too/,
  );
  const other = planOf({ segments: [] });
  expect(() => readMerged([path, folderOf(analysed([], other))])).toThrow(/different plans/);
  expect(() => readMerged(['/nowhere'])).toThrow('There is no /nowhere.');
  expect(() => readMerged([tempFolder()])).toThrow(/has no analysis.sqlite/);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const broken: [string, readonly string[]][] = [
    ['the file is not whole', lines.slice(0, -1)],
    ['the file is not whole', [...lines.slice(0, 3), ...lines.slice(4)]],
    ['it begins with "schema": "understudy.state/1"', lines.slice(1)],
    ['line 2: no JSON', [...lines.slice(0, 1), '{', ...lines.slice(2)]],
    ['line 2: no part of a state', [...lines.slice(0, 1), '{}', ...lines.slice(2)]],
    ['holds no state', [...lines.slice(0, 1), cutShort(lines[1] ?? ''), ...lines.slice(2)]],
  ];
  for (const [why, text] of broken) {
    writeFileSync(path, `${text.join('\n')}\n`);
    expect(() => readMerged([path]), why).toThrow(why);
  }
});

function cutShort(line: string): string {
  const entry = JSON.parse(line);
  return JSON.stringify({ ...entry, bytes: entry.bytes.slice(0, 8) });
}

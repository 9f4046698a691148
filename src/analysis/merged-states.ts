/**
 * States of several consumers, or of another engine, added up to one: the same bits as one consumer of all pairs has.
 * Each part is a data folder of `understudy analyse`, or a file of states (state-file.ts).
 */
import { existsSync, statSync } from 'node:fs';
import { UnderstudyError } from '../errors.ts';
import { Analysis, lastStretch } from './analysis.ts';
import { coverageAt } from './coverage.ts';
import { hashPlan } from './plan.ts';
import { readStateFile } from './state-file.ts';
import { AnalysisStore, type Attempt } from './store.ts';
import { analysisPath } from './store-file.ts';
import type { SummaryInput } from './summary.ts';
import type { Coverage, CoveragePart } from './verdict.ts';

interface Part {
  readonly path: string;
  readonly attempt: Attempt;
  readonly analysis: Analysis;
  /** Empty: nobody has told of coverage. */
  readonly cuts: ReadonlyMap<number, Coverage>;
}

/**
 * The last attempt of each candidate and experiment, over all parts.
 *
 * @param paths - data folders and files of states, at least one
 * @throws {UnderstudyError} `UND_USAGE` a path without a state, parts of different plans, or of the same pairs;
 *   `UND_ANALYSIS_VERSION`; errors of SQLite as they are
 */
export function readMerged(paths: readonly string[]): SummaryInput[] {
  const parts = paths.flatMap(readParts);
  const groups = Map.groupBy(parts, ({ attempt }) => {
    return JSON.stringify([attempt.plan.experiment, attempt.plan.candidate]);
  });
  return Array.from(groups.values(), merge);
}

function readParts(path: string): Part[] {
  if (!existsSync(path)) throw new UnderstudyError('UND_USAGE', `There is no ${path}.`);
  if (!statSync(path).isDirectory()) {
    const { analysis, ...of } = readStateFile(path);
    const by = { startedBy: 'another engine', reason: path, closedAt: '', closedReason: '' };
    const attempt = { ...of, ...by, id: 0, number: 1, baseline: [] };
    return [{ path, attempt, analysis, cuts: new Map() }];
  }
  if (!existsSync(analysisPath(path))) {
    throw new UnderstudyError('UND_USAGE', `${path} has no analysis.sqlite: nothing was analysed.`);
  }
  const store = AnalysisStore.read(path);
  try {
    const last = new Map<string, Attempt>();
    for (const attempt of store.attempts()) {
      last.set(JSON.stringify([attempt.plan.experiment, attempt.plan.candidate]), attempt);
    }
    return Array.from(last.values(), (attempt) => {
      return { path, attempt, analysis: store.load(attempt), cuts: store.cuts(attempt.id) };
    });
  } finally {
    store.end();
  }
}

function merge(parts: readonly Part[]): SummaryInput {
  const [first] = parts;
  if (first === undefined) throw new Error('a group has a part');
  const { plan } = first.attempt;
  const analysis = new Analysis(plan);
  for (const part of parts) {
    if (hashPlan(part.attempt.plan) !== hashPlan(plan)) {
      const names = `${first.path} and ${part.path}`;
      const message = `${names} judge ${plan.candidate} by different plans, or from different times on.`;
      throw new UnderstudyError('UND_USAGE', message);
    }
    const sum = analysis.seen.size + part.analysis.seen.size;
    analysis.merge(part.analysis);
    if (analysis.seen.size < sum) {
      const twice = sum - analysis.seen.size;
      const message = `${part.path} has counted ${twice} pairs of ${plan.candidate} that another part has, too.`;
      throw new UnderstudyError('UND_USAGE', message);
    }
  }
  const told = parts.filter(({ cuts }) => cuts.size > 0);
  const cuts = mergeCuts(told);
  // A cut is closed when each part that closes cuts has closed it.
  const ends = told.map((part) => [...part.cuts.keys()].at(-1) ?? 0);
  const untilMs =
    ends.length > 0 ? Math.min(...ends) : lastStretch(analysis.stretches) + plan.cutMs;
  const attempts = Math.max(...parts.map(({ attempt }) => attempt.number));
  return {
    attempt: first.attempt,
    attempts,
    analysis,
    untilMs: Number.isFinite(untilMs) ? untilMs : 0,
    coverageAt: coverageAt(cuts),
  };
}

function mergeCuts(parts: readonly Part[]): Map<number, Coverage> {
  const all = parts.flatMap(({ cuts }) => [...cuts]).sort(([a], [b]) => a - b);
  const byCut = Map.groupBy(all, ([cutMs]) => cutMs);
  return new Map(
    Array.from(byCut, ([cutMs, told]) => [cutMs, mergeCoverage(told.map(([, each]) => each))]),
  );
}

/**
 * Each part has read all accounts, and counts only grow: the largest is the latest. Pairs of a named segment are
 * those of its own partitions: they add up.
 */
function mergeCoverage(told: readonly Coverage[]): Coverage {
  const groups = Map.groupBy(
    told.flatMap(({ parts }) => parts),
    ({ part }) => part,
  );
  return {
    parts: Array.from(groups, ([part, same]): CoveragePart => {
      const observed = same.map((each) => each.observed);
      const isOwn = part.startsWith('segment ');
      return {
        part,
        observed: isOwn ? observed.reduce((sum, each) => sum + each, 0) : Math.max(...observed),
        lost: Math.max(...same.map((each) => each.lost)),
      };
    }),
    breakerOpen: Math.max(...told.map(({ breakerOpen }) => breakerOpen)),
    breakerOpenLately: Math.max(...told.map(({ breakerOpenLately }) => breakerOpenLately)),
  };
}

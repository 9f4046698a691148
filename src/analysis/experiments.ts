/**
 * The attempts of all configured candidates: started, resumed, closed; fed with pairs, their cuts closed, judged.
 * One candidate and experiment name has at most one open attempt.
 */

import { LIMITS } from '../config/defaults.ts';
import type { CandidateConfig, Config } from '../config/types.ts';
import type { Pair } from '../pair/pair.ts';
import type { CommittedBooks } from '../record/recorder-port.ts';
import { Analysis, lastStretch } from './analysis.ts';
import { baselineOf, closeCut, coverageAt, lostIn } from './coverage.ts';
import { CoverageCells } from './coverage-cells.ts';
import type { ErasedPair } from './erase-pairs.ts';
import { type OutcomeRow, toOutcomeRow } from './quality/outcome-row.ts';
import { isSettled } from './settled.ts';
import { type AnalysisStore, type Attempt, leftOutOf } from './store.ts';
import { summarise, type VerdictSummary } from './summary.ts';
import { attemptHash, toPlan } from './to-plan.ts';
import type { Coverage } from './verdict.ts';

interface Running {
  readonly candidate: CandidateConfig;
  readonly cells: CoverageCells;
  /** The open attempt, or the last one where it was closed by hand. */
  attempt: Attempt;
  analysis: Analysis;
  cuts: Map<number, Coverage>;
  /** Of these cuts. */
  coverageAt: (cutMs: number) => Coverage;
  /** Closed and not yet on disk. */
  readonly newCuts: { attempt: number; cutMs: number; coverage: Coverage }[];
  /** Pairs that wait for their outcomes and are not yet on disk; how many are kept, and how many found no room. */
  readonly newOutcomes: OutcomeRow[];
  outcomes: number;
  outcomesLeftOut: number;
  summary: VerdictSummary;
}

export interface StartOptions {
  readonly by: string;
  readonly reason: string;
}

/** What has happened to an attempt, for a log line. */
export interface AttemptEvent {
  readonly what: 'started' | 'closed';
  readonly experiment: string;
  readonly candidate: string;
  readonly attempt: number;
  readonly reason: string;
}

export class Experiments {
  readonly #store: AnalysisStore;
  readonly #config: Config;
  readonly #onEvent: (event: AttemptEvent) => void;
  readonly #running = new Map<string, Running>();

  /**
   * Resumes open attempts whose plan is still the same, closes those whose plan has changed, starts what is new.
   *
   * @param books - of the journal, now: what was counted before an attempt is not part of it
   * @param nowMs - Unix ms
   */
  constructor(
    store: AnalysisStore,
    config: Config,
    of: {
      readonly books: CommittedBooks;
      readonly nowMs: number;
      readonly onEvent: (event: AttemptEvent) => void;
    },
  ) {
    this.#store = store;
    this.#config = config;
    this.#onEvent = of.onEvent;
    this.#closeUnconfigured(of.nowMs);
    for (const candidate of config.candidates) {
      const cells = new CoverageCells(store.coverage(candidate.name));
      cells.take(of.books, candidate.name, candidate.routes);
      this.#resume(candidate, cells, of.nowMs);
    }
  }

  /** Offers a pair to the attempt of its candidate. */
  add(pair: Pair): void {
    const running = this.#running.get(pair.candidate.name);
    if (running === undefined || running.attempt.closedAt !== '') return;
    if (running.analysis.add(pair) === 'counted') keepOutcome(running, pair);
  }

  /**
   * Copies the books and closes the cuts that accounting has passed. All pairs of these books have been added.
   *
   * @param nowMs - Unix ms at which the books were read
   * @param missed - pairs that nobody can read any more
   * @returns whether some cut was closed
   */
  account(books: CommittedBooks, nowMs: number, missed: number): boolean {
    let isClosed = false;
    for (const running of this.#running.values()) {
      const { candidate, cells, attempt } = running;
      cells.take(books, candidate.name, candidate.routes);
      if (attempt.closedAt !== '') continue;
      const { cutMs: step, startedAt } = attempt.plan;
      const first = Math.floor(Date.parse(startedAt) / step) * step;
      let cutMs = (this.#lastCut(running) || first) + step;
      const maturityMs = Math.ceil((attempt.plan.quality?.maturityMs ?? 0) / step) * step;
      const lastMs = Math.max(
        lastStretch(running.analysis.stretches) + step + maturityMs,
        hasLost(running, missed) ? reportedMs(books, nowMs) : 0,
      );
      const isDue = (): boolean =>
        cutMs <= lastMs && isSettled({ cutMs, nowMs, books, config: this.#config, candidate });
      const due: number[] = [];
      for (; isDue(); cutMs += step) due.push(cutMs);
      for (const each of due) this.#closeCut(running, each, missed, each === due.at(-1));
      isClosed ||= due.length > 0;
    }
    return isClosed;
  }

  /** Writes all changes and the position of the source, or nothing. */
  commit(positions: Readonly<Record<string, string>>): void {
    const all = [...this.#running.values()];
    const leftOut = all
      .filter(({ outcomesLeftOut }) => outcomesLeftOut > 0)
      .map(({ attempt, outcomesLeftOut }) => [leftOutOf(attempt.id), String(outcomesLeftOut)]);
    this.#store.commit({
      positions: { ...positions, ...Object.fromEntries(leftOut) },
      outcomes: new Map(all.map(({ attempt, newOutcomes }) => [attempt.id, newOutcomes])),
      analyses: new Map(all.map(({ attempt, analysis }) => [attempt.id, analysis])),
      coverage: new Map(all.map(({ candidate, cells }) => [candidate.name, cells.changed()])),
      cuts: all.flatMap(({ newCuts }) => newCuts),
    });
    for (const running of all) {
      running.cells.settle();
      running.newCuts.length = 0;
      running.newOutcomes.length = 0;
    }
  }

  /** Takes pairs out of all attempts; what is not committed must be committed first. Errors as the store's. */
  erase(pairs: readonly ErasedPair[]): void {
    const ids = pairs.map(({ id }) => id);
    for (const { analysis } of this.#running.values()) {
      analysis.sample.remove(ids);
      analysis.examples.remove(ids);
    }
    this.#store.erase(pairs);
    for (const running of this.#running.values()) {
      running.outcomes = this.#store.labels.count(running.attempt.id);
    }
  }

  /** Judges anew, outcomes as they are on disk now. */
  judge(): void {
    for (const running of this.#running.values()) running.summary = this.#summarise(running);
  }

  summaries(): VerdictSummary[] {
    return [...this.#running.values()].map(({ summary }) => summary);
  }

  /** Starts a new attempt by hand; what is not committed must be committed first. @returns false: no such candidate */
  start(candidate: string, options: StartOptions, nowMs: number): boolean {
    const running = this.#running.get(candidate);
    if (running === undefined) return false;
    this.#close(running.attempt, `a new attempt: ${options.reason}`, nowMs);
    this.#begin(running.candidate, running.cells, { ...options, nowMs });
    return true;
  }

  /** Closes the attempt by hand; no other starts until one is started, or the plan changes. */
  close(candidate: string, { by, reason }: StartOptions, nowMs: number): boolean {
    const running = this.#running.get(candidate);
    if (running === undefined || running.attempt.closedAt !== '') return false;
    this.#close(running.attempt, `${reason} (${by})`, nowMs);
    running.attempt = this.#byId(running.attempt.id);
    running.summary = this.#summarise(running);
    return true;
  }

  #closeUnconfigured(nowMs: number): void {
    const names = new Set(this.#config.candidates.map(({ name }) => name));
    for (const attempt of this.#store.attempts()) {
      const { experiment, candidate } = attempt.plan;
      if (experiment === this.#config.experiment && names.has(candidate)) continue;
      this.#close(attempt, 'not configured any more', nowMs);
    }
  }

  #resume(candidate: CandidateConfig, cells: CoverageCells, nowMs: number): void {
    const last = this.#attemptsOf(candidate.name).at(-1);
    const isSame = last !== undefined && last.hash === attemptHash(this.#config, candidate);
    if (isSame) {
      this.#run(candidate, cells, { attempt: last, analysis: this.#store.load(last) });
      return;
    }
    if (last !== undefined) this.#close(last, 'the plan or the configuration has changed', nowMs);
    const reason =
      last === undefined ? 'first attempt' : 'the plan or the configuration has changed';
    this.#begin(candidate, cells, { by: 'configuration', reason, nowMs });
  }

  #begin(
    candidate: CandidateConfig,
    cells: CoverageCells,
    { by, reason, nowMs }: StartOptions & { readonly nowMs: number },
  ): void {
    const plan = toPlan(this.#config, candidate, new Date(nowMs).toISOString());
    const id = this.#store.start({
      plan,
      hash: attemptHash(this.#config, candidate),
      profile: this.#config.analysis.profile,
      startedBy: by,
      reason,
      baseline: baselineOf(cells.cells(), nowMs),
    });
    const attempt = this.#byId(id);
    this.#forgetOutcomes();
    this.#tell('started', attempt, reason);
    this.#run(candidate, cells, { attempt, analysis: new Analysis(plan) });
  }

  #run(
    candidate: CandidateConfig,
    cells: CoverageCells,
    { attempt, analysis }: { readonly attempt: Attempt; readonly analysis: Analysis },
  ): void {
    const cuts = this.#store.cuts(attempt.id);
    const outcomes = this.#store.labels.count(attempt.id);
    const outcomesLeftOut = Number(this.#store.position(leftOutOf(attempt.id)));
    const of = {
      ...{ cuts, coverageAt: coverageAt(cuts), newCuts: [], newOutcomes: [] },
      ...{ outcomes, outcomesLeftOut },
    };
    const state = { candidate, cells, attempt, analysis, ...of };
    this.#running.set(candidate.name, { ...state, summary: this.#summarise(state) });
  }

  #close(attempt: Attempt, reason: string, nowMs: number): void {
    if (attempt.closedAt !== '') return;
    this.#store.close(attempt.id, new Date(nowMs).toISOString(), reason);
    this.#tell('closed', attempt, reason);
  }

  /** @param isNewest - none of a later time is closed now */
  #closeCut(running: Running, cutMs: number, missed: number, isNewest: boolean): void {
    const { attempt, analysis, cells, cuts } = running;
    const segmentPairs = attempt.plan.segments.map(({ name }) => {
      const state = analysis.upTo(`named:${name}`, cutMs);
      return state.count('pairs') + state.count('warmUp');
    });
    const windowBefore = cuts.get(cutMs - attempt.plan.windowMs);
    const keptBackBefore = isNewest
      ? null
      : (cuts.get(cutMs - attempt.plan.cutMs)?.breakerOpen ?? 0);
    const ofCut = { cutMs, segmentPairs, windowBefore, keptBackBefore };
    const coverage = closeCut(attempt, { ...ofCut, cells: cells.cells(), missed });
    cuts.set(cutMs, coverage);
    running.newCuts.push({ attempt: attempt.id, cutMs, coverage });
  }

  #summarise(running: Omit<Running, 'summary'>): VerdictSummary {
    const { attempt, analysis, coverageAt: at } = running;
    const attempts = this.#attemptsOf(attempt.plan.candidate).length;
    analysis.quality = this.#store.quality(attempt);
    const untilMs = this.#lastCut(running);
    return summarise({ attempt, attempts, analysis, untilMs, coverageAt: at });
  }

  #lastCut({ cuts }: Pick<Running, 'cuts'>): number {
    return [...cuts.keys()].at(-1) ?? 0;
  }

  #attemptsOf(candidate: string): Attempt[] {
    const { experiment } = this.#config;
    return this.#store
      .attempts()
      .filter(({ plan }) => plan.experiment === experiment && plan.candidate === candidate);
  }

  #byId(id: number): Attempt {
    const attempt = this.#store.attempts().find((each) => each.id === id);
    if (attempt === undefined) throw new Error(`no attempt ${id}`);
    return attempt;
  }

  /** Pairs wait for their outcomes in the last attempt of each candidate and experiment alone. */
  #forgetOutcomes(): void {
    const last = new Map(
      this.#store.attempts().map(({ id, plan }) => [`${plan.experiment}/${plan.candidate}`, id]),
    );
    this.#store.labels.keepOnly([...last.values()]);
  }

  #tell(what: AttemptEvent['what'], attempt: Attempt, reason: string): void {
    const { experiment, candidate } = attempt.plan;
    this.#onEvent({ what, experiment, candidate, attempt: attempt.number, reason });
  }
}

/** Whether copies were lost since the last closed cut: then there is something to judge without any pair. */
function hasLost({ cells, cuts, attempt }: Running, missed: number): boolean {
  const before = [...cuts.values()].at(-1)?.parts[0]?.lost ?? 0;
  return lostIn(attempt, cells.cells(), missed) > before;
}

/** The last moment of which some gateway has told, Unix ms: never a matter of when somebody looks. */
function reportedMs({ epochs }: CommittedBooks, nowMs: number): number {
  return Math.min(nowMs, Math.max(0, ...epochs.map(({ receivedAtMs }) => receivedAtMs)));
}

/** The pair waits for its outcome, where outcomes are judged and there is room. */
function keepOutcome(running: Running, pair: Pair): void {
  const { quality, scoreRange } = running.attempt.plan;
  if (quality === undefined) return;
  const row = toOutcomeRow(pair, quality, scoreRange);
  if (row === null) return;
  if (running.outcomes >= LIMITS.outcomePairs) {
    running.outcomesLeftOut += 1;
    return;
  }
  running.outcomes += 1;
  running.newOutcomes.push(row);
}

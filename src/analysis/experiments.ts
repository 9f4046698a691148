/**
 * The attempts of all configured candidates: started, resumed, closed; fed with pairs, their cuts closed, judged.
 * One candidate and experiment name has at most one open attempt.
 */
import type { CandidateConfig, Config } from '../config/types.ts';
import type { Pair } from '../pair/pair.ts';
import type { CommittedBooks } from '../record/recorder-port.ts';
import { Analysis, WHOLE } from './analysis.ts';
import { baselineOf, closeCut, coverageAt } from './coverage.ts';
import { CoverageCells } from './coverage-cells.ts';
import { isSettled } from './settled.ts';
import type { AnalysisStore, Attempt } from './store.ts';
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
  /** Closed and not yet on disk. */
  readonly newCuts: { attempt: number; cutMs: number; coverage: Coverage }[];
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
    if (running !== undefined && running.attempt.closedAt === '') running.analysis.add(pair);
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
      const lastMs = lastStretchOf(running.analysis) + step;
      const isDue = (): boolean =>
        cutMs <= lastMs && isSettled({ cutMs, nowMs, books, config: this.#config, candidate });
      for (; isDue(); cutMs += step) {
        this.#closeCut(running, cutMs, missed);
        isClosed = true;
      }
    }
    return isClosed;
  }

  /** Writes all changes and the position of the source, or nothing. */
  commit(positions: Readonly<Record<string, string>>): void {
    const all = [...this.#running.values()];
    this.#store.commit({
      positions,
      analyses: new Map(all.map(({ attempt, analysis }) => [attempt.id, analysis])),
      coverage: new Map(all.map(({ candidate, cells }) => [candidate.name, cells.changed()])),
      cuts: all.flatMap(({ newCuts }) => newCuts),
    });
    for (const running of all) {
      running.cells.settle();
      running.newCuts.length = 0;
    }
  }

  /** Judges anew. */
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
    this.#tell('started', attempt, reason);
    this.#run(candidate, cells, { attempt, analysis: new Analysis(plan) });
  }

  #run(
    candidate: CandidateConfig,
    cells: CoverageCells,
    { attempt, analysis }: { readonly attempt: Attempt; readonly analysis: Analysis },
  ): void {
    const cuts = this.#store.cuts(attempt.id);
    const state = { candidate, cells, attempt, analysis, cuts, newCuts: [] };
    this.#running.set(candidate.name, { ...state, summary: this.#summarise(state) });
  }

  #close(attempt: Attempt, reason: string, nowMs: number): void {
    if (attempt.closedAt !== '') return;
    this.#store.close(attempt.id, new Date(nowMs).toISOString(), reason);
    this.#tell('closed', attempt, reason);
  }

  #closeCut(running: Running, cutMs: number, missed: number): void {
    const { attempt, analysis, cells, cuts } = running;
    const segmentPairs = attempt.plan.segments.map(({ name }) => {
      const state = analysis.upTo(`named:${name}`, cutMs);
      return state.count('pairs') + state.count('warmUp');
    });
    const windowBefore = cuts.get(cutMs - attempt.plan.windowMs);
    const facts = { cutMs, cells: cells.cells(), missed, segmentPairs, windowBefore };
    const coverage = closeCut(attempt, facts);
    cuts.set(cutMs, coverage);
    running.newCuts.push({ attempt: attempt.id, cutMs, coverage });
  }

  #summarise(running: Omit<Running, 'summary'>): VerdictSummary {
    const { attempt, analysis, cuts } = running;
    const attempts = this.#attemptsOf(attempt.plan.candidate).length;
    const untilMs = this.#lastCut(running);
    return summarise({ attempt, attempts, analysis, untilMs, coverageAt: coverageAt(cuts) });
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

  #tell(what: AttemptEvent['what'], attempt: Attempt, reason: string): void {
    const { experiment, candidate } = attempt.plan;
    this.#onEvent({ what, experiment, candidate, attempt: attempt.number, reason });
  }
}

/** Start of the last stretch with pairs: after its end there is nothing to judge, and no cut is closed. */
function lastStretchOf({ stretches }: Analysis): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const startMs of stretches.keys()) if (startMs !== WHOLE && startMs > last) last = startMs;
  return last;
}

/**
 * The analysis thread of the admin process: reads the journal, keeps the states, judges at each cut. A thread of its
 * own, so that whatever it does, admin answers. What it needs may be missing or fail: it says so and tries again.
 */
import type { MessagePort } from 'node:worker_threads';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { type ErrorCode, UnderstudyError } from '../errors.ts';
import { BackOff } from '../record/back-off.ts';
import { JournalReader } from '../record/journal/journal-reader.ts';
import { writeWatermark } from '../record/journal/watermark-file.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type {
  AnalysisThreadData,
  AttemptRow,
  ExperimentRequest,
  FromAnalysis,
  LabelsAnswer,
  ToAnalysis,
} from './analysis-messages.ts';
import { pairsOfKey } from './erase-pairs.ts';
import { Experiments } from './experiments.ts';
import { JournalSource } from './journal-source.ts';
import type { LabelEntry } from './labels/label-entry.ts';
import { AnalysisStore, type Attempt } from './store.ts';

/** Runs until it is told to stop. */
export function runAnalysisThread(port: MessagePort, { config }: AnalysisThreadData): void {
  const thread = new AnalysisThread(port, config);
  port.on('message', (message: ToAnalysis) => thread.take(message));
  thread.run();
}

/** What is there while the store is open. */
interface Open {
  readonly store: AnalysisStore;
  readonly source: JournalSource;
  readonly experiments: Experiments;
}

class AnalysisThread {
  readonly #port: MessagePort;
  readonly #config: Config;
  readonly #reader: JournalReader;
  readonly #backOff = new BackOff(LIMITS.recorderRetryMinMs, LIMITS.recorderRetryMaxMs);
  #open: Open | null = null;
  #timer: NodeJS.Timeout | undefined;
  #committedAtMs = 0;
  #accountedAtMs = 0;
  #isDirty = false;
  #isStopped = false;
  #labelsAtMs = 0;
  #hasNewLabels = false;

  constructor(port: MessagePort, config: Config) {
    this.#port = port;
    this.#config = config;
    this.#reader = JournalReader.open(config.dataDir);
  }

  /** A step, and the next one after it: at once where there is more to read. */
  run(): void {
    if (this.#isStopped) return;
    let waitMs: number = LIMITS.analysisPollMs;
    try {
      this.#open ??= this.#begin();
      if (!this.#step(this.#open)) waitMs = 0;
      this.#backOff.reset();
    } catch (error) {
      this.#failed(error);
      waitMs = this.#backOff.next();
    }
    this.#timer = setTimeout(() => this.run(), waitMs);
  }

  take(message: ToAnalysis): void {
    if (message.type === 'stop') {
      this.#stop();
      return;
    }
    if (message.type === 'labels') {
      this.#post({ type: 'labels', id: message.id, answer: this.#takeLabels(message.entries) });
      return;
    }
    const done =
      message.type === 'erase' ? this.#erase(message.key) : this.#change(message.request);
    this.#post({ type: 'answer', id: message.id, done });
  }

  #begin(): Open {
    const store = AnalysisStore.open(this.#config.dataDir);
    try {
      const source = new JournalSource(this.#reader, store.position('journal'));
      const experiments = new Experiments(store, this.#config, {
        books: this.#reader.books(),
        nowMs: Date.now(),
        onEvent: (event) => this.#post({ type: 'event', event }),
      });
      const open = { store, source, experiments };
      this.#tell(open);
      return open;
    } catch (error) {
      store.end();
      throw error;
    }
  }

  /** One page, and what is due when all pages are read. @returns whether all is read */
  #step(open: Open): boolean {
    const { source, experiments } = open;
    const { pairs, done } = source.next();
    for (const pair of pairs) experiments.add(pair);
    this.#isDirty ||= pairs.length > 0;
    const now = monotonicMs();
    if (done && now - this.#accountedAtMs >= LIMITS.analysisBooksMs) {
      // Pairs and their counts are committed together: with the books come no pairs that were not read.
      const nowMs = Date.now();
      const books = this.#reader.books();
      const late = source.next();
      for (const pair of late.pairs) experiments.add(pair);
      this.#isDirty ||= late.pairs.length > 0;
      if (!late.done) return false;
      this.#accountedAtMs = now;
      const isClosed = experiments.account(books, nowMs, source.missed);
      if (isClosed || this.#isDirty) this.#commit(open);
      if (isClosed || this.#hasNewLabels) experiments.judge();
      this.#hasNewLabels = false;
      this.#tell(open);
    } else if (this.#isDirty && now - this.#committedAtMs >= LIMITS.analysisCommitMs) {
      this.#commit(open);
      this.#tell(open);
    }
    return done;
  }

  #commit({ experiments, source }: Open): void {
    experiments.commit({ journal: source.position });
    writeWatermark(this.#config.dataDir, source.watermark);
    this.#isDirty = false;
    this.#committedAtMs = monotonicMs();
  }

  /** What the journal has of the key is read first, so that nothing of it comes later. */
  #erase(key: string): boolean {
    try {
      this.#open ??= this.#begin();
      const open = this.#open;
      while (!this.#step(open));
      this.#commit(open);
      open.experiments.erase(pairsOfKey(this.#reader, key));
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #change({ action, candidate, reason, by }: ExperimentRequest): boolean {
    const open = this.#open;
    if (open === null) return false;
    try {
      this.#commit(open);
      const { experiments } = open;
      const done =
        action === 'start'
          ? experiments.start(candidate, { by, reason }, Date.now())
          : experiments.close(candidate, { by, reason }, Date.now());
      this.#tell(open);
      return done;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #takeLabels(entries: readonly LabelEntry[]): LabelsAnswer {
    const open = this.#open;
    if (open === null) return { code: 'UND_ANALYSIS_STORE', message: 'the analysis is not there' };
    try {
      // Each request is later than the one before, whatever the clock does.
      this.#labelsAtMs = Math.max(this.#labelsAtMs + 1, Date.now());
      const counts = open.store.takeLabels(entries, this.#labelsAtMs);
      this.#hasNewLabels ||= counts.added + counts.corrected > 0;
      return { counts };
    } catch (error) {
      const { code, message } = codeOf(error);
      if (code !== 'UND_LABELS_FULL') this.#failed(error);
      return { code, message };
    }
  }

  /** What is in memory is given up: it is read again from where the last commit stands. */
  #failed(error: unknown): void {
    const { code, message } = codeOf(error);
    this.#end();
    const status = { error: code, message, lag: 0, missed: 0, verdicts: [] };
    this.#post({ type: 'status', status, attempts: [] });
  }

  #end(): void {
    try {
      this.#open?.store.end();
    } catch {
      // Its file may be gone or unwritable: there is nothing left to save.
    }
    this.#open = null;
    this.#isDirty = false;
  }

  #stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    try {
      if (this.#open !== null) this.#commit(this.#open);
    } catch (error) {
      this.#failed(error);
    }
    this.#end();
    this.#reader.close();
    this.#post({ type: 'stopped' });
    this.#port.close();
  }

  #tell({ store, source, experiments }: Open): void {
    const verdicts = experiments.summaries();
    const { missed } = source;
    const status = { error: '' as const, message: '', lag: source.lag(), missed, verdicts };
    const attempts = store.attempts().slice(-LIMITS.analysisAttempts).map(toRow);
    this.#post({ type: 'status', status, attempts });
  }

  #post(message: FromAnalysis): void {
    this.#port.postMessage(message);
  }
}

function toRow({ plan, number, ...attempt }: Attempt): AttemptRow {
  const { experiment, candidate, startedAt } = plan;
  const { hash, profile, startedBy, reason, closedAt, closedReason } = attempt;
  const of = { experiment, candidate, attempt: number };
  return { ...of, hash, profile, startedAt, startedBy, reason, closedAt, closedReason };
}

function codeOf(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof UnderstudyError ? error.code : 'UND_ANALYSIS_STORE', message };
}

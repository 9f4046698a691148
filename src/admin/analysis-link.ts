/** Admin's end of the analysis thread: what it last said, and what operators ask of it. */
import type {
  AnalysisStatus,
  AnalysisThreadData,
  AttemptRow,
  ExperimentRequest,
  FromAnalysis,
  LabelsAnswer,
  ToAnalysis,
} from '../analysis/analysis-messages.ts';
import type { LabelEntry } from '../analysis/labels/label-entry.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { RestartingWorker, threadEntry } from '../record/restarting-worker.ts';
import type { LogFields } from '../telemetry/log-lines.ts';

interface Log {
  info(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const NOTHING_YET: AnalysisStatus = { error: '', message: '', lag: 0, missed: 0, verdicts: [] };

export class AnalysisLink {
  readonly #log: Log;
  readonly #worker: RestartingWorker<ToAnalysis, FromAnalysis>;
  readonly #answers = new Map<number, (done: boolean) => void>();
  readonly #labelAnswers = new Map<number, (answer: LabelsAnswer) => void>();
  readonly #stopped = Promise.withResolvers<void>();
  #status: AnalysisStatus = NOTHING_YET;
  #attempts: readonly AttemptRow[] = [];
  #asked = 0;

  constructor(config: Config, log: Log) {
    this.#log = log;
    const data: AnalysisThreadData = { config };
    this.#worker = new RestartingWorker({
      entry: threadEntry('analysis'),
      data: () => data,
      onMessage: (message: FromAnalysis) => this.#take(message),
      onDown: (reason) => this.#down(reason),
    });
  }

  get status(): AnalysisStatus {
    return this.#status;
  }

  /** The newest attempts of all candidates, oldest first. */
  get attempts(): readonly AttemptRow[] {
    return this.#attempts;
  }

  /** Resolves with whether it was done; `false` also where the thread does not answer in time. */
  ask(request: ExperimentRequest): Promise<boolean> {
    return this.#send((id) => ({ type: 'experiment', id, request }));
  }

  /** Takes the pairs of a key out of the samples of all attempts. Resolves as {@link ask}. */
  erase(key: string): Promise<boolean> {
    return this.#send((id) => ({ type: 'erase', id, key }));
  }

  #send(message: (id: number) => ToAnalysis): Promise<boolean> {
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => this.#answer(id, false), LIMITS.adminRequestMs - 500);
    this.#answers.set(id, (done) => {
      clearTimeout(timer);
      resolve(done);
    });
    this.#worker.post(message(id));
    return promise;
  }

  /** Resolves with what became of outcomes; also where the thread does not answer in time. */
  takeLabels(entries: readonly LabelEntry[]): Promise<LabelsAnswer> {
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve } = Promise.withResolvers<LabelsAnswer>();
    const silent = { code: 'UND_ANALYSIS_STORE', message: 'the analysis does not answer' } as const;
    const timer = setTimeout(() => {
      this.#labelAnswers.delete(id);
      resolve(silent);
    }, LIMITS.adminRequestMs - 500);
    this.#labelAnswers.set(id, (answer) => {
      clearTimeout(timer);
      this.#labelAnswers.delete(id);
      resolve(answer);
    });
    this.#worker.post({ type: 'labels', id, entries });
    return promise;
  }

  /** Resolves when its last commit is done, after LIMITS.analysisStopMs at the latest. */
  async stop(): Promise<void> {
    const giveUp = setTimeout(() => this.#stopped.resolve(), LIMITS.analysisStopMs);
    if (this.#worker.isUp) this.#worker.post({ type: 'stop' });
    else this.#stopped.resolve();
    await this.#stopped.promise;
    clearTimeout(giveUp);
    await this.#worker.end();
  }

  #take(message: FromAnalysis): void {
    if (message.type === 'status') {
      const { error, message: reason } = message.status;
      if (error !== '' && error !== this.#status.error) {
        this.#log.error({ code: error, reason }, 'the analysis waits');
      }
      this.#status = message.status;
      if (error === '') this.#attempts = message.attempts;
    } else if (message.type === 'event') {
      const { what, experiment, candidate, attempt, reason } = message.event;
      this.#log.info({ experiment, candidate, attempt, reason }, `attempt ${what}`);
    } else if (message.type === 'answer') this.#answer(message.id, message.done);
    else if (message.type === 'labels') this.#labelAnswers.get(message.id)?.(message.answer);
    else {
      // At once: its exit may be told in the same turn, and is no fault.
      void this.#worker.end();
      this.#stopped.resolve();
    }
  }

  #answer(id: number, done: boolean): void {
    this.#answers.get(id)?.(done);
    this.#answers.delete(id);
  }

  #down(reason: string): void {
    this.#stopped.resolve();
    this.#log.error({ code: 'UND_ANALYSIS_DOWN', reason }, 'the analysis thread has ended');
    this.#status = { ...this.#status, error: 'UND_ANALYSIS_DOWN', message: reason };
  }
}

/**
 * The mirror's end of the recorder: hands over, never waits. Entries and counts stay in memory
 * (PendingRecord) until their transaction is confirmed by the recorder thread.
 */
import { randomUUID } from 'node:crypto';
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { ERRORS } from '../errors.ts';
import type { LegKey, LegState } from '../pair/leg-states.ts';
import type { Log } from '../telemetry/log-lines.ts';
import type { DeadLetterAction } from './journal/dead-letters.ts';
import { type Departure, NO_DEPARTURE, sumOf } from './journal/departures.ts';
import type { DroppedEntry, DropReason } from './journal/journal-batch.ts';
import type { ChoreRequest, ChoreStatus } from './journal/journal-chores.ts';
import type { KeeperStatus } from './journal/journal-keeper.ts';
import { packBatch } from './packed-entries.ts';
import { PendingRecord } from './pending-record.ts';
import { PublisherLink } from './publisher/publisher-link.ts';
import type { FromRecorder, RecorderThreadData, ToRecorder } from './recorder-messages.ts';
import type {
  CommittedBooks,
  LedgerUpdate,
  OnRecorded,
  PairEntry,
  Recorder,
  RecorderStatus,
} from './recorder-port.ts';
import { RestartingWorker, threadEntry } from './restarting-worker.ts';

export interface RecorderConfig extends Pick<Config, 'dataDir' | 'instance' | 'journal' | 'kafka'> {
  /** By `participantId`: who gets copies in this mirror; none where it is missing. */
  readonly configured?: readonly string[];
  /** Whether pairs wait for the analysis of this data folder; not where it is missing. */
  readonly analysis?: Pick<Config['analysis'], 'enabled'>;
  /** Program of the recorder thread; a test of its death has one of its own. */
  readonly recorderEntry?: URL;
}

const INITIAL: KeeperStatus = {
  state: 'failing',
  error: '',
  message: '',
  journalBytes: 0,
  walBytes: 0,
  lag: 0,
  deadLetters: 0,
  idConflicts: 0,
  evicted: NO_DEPARTURE,
  quarantined: 0,
};

/**
 * Starts the recorder thread and, with Kafka, the publisher thread. Resolves when the journal is open, or when
 * it is clear that it cannot be now: then the recorder is `failing` or `locked`, and heals by itself.
 *
 * @param onRecorded - called once for each entry: from `record` itself when it is dropped at once, else later
 */
export async function openRecorder(
  config: RecorderConfig,
  onRecorded: OnRecorded,
  log: Log,
): Promise<Recorder> {
  const recorder = new ThreadRecorder(config, onRecorded, log);
  await recorder.ready();
  return recorder;
}

class ThreadRecorder implements Recorder {
  readonly #config: RecorderConfig;
  readonly #log: Log;
  readonly #session = randomUUID();
  readonly #pending: PendingRecord;
  readonly #worker: RestartingWorker<ToRecorder, FromRecorder>;
  readonly #publisher: PublisherLink | null;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #drained: PromiseWithResolvers<void> | null = null;
  #committed: CommittedBooks = { legs: [], epochs: [] };
  #wasOpened = false;
  #listeners: ((books: CommittedBooks) => void)[] = [];
  #onLedgersLost: (epochs: readonly string[] | 'all') => void = () => undefined;
  #generation = '';
  #status = INITIAL;
  /** Batches of a thread that ended: what came of them, its successor says. */
  #unanswered = new Set<number>();
  #idConflictsBefore = 0;
  #evictedBefore: Departure = NO_DEPARTURE;
  #quarantinedBefore = 0;
  #chore: ChoreStatus | null = null;
  #committedPairs = 0;
  #commits = 0;
  #restarts = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerIsShort = false;
  #closing = false;

  constructor(config: RecorderConfig, onRecorded: OnRecorded, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#pending = new PendingRecord(this.#session, config.journal.maxPendingBytes, onRecorded);
    this.#worker = new RestartingWorker({
      entry: config.recorderEntry ?? threadEntry('recorder'),
      data: () => this.#threadData(),
      onMessage: (message: FromRecorder) => this.#take(message),
      onDown: (reason) => this.#down(reason),
    });
    const { dataDir, instance, kafka } = config;
    this.#publisher =
      kafka === null
        ? null
        : new PublisherLink({
            data: { dataDir, instance, kafka },
            log,
            onConfirm: (confirmation) => this.#worker.post({ type: 'confirm', confirmation }),
            onSuspect: () => this.#worker.post({ type: 'suspect' }),
          });
  }

  get committed(): CommittedBooks {
    return this.#committed;
  }

  whenOpened(listener: (books: CommittedBooks) => void): void {
    if (this.#wasOpened) listener(this.#committed);
    else this.#listeners.push(listener);
  }

  /** Waits for the journal, or for the news that it cannot be opened; for a folder's last owner a while. */
  async ready(): Promise<void> {
    const patience = setTimeout(() => this.#ready.resolve(), LIMITS.recorderOpenMs);
    await this.#ready.promise;
    clearTimeout(patience);
  }

  record(entry: PairEntry): void {
    if (this.#closing || !this.#worker.isUp) {
      this.#pending.drop(entry, 'recorder_down');
    } else {
      this.#pending.add(entry);
    }
    this.#schedule();
  }

  count(leg: LegKey, state: LegState, reason: string, count: number): void {
    this.#pending.count(leg, state, reason, count);
    this.#schedule();
  }

  ledger(update: LedgerUpdate): void {
    this.#pending.ledger(update);
    this.#schedule();
  }

  whenLedgersLost(listener: (epochs: readonly string[] | 'all') => void): void {
    this.#onLedgersLost = listener;
  }

  status(): RecorderStatus {
    const { state, error, journalBytes, walBytes, idConflicts, quarantined } = this.#status;
    const evicted = sumOf(this.#evictedBefore, this.#status.evicted);
    const isUp = this.#worker.isUp;
    return {
      state: isUp ? state : 'down',
      error: isUp ? error : 'UND_RECORDER_DOWN',
      pendingBytes: this.#pending.bytes,
      maxPendingBytes: this.#config.journal.maxPendingBytes,
      committedPairs: this.#committedPairs,
      journalBytes,
      walBytes,
      maxJournalBytes: this.#config.journal.maxBytes,
      commits: this.#commits,
      idConflicts: this.#idConflictsBefore + idConflicts,
      evicted: evicted.count,
      evictedUnpublished: evicted.unpublished,
      evictedUnanalysed: evicted.unanalysed,
      quarantined: this.#quarantinedBefore + quarantined,
      restarts: this.#restarts,
      chore: this.#chore,
      publisher: this.#publisher?.status(this.#status) ?? null,
    };
  }

  settleDeadLetters(action: DeadLetterAction, seq: number | null): void {
    this.#log.info('dead letters', { action, seq: seq ?? 'all' });
    this.#worker.post({ type: 'dead-letters', action, seq });
  }

  runChore(request: ChoreRequest): void {
    const { kind, id } = request;
    this.#log.info(`journal ${kind}`, { id });
    this.#worker.post({ type: 'chore', request });
  }

  async close(): Promise<void> {
    if (this.#closing) return this.#closed.promise;
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#drained = Promise.withResolvers();
    const giveUp = setTimeout(() => {
      this.#drained?.resolve();
      this.#closed.resolve();
    }, LIMITS.recorderCloseMs);
    this.#worker.post({ type: 'settle' });
    this.#send();
    await this.#drained.promise;
    await this.#publisher?.stop();
    giveUp.refresh();
    this.#worker.post({ type: 'close' });
    if (!this.#worker.isUp) this.#closed.resolve();
    await this.#closed.promise;
    clearTimeout(giveUp);
    await this.#worker.end();
    // What a stuck or dead thread left behind. Its counts are lost with the process.
    for (const number of this.#pending.underWay) this.#failed(number, 'recorder_down');
    this.#pending.dropQueue('recorder_down');
  }

  #threadData(): RecorderThreadData {
    const { dataDir, journal, kafka, configured = [] } = this.#config;
    const { maxBytes, whenFull, retentionMs, maxAgeMs } = journal;
    const unanswered = Array.from(this.#unanswered);
    const session = this.#session;
    const outbox = kafka !== null;
    const isAnalysed = this.#config.analysis?.enabled ?? false;
    return {
      ...{ dataDir, configured, maxBytes, whenFull, retentionMs, maxAgeMs },
      ...{ outbox, session, unanswered },
      ...(isAnalysed ? { analysisDir: dataDir } : {}),
    };
  }

  #schedule(): void {
    if (this.#closing) return;
    const { queued } = this.#pending;
    if (queued >= LIMITS.journalBatchPairs) {
      this.#send();
      return;
    }
    const isShort = queued > 0;
    if (this.#timer !== undefined && (this.#timerIsShort || !isShort)) return;
    clearTimeout(this.#timer);
    this.#timerIsShort = isShort;
    const waitMs = isShort ? LIMITS.journalBatchMs : LIMITS.journalCountsMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, waitMs);
  }

  #send(): void {
    const underWay = this.#pending.underWay.length - this.#unanswered.size;
    let free = LIMITS.journalBatchesInFlight - underWay;
    while (free > 0 && this.#worker.isUp && !this.#pending.isEmpty) {
      this.#worker.post({ type: 'batch', batch: packBatch(this.#pending.takeBatch()) });
      free -= 1;
    }
    this.#checkDrained();
  }

  #take(message: FromRecorder): void {
    if (message.type === 'opened') this.#opened(message);
    else if (message.type === 'status') this.#takeStatus(message.status);
    else if (message.type === 'confirmed') this.#publisher?.confirmed(message.numbers);
    else if (message.type === 'settled-dead-letters') this.#publisher?.rescan();
    else if (message.type === 'left') this.#publisher?.left(message.upTo);
    else if (message.type === 'chore') this.#chore = message.status;
    else if (message.type === 'closed') this.#threadClosed();
    else this.#done(message);
  }

  #opened({ generation, books, answers }: Extract<FromRecorder, { type: 'opened' }>): void {
    this.#committed = books;
    this.#wasOpened = true;
    for (const listener of this.#listeners.splice(0)) listener(books);
    for (const [number, dropped] of answers) {
      this.#unanswered.delete(number);
      this.#settle(number, dropped);
    }
    for (const number of this.#unanswered) this.#failed(number, 'recorder_down');
    this.#unanswered.clear();
    if (generation !== this.#generation && this.#generation !== '') this.#onLedgersLost('all');
    this.#generation = generation;
    this.#publisher?.journal(generation);
    this.#ready.resolve();
    this.#schedule();
  }

  #done({ number, outcome, status }: Extract<FromRecorder, { type: 'done' }>): void {
    this.#takeStatus(status);
    if (outcome.committed) {
      this.#settle(number, outcome.dropped);
      this.#publisher?.wake();
    } else {
      this.#failed(number, outcome.reason);
      // At the end one refusal is enough: what cannot be written now goes with the process.
      if (this.#closing) this.#pending.dropQueue(outcome.reason);
      if (this.#closing && this.#pending.underWay.length === 0) this.#drained?.resolve();
      if (this.#closing) return;
    }
    if (this.#closing || this.#pending.queued >= LIMITS.journalBatchPairs) this.#send();
    else if (!this.#pending.isEmpty) this.#schedule();
  }

  #failed(number: number, reason: DropReason): void {
    const epochs = this.#pending.failed(number, reason);
    if (epochs.length > 0) this.#onLedgersLost(epochs);
  }

  #settle(number: number, dropped: readonly DroppedEntry[]): void {
    this.#commits += 1;
    this.#committedPairs += this.#pending.committed(number, dropped);
  }

  #takeStatus(status: KeeperStatus): void {
    const before = this.#status;
    this.#status = status;
    const { state, error, message, quarantined } = status;
    // A locked folder may be that of a predecessor which is just ending: `ready` waits for it.
    if (state === 'failing') this.#ready.resolve();
    if (quarantined > before.quarantined) {
      const text = 'The journal was damaged or gone: it was set aside, a new one begun.';
      this.#log.error(text, { code: 'UND_JOURNAL_CORRUPT' });
    }
    if (state === before.state && error === before.error) return;
    if (state === 'recording') this.#log.info('Recording.');
    else this.#log.error(`Not recording: ${message}`, { state, code: error });
  }

  /** At once, and not when `close` goes on: the thread's exit may be told in the same turn, and is no fault. */
  #threadClosed(): void {
    void this.#worker.end();
    this.#closed.resolve();
  }

  #down(reason: string): void {
    this.#restarts += 1;
    this.#idConflictsBefore += this.#status.idConflicts;
    this.#evictedBefore = sumOf(this.#evictedBefore, this.#status.evicted);
    this.#quarantinedBefore += this.#status.quarantined;
    this.#status = INITIAL;
    if (this.#chore?.state === 'running') {
      const message = ERRORS.UND_RECORDER_DOWN.meaning;
      this.#chore = { ...this.#chore, state: 'failed', error: 'UND_RECORDER_DOWN', message };
    }
    for (const number of this.#pending.underWay) this.#unanswered.add(number);
    this.#pending.dropQueue('recorder_down');
    this.#ready.resolve();
    this.#log.error('The recorder thread ended; it is started again.', {
      code: 'UND_RECORDER_DOWN',
      reason: reason.slice(0, LIMITS.errorCharacters),
    });
    if (this.#closing) this.#closed.resolve();
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (!this.#closing) return;
    const isIdle = this.#pending.isEmpty && this.#pending.underWay.length === 0;
    if (isIdle || !this.#worker.isUp) this.#drained?.resolve();
  }
}

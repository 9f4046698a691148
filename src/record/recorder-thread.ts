/** The recorder thread: the only writer of the journal. One message, one transaction. */
import type { MessagePort } from 'node:worker_threads';
import { LIMITS } from '../config/defaults.ts';
import type { Journal } from './journal/journal.ts';
import type { Confirmation, DroppedEntry, JournalBatch } from './journal/journal-batch.ts';
import { JournalChores } from './journal/journal-chores.ts';
import { type CommitAnswer, type CommitOutcome, JournalKeeper } from './journal/journal-keeper.ts';
import { unpackBatch } from './packed-entries.ts';
import type { FromRecorder, RecorderThreadData, ToRecorder } from './recorder-messages.ts';
import type { CommittedBooks } from './recorder-port.ts';

/** Confirmations without pairs wait so long for company: only duplicates are at stake. */
const CONFIRM_MS = 100;
const STATUS_MS = 250;

/** Runs until it is told to close. */
export function runRecorderThread(port: MessagePort, data: RecorderThreadData): void {
  const thread = new RecorderThread(port, data);
  port.on('message', (message: ToRecorder) => thread.take(message));
  thread.start();
}

class RecorderThread {
  readonly #port: MessagePort;
  readonly #data: RecorderThreadData;
  readonly #keeper: JournalKeeper;
  readonly #chores: JournalChores;
  #unanswered: readonly number[];
  /** Batches written to a file that is away: answered when a journal is opened again. */
  #unknown: number[] = [];
  #confirmations: Confirmation[] = [];
  /** Unpublished pairs up to this sequence were evicted: the publisher was told. */
  #evictedUpTo = 0;
  #confirmTimer: NodeJS.Timeout | undefined;
  #statusTimer: NodeJS.Timeout | undefined;

  constructor(port: MessagePort, data: RecorderThreadData) {
    this.#port = port;
    this.#data = data;
    this.#unanswered = data.unanswered;
    this.#keeper = new JournalKeeper(data, (journal, books) => this.#opened(journal, books));
    this.#chores = new JournalChores(
      () => this.#keeper.journal,
      () => this.#post({ type: 'left', upTo: Number.MAX_SAFE_INTEGER }),
    );
  }

  start(): void {
    this.#look();
    this.#statusTimer = setInterval(() => this.#look(), STATUS_MS);
  }

  take(message: ToRecorder): void {
    if (message.type === 'batch') {
      const { number } = message.batch;
      const outcome = this.#commit(unpackBatch(message.batch));
      if (outcome.committed === null) this.#unknown.push(number);
      else this.#answer(number, outcome);
    } else if (message.type === 'confirm') {
      this.#confirmations.push(message.confirmation);
      this.#confirmTimer ??= setTimeout(() => this.#commitConfirmations(), CONFIRM_MS);
    } else if (message.type === 'dead-letters') {
      this.#keeper.settleDeadLetters(message.action, message.seq);
      this.#post({ type: 'settled-dead-letters' });
    } else if (message.type === 'chore') {
      // Cannot reject: what goes wrong stands in its status.
      void this.#chores.run(message.request).then(() => this.#tellChore());
      this.#tellChore();
    } else if (message.type === 'suspect') {
      this.#keeper.suspect();
    } else if (message.type === 'settle') {
      this.#settleUnknown(null);
    } else {
      this.#close();
    }
  }

  #look(): void {
    this.#keeper.look();
    if (this.#chores.status?.state === 'running') this.#tellChore();
    this.#post({ type: 'status', status: this.#keeper.status() });
  }

  #tellChore(): void {
    this.#post({ type: 'chore', status: this.#chores.status });
  }

  #opened(journal: Journal, books: CommittedBooks): void {
    const answers: [number, readonly DroppedEntry[]][] = [];
    for (const number of this.#unanswered) {
      const dropped = journal.recent(this.#data.session, number);
      if (dropped !== undefined) answers.push([number, dropped]);
    }
    this.#unanswered = [];
    this.#settleUnknown(journal);
    const { generation } = journal;
    this.#post({ type: 'opened', generation, books, answers });
  }

  /** The journal that came back has these batches; another one has not. */
  #settleUnknown(journal: Journal | null): void {
    for (const number of this.#unknown) {
      const dropped = journal?.recent(this.#data.session, number);
      this.#answer(
        number,
        dropped === undefined ? { committed: false, reason: 'disk' } : { committed: true, dropped },
      );
    }
    this.#unknown = [];
  }

  #answer(number: number, outcome: CommitAnswer): void {
    this.#post({ type: 'done', number, outcome, status: this.#keeper.status() });
  }

  #commit(batch: JournalBatch): CommitOutcome {
    const confirmations = this.#confirmations;
    const outcome = this.#keeper.commit(batch, confirmations);
    const upTo = this.#keeper.journal?.evictedUpTo ?? 0;
    if (upTo > 0 && upTo !== this.#evictedUpTo) this.#post({ type: 'left', upTo });
    this.#evictedUpTo = upTo;
    if (outcome.committed && confirmations.length > 0) {
      this.#confirmations = [];
      const numbers = confirmations.map((confirmation) => confirmation.number);
      this.#post({ type: 'confirmed', numbers });
    }
    return outcome;
  }

  #commitConfirmations(): void {
    this.#confirmTimer = undefined;
    if (this.#confirmations.length === 0) return;
    const outcome = this.#commit({ session: '', number: 0, entries: [], counts: [], ledgers: [] });
    if (!outcome.committed) {
      this.#confirmTimer = setTimeout(() => this.#commitConfirmations(), LIMITS.recorderRetryMinMs);
    }
  }

  #close(): void {
    clearInterval(this.#statusTimer);
    clearTimeout(this.#confirmTimer);
    this.#commitConfirmations();
    clearTimeout(this.#confirmTimer);
    this.#keeper.close();
    this.#post({ type: 'closed' });
    this.#port.close();
  }

  #post(message: FromRecorder): void {
    this.#port.postMessage(message);
  }
}

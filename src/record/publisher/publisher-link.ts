/** The mirror's end of the publisher thread. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';
import { ERRORS } from '../../errors.ts';
import type { Log } from '../../telemetry/log-lines.ts';
import type { Confirmation } from '../journal/journal-batch.ts';
import type { KeeperStatus } from '../journal/journal-keeper.ts';
import type { PublisherStatus } from '../recorder-port.ts';
import { RestartingWorker, threadEntry } from '../restarting-worker.ts';
import type { FromPublisher, PublisherThreadData, ToPublisher } from './publisher-messages.ts';

export interface PublisherLinkOptions {
  readonly data: Omit<PublisherThreadData, 'generation'>;
  readonly log: Log;
  readonly onConfirm: (confirmation: Confirmation) => void;
  readonly onSuspect: () => void;
}

const INITIAL: PublisherStatus = {
  state: 'connecting',
  error: '',
  message: '',
  published: 0,
  lag: 0,
  sendErrors: 0,
  deadLetters: 0,
  heldDeadLetters: 0,
  differences: [],
};

export class PublisherLink {
  readonly #options: PublisherLinkOptions;
  readonly #worker: RestartingWorker<ToPublisher, FromPublisher>;
  readonly #stopped = Promise.withResolvers<void>();
  #generation = '';
  #status = INITIAL;
  #isStopping = false;
  /** Counts of threads that ended: they stay in the sums. */
  #before = INITIAL;

  constructor(options: PublisherLinkOptions) {
    this.#options = options;
    this.#worker = new RestartingWorker({
      entry: threadEntry('publisher'),
      data: () => ({ ...options.data, generation: this.#generation }),
      onMessage: (message: FromPublisher) => this.#take(message),
      onDown: (reason) => this.#down(reason),
    });
  }

  /** @param journal - what the journal knows: how many pairs wait, and how many Kafka will not take */
  status(journal: Pick<KeeperStatus, 'lag' | 'deadLetters'>): PublisherStatus {
    const { state, error, message, published, sendErrors, deadLetters, differences } = this.#status;
    return {
      state,
      error,
      message,
      lag: journal.lag,
      heldDeadLetters: journal.deadLetters,
      published: this.#before.published + published,
      sendErrors: this.#before.sendErrors + sendErrors,
      deadLetters: this.#before.deadLetters + deadLetters,
      differences,
    };
  }

  journal(generation: string): void {
    this.#generation = generation;
    this.#worker.post({ type: 'journal', generation });
  }

  wake(): void {
    this.#worker.post({ type: 'wake' });
  }

  rescan(): void {
    this.#worker.post({ type: 'rescan' });
  }

  /** Pairs up to a sequence have been evicted or erased. */
  left(upTo: number): void {
    this.#worker.post({ type: 'left', upTo });
  }

  confirmed(numbers: readonly number[]): void {
    this.#worker.post({ type: 'confirmed', numbers });
  }

  /** Lets it finish what is in flight, and send the last accounts; not longer than its limit. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#worker.isUp) {
      this.#worker.post({ type: 'stop' });
      const timeout = new AbortController();
      const late = sleep(LIMITS.publisherEndMs, undefined, { signal: timeout.signal }).catch(
        () => undefined,
      );
      await Promise.race([this.#stopped.promise, late]);
      timeout.abort();
    }
    await this.#worker.end();
  }

  #take(message: FromPublisher): void {
    if (message.type === 'confirm') this.#options.onConfirm(message.confirmation);
    else if (message.type === 'status') this.#status = message.status;
    else if (message.type === 'suspect') this.#options.onSuspect();
    else if (message.type === 'stopped') this.#stopped.resolve();
    else this.#options.log[message.level](message.message, message.fields);
  }

  #down(reason: string): void {
    this.#before = this.status({ lag: 0, deadLetters: 0 });
    const message = ERRORS.UND_PUBLISHER_DOWN.meaning;
    this.#status = { ...INITIAL, state: 'failing', error: 'UND_PUBLISHER_DOWN', message };
    if (this.#isStopping) {
      this.#stopped.resolve();
      return;
    }
    this.#options.log.error('The publisher thread ended; it is started again.', {
      code: 'UND_PUBLISHER_DOWN',
      reason: reason.slice(0, LIMITS.errorCharacters),
    });
  }
}

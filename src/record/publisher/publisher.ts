/**
 * Publishes the journal's outbox to a sink, at least once, one batch in flight a partition; and the accounts.
 *
 *   connect ──► pump: read, send, confirm ──trouble──► wait for what is in flight ──► close ──► back off ─┐
 *      ▲                                                                                                  │
 *      └──────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * A batch that failed is repeated with the same bytes by a new producer, once the old one's sends are settled.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../config/defaults.ts';
import type { KafkaConfig } from '../../config/types.ts';
import { type ErrorCode, UnderstudyError } from '../../errors.ts';
import { monotonicMs } from '../../telemetry/clock.ts';
import { BackOff } from '../back-off.ts';
import type { Confirmation, DeadLetter } from '../journal/journal-batch.ts';
import type { JournalReader } from '../journal/journal-reader.ts';
import { isDamage, journalErrorCode } from '../journal/sqlite-errors.ts';
import type { PublisherStatus } from '../recorder-port.ts';
import { Accounting, type AccountRecord } from './accounting.ts';
import type { PairSerializer } from './pair-serializer.ts';
import { type PairSink, recordBytes, type SinkTopic } from './pair-sink.ts';
import { PublishQueue, type QueuedPair } from './publish-queue.ts';

export interface PublisherOptions {
  readonly instance: string;
  readonly kafka: Pick<
    KafkaConfig,
    'maxMessageBytes' | 'accountingIntervalMs' | 'maxBatchPairs' | 'lingerMs'
  >;
  readonly reader: JournalReader;
  readonly sink: PairSink;
  readonly serializer: PairSerializer;
  readonly onConfirm: (confirmation: Confirmation) => void;
  /** A page of the journal is damaged. */
  readonly onSuspect: () => void;
  readonly onTrouble: (error: UnderstudyError) => void;
  readonly onConnected: () => void;
}

/** Trying again does not help: the record is poison. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'UND_KAFKA_RECORD_TOO_LARGE',
  'UND_KAFKA_RECORD_REFUSED',
]);

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #backOff = new BackOff(LIMITS.kafkaRetryMinMs, LIMITS.kafkaRetryMaxMs);
  readonly #accounting: Accounting;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #unconfirmed = new Map<number, Confirmation>();
  readonly #stop = new AbortController();
  #queue: PublishQueue;
  #generation = '';
  #number = 0;
  #leftUpTo = 0;
  #trouble: UnderstudyError | null = null;
  /** To connect anew, and at once. */
  #renew = new AbortController();
  #wake = Promise.withResolvers<void>();
  #accountsDueMs = 0;
  #stopByMs = Number.POSITIVE_INFINITY;
  #state: PublisherStatus['state'] = 'connecting';
  #error: ErrorCode | '' = '';
  #message = '';
  #published = 0;
  #sendErrors = 0;
  #deadLetters = 0;
  #differences: readonly string[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#accounting = new Accounting(options.instance);
    this.#queue = this.#newQueue();
  }

  /** `lag` is what is held, and dead letters are not known: the journal knows the whole of both. */
  status(): PublisherStatus {
    return {
      state: this.#state,
      error: this.#error,
      message: this.#message,
      published: this.#published,
      lag: this.#queue.held,
      sendErrors: this.#sendErrors,
      deadLetters: this.#deadLetters,
      heldDeadLetters: 0,
      differences: this.#differences,
    };
  }

  /** The journal is open. Confirmations of the same one are said again: its writer may be a new thread. */
  journal(generation: string): void {
    if (generation === this.#generation) {
      for (const confirmation of this.#unconfirmed.values()) this.#options.onConfirm(confirmation);
    } else {
      this.#generation = generation;
      this.#unconfirmed.clear();
      this.#queue = this.#newQueue();
    }
    this.wake();
  }

  /** Confirmations that are in the journal. */
  confirmed(numbers: readonly number[]): void {
    for (const number of numbers) {
      const confirmation = this.#unconfirmed.get(number);
      if (confirmation === undefined) continue;
      this.#unconfirmed.delete(number);
      this.#queue.release(confirmation.published);
      this.#queue.release(confirmation.dead.map(({ seq }) => seq));
    }
    this.wake();
  }

  /** Something is new. */
  wake(): void {
    this.#wake.resolve();
  }

  /** What is not as configured about the topics, as they are now. */
  differ(differences: readonly string[]): void {
    this.#differences = differences;
  }

  /** A dead letter is in the outbox again. */
  rescan(): void {
    this.#queue.rescan();
    this.wake();
  }

  /** Pairs up to a sequence have been evicted or erased: of those nothing is sent but what is in flight. */
  left(upTo: number): void {
    this.#leftUpTo = Math.max(this.#leftUpTo, upTo);
    this.wake();
  }

  /** Credentials have changed: connects anew, after what is in flight; a waiting try is made at once. */
  renew(): void {
    this.#renew.abort();
    this.wake();
  }

  /** A try inside a send failed; the client goes on trying. */
  retried(error: UnderstudyError): void {
    this.#failing(error);
  }

  /** Finishes what is read and what is in flight within its limit, unless there is trouble; then `run` ends. */
  stop(): void {
    this.#stopByMs = monotonicMs() + LIMITS.publisherStopMs;
    this.#stop.abort();
    this.wake();
  }

  /** Runs until it is stopped. Never rejects. */
  async run(): Promise<void> {
    const { sink } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        this.#renew = new AbortController();
        await sink.open();
        this.#trouble = null;
        this.#connected();
        await this.#pump();
      } catch (error) {
        this.#troubled(error);
      }
      await this.#settleInFlight();
      await sink.close();
      if (this.#trouble === null) continue;
      const signal = AbortSignal.any([this.#stop.signal, this.#renew.signal]);
      await sleep(this.#backOff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  async #pump(): Promise<void> {
    while (this.#trouble === null && !this.#renew.signal.aborted) {
      this.#wake = Promise.withResolvers();
      this.#fill();
      this.#startSends();
      if (this.#stop.signal.aborted && this.#isFinished()) return;
      const poll = setTimeout(() => this.wake(), this.#pollMs());
      await this.#wake.promise;
      clearTimeout(poll);
    }
  }

  /** Until the next look: pairs that wait for company are not kept waiting longer. */
  #pollMs(): number {
    const isLingering = this.#queue
      .partitions()
      .some((partition) => !this.#inFlight.has(`pairs/${partition}`));
    const { lingerMs } = this.#options.kafka;
    return isLingering ? Math.min(lingerMs, LIMITS.publisherPollMs) : LIMITS.publisherPollMs;
  }

  /** At the end: everything sent, and the last accounts with it; or out of time. */
  #isFinished(): boolean {
    if (monotonicMs() >= this.#stopByMs) return true;
    if (this.#inFlight.size > 0 || this.#queue.partitions().length > 0) return false;
    return !this.#startAccounts();
  }

  #fill(): void {
    if (this.#generation === '') return;
    const { reader } = this.#options;
    try {
      // A journal set aside: its successor is announced by `journal`, and read from then on.
      if (reader.generation() !== this.#generation) return;
      this.#queue.dropGone(reader, this.#leftUpTo);
      this.#leftUpTo = 0;
      this.#queue.fill(reader, monotonicMs());
    } catch (error) {
      this.#readFailed(error);
    }
    const poison = this.#queue.takePoison();
    if (poison.length > 0) this.#confirm([], poison);
  }

  #startSends(): void {
    const nowMs = this.#stop.signal.aborted ? Number.POSITIVE_INFINITY : monotonicMs();
    for (const partition of this.#queue.partitions(nowMs)) {
      const slot = `pairs/${partition}`;
      if (this.#inFlight.has(slot)) continue;
      const batch = this.#queue.take(partition);
      if (batch.length > 0) this.#track(slot, this.#sendPairs(this.#queue, partition, batch));
    }
    if (monotonicMs() >= this.#accountsDueMs) this.#startAccounts();
  }

  /** @returns whether there was anything to send */
  #startAccounts(): boolean {
    if (this.#generation === '') return false;
    this.#accountsDueMs = monotonicMs() + this.#options.kafka.accountingIntervalMs;
    const { reader, sink } = this.#options;
    try {
      const changes = this.#accounting.changes(reader.bookSums(), new Date());
      const partitions = Map.groupBy(changes, ({ record }) =>
        sink.partitionOf('accounting', record.key),
      );
      let started = false;
      for (const [partition, records] of partitions) {
        const slot = `accounting/${partition}`;
        if (this.#inFlight.has(slot)) continue;
        const batch = headOf(records, this.#options.kafka.maxMessageBytes);
        this.#track(slot, this.#sendAccounts(partition, batch));
        started = true;
      }
      return started;
    } catch (error) {
      this.#readFailed(error);
      return false;
    }
  }

  #track(slot: string, sending: Promise<void>): void {
    const settled = sending
      .catch((error: unknown) => this.#troubled(error))
      .finally(() => {
        this.#inFlight.delete(slot);
        this.wake();
      });
    this.#inFlight.set(slot, settled);
  }

  async #sendPairs(
    queue: PublishQueue,
    partition: number,
    batch: readonly QueuedPair[],
  ): Promise<void> {
    const records = batch.map(({ record }) => record);
    const refused = await this.#send('pairs', partition, records).catch((error: unknown) => {
      this.#repeat(queue, partition, batch);
      throw error;
    });
    // A journal set aside meanwhile: there is nothing to confirm.
    if (queue !== this.#queue) return;
    if (refused === null) {
      this.#published += batch.length;
      this.#confirm(
        batch.map(({ seq }) => seq),
        [],
      );
    } else if (batch.length === 1) {
      this.#confirm(
        [],
        batch.map(({ seq, id }) => ({ seq, id, code: refused })),
      );
    } else {
      const middle = Math.ceil(batch.length / 2);
      this.#repeat(queue, partition, batch.slice(0, middle));
      this.#repeat(queue, partition, batch.slice(middle));
    }
  }

  /** What left while it was in flight is not sent again. */
  #repeat(queue: PublishQueue, partition: number, batch: readonly QueuedPair[]): void {
    queue.repeat(partition, batch);
    this.#leftUpTo = Number.MAX_SAFE_INTEGER;
  }

  async #sendAccounts(partition: number, batch: readonly AccountRecord[]): Promise<void> {
    const records = batch.map(({ record }) => record);
    // A refused account is not repeated: its successor will differ.
    await this.#send('accounting', partition, records);
    this.#accounting.published(batch);
  }

  /** @returns why a record was refused for good, or `null` */
  async #send(
    topic: SinkTopic,
    partition: number,
    records: Parameters<PairSink['send']>[2],
  ): Promise<ErrorCode | null> {
    try {
      await this.#options.sink.send(topic, partition, records);
      this.#backOff.reset();
      this.#connected();
      return null;
    } catch (error) {
      if (!(error instanceof UnderstudyError) || !REFUSALS.has(error.code)) throw error;
      this.#sendErrors += 1;
      return error.code;
    }
  }

  #confirm(published: readonly number[], dead: readonly DeadLetter[]): void {
    this.#deadLetters += dead.length;
    this.#number += 1;
    const { onConfirm } = this.#options;
    const confirmation = { generation: this.#generation, number: this.#number, published, dead };
    this.#unconfirmed.set(this.#number, confirmation);
    onConfirm(confirmation);
  }

  async #settleInFlight(): Promise<void> {
    const all = Promise.all(this.#inFlight.values());
    if (!this.#stop.signal.aborted) await all;
    else {
      const leftMs = Math.max(0, this.#stopByMs - monotonicMs());
      await Promise.race([all, sleep(leftMs, undefined, { ref: false })]);
    }
  }

  #readFailed(error: unknown): void {
    if (isDamage(error)) this.#options.onSuspect();
    const message = error instanceof Error ? error.message : String(error);
    this.#failing(new UnderstudyError(journalErrorCode(error), message, { cause: error }));
  }

  #troubled(error: unknown): void {
    const trouble =
      error instanceof UnderstudyError
        ? error
        : new UnderstudyError('UND_KAFKA_FAILED', String(error), { cause: error });
    this.#trouble = trouble;
    this.#failing(trouble);
  }

  #failing(error: UnderstudyError): void {
    this.#sendErrors += 1;
    const isNew = this.#state !== 'failing' || this.#error !== error.code;
    this.#state = 'failing';
    this.#error = error.code;
    this.#message = error.message.slice(0, LIMITS.errorCharacters);
    if (isNew) this.#options.onTrouble(error);
  }

  #connected(): void {
    if (this.#state === 'connected') return;
    this.#state = 'connected';
    this.#error = '';
    this.#message = '';
    this.#options.onConnected();
  }

  #newQueue(): PublishQueue {
    const { sink, kafka, serializer } = this.#options;
    return new PublishQueue({
      partitionOf: (key) => sink.partitionOf('pairs', key),
      serializer,
      maxBytes: kafka.maxMessageBytes,
      maxPairs: kafka.maxBatchPairs,
      lingerMs: kafka.lingerMs,
    });
  }
}

/** What fits into one send, at least one. */
function headOf(records: readonly AccountRecord[], maxBytes: number): readonly AccountRecord[] {
  let bytes = 0;
  const end = records.findIndex(({ record }) => {
    bytes += recordBytes(record);
    return bytes > maxBytes;
  });
  return end < 0 ? records : records.slice(0, Math.max(1, end));
}

/**
 * `understudy analyse`: verdicts from the Kafka topic, anywhere. States and offsets move in one SQLite transaction, so
 * that a kill at any point counts nothing twice and nothing less.
 */
import { resolve } from 'node:path';
import { AccountBooks } from '../../analysis/account-books.ts';
import { Experiments } from '../../analysis/experiments.ts';
import { AnalysisStore } from '../../analysis/store.ts';
import { LIMITS } from '../../config/defaults.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, KafkaConfig } from '../../config/types.ts';
import { AssignedRecords, type Bounds } from '../../consumer/assigned-records.ts';
import type { ConsumedRecord } from '../../consumer/kafka-records.ts';
import { PairReader, type ReadOutcome } from '../../consumer/pair-reader.ts';
import { compileTolerant } from '../../consumer/tolerant-schema.ts';
import { UnderstudyError } from '../../errors.ts';
import { FileAuthenticator } from '../../record/kafka/kafka-security.ts';
import type { Account } from '../../record/publisher/accounting.ts';
import { parseMoment } from './duration.ts';
import { renderVerdicts } from './render-verdict.ts';
import { exitCode } from './verdict.ts';

export interface AnalyseOptions {
  readonly config: string;
  /** Folder of its state: not that of an instance, whose admin process has its own. */
  readonly data: string;
  /** `0,2,5-7`; all where it is missing. */
  readonly partitions?: string;
  /** Where a first attempt starts: pairs of earlier exchanges are not part of it. Now, where it is missing. */
  readonly since?: string;
  /** Ends with the messages that are there when it begins. */
  readonly untilEnd: boolean;
}

/** Messages that were no new pairs, by what they were. */
type Skipped = Record<Exclude<ReadOutcome['kind'], 'pair'>, number>;

/** @returns the exit code: of `verdict` with `untilEnd`, else 0 */
export async function analyse(options: AnalyseOptions): Promise<number> {
  const config = loadConfig(options.config);
  const { kafka } = config;
  if (kafka === null) {
    throw new UnderstudyError('UND_USAGE', 'The configuration names no Kafka: there is no topic.');
  }
  const partitions = options.partitions === undefined ? null : parsePartitions(options.partitions);
  const sinceMs = options.since === undefined ? Date.now() : parseMoment(options.since, Date.now());
  const store = AnalysisStore.open(resolve(options.data));
  const run = new TopicAnalysis(store, { config, kafka, partitions, sinceMs });
  const stop = (): void => run.stop();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    await run.read(options.untilEnd);
  } finally {
    await run.close();
    store.end();
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  }
  process.stdout.write(renderVerdicts(run.experiments.summaries(), 'text'));
  process.stdout.write(`skipped: ${JSON.stringify(run.skipped)}\n`);
  return options.untilEnd ? exitCode(run.experiments.summaries()) : 0;
}

class TopicAnalysis {
  readonly experiments: Experiments;
  readonly skipped: Skipped;
  readonly #pairs: AssignedRecords;
  readonly #accounts: AssignedRecords;
  readonly #books = new AccountBooks();
  readonly #isAccount = compileTolerant<Account>('accounting-1.schema.json');
  readonly #reader = new PairReader();
  readonly #topic: string;
  readonly #stored: (source: string) => string;
  /** Where reading goes on, by partition. */
  readonly #next = new Map<number, bigint>();
  #missed = 0;
  #committedAtMs = 0;
  #stopped = false;

  constructor(
    store: AnalysisStore,
    of: {
      readonly config: Config;
      readonly kafka: KafkaConfig;
      readonly partitions: readonly number[] | null;
      readonly sinceMs: number;
    },
  ) {
    const { config, kafka, partitions, sinceMs } = of;
    const { brokers } = kafka;
    const connection = new FileAuthenticator(kafka).connection();
    this.#topic = kafka.pairsTopic;
    const of_ = { brokers, connection };
    this.#pairs = new AssignedRecords({ ...of_, topic: kafka.pairsTopic, partitions });
    this.#accounts = new AssignedRecords({
      ...of_,
      topic: kafka.accountingTopic,
      partitions: null,
    });
    this.#stored = (source) => store.position(source);
    const skipped = this.#stored('skipped');
    this.skipped = skipped === '' ? { ...NONE_SKIPPED } : (JSON.parse(skipped) as Skipped);
    this.#missed = Number(this.#stored('missed'));
    this.experiments = new Experiments(store, config, {
      books: { legs: [], epochs: [] },
      nowMs: sinceMs,
      onEvent: ({ what, candidate, attempt, reason }) => {
        process.stdout.write(`attempt ${attempt} of ${candidate} ${what}: ${reason}\n`);
      },
    });
  }

  /** Reads until it is stopped, or to what was the end when it began. */
  async read(untilEnd: boolean): Promise<void> {
    const bounds = await this.#pairs.bounds();
    this.#seek(bounds);
    await this.#readAccounts(untilEnd);
    const isAtEnd = (): boolean =>
      [...bounds].every(([partition, { end }]) => (this.#next.get(partition) ?? end) >= end);
    if (!(untilEnd && isAtEnd())) {
      const timer = setInterval(() => void this.#lookAround(), LIMITS.analysisBooksMs);
      try {
        for await (const record of this.#pairs.read(this.#next)) {
          this.#take(record);
          if (performance.now() - this.#committedAtMs >= LIMITS.analysisCommitMs) this.#commit();
          if (this.#stopped || (untilEnd && isAtEnd())) break;
        }
      } finally {
        clearInterval(timer);
      }
    }
    if (untilEnd) this.experiments.account(this.#books.books(), Date.now(), this.#missed);
    this.#commit();
    this.experiments.judge();
  }

  stop(): void {
    this.#stopped = true;
    void this.close();
  }

  /** Cannot reject: what does not close ends with the process. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#pairs.close(), this.#accounts.close()]);
  }

  /** From where the last commit stands; what Kafka has deleted meanwhile is missed. */
  #seek(bounds: ReadonlyMap<number, Bounds>): void {
    for (const [partition, { first }] of bounds) {
      const stored = this.#stored(this.#source(partition));
      const next = stored === '' ? first : BigInt(stored);
      if (next < first) this.#missed += Number(first - next);
      this.#next.set(partition, next < first ? first : next);
    }
  }

  #take({ partition, offset, value }: ConsumedRecord): void {
    const outcome = this.#reader.read(value);
    if (outcome.kind === 'pair') this.experiments.add(outcome.pair);
    else this.skipped[outcome.kind] += 1;
    this.#next.set(partition, offset + 1n);
  }

  /** Accounts up to now; with `untilEnd` these are all, else more come in the background. */
  async #readAccounts(untilEnd: boolean): Promise<void> {
    const bounds = await this.#accounts.bounds();
    const from = new Map(Array.from(bounds, ([partition, { first }]) => [partition, first]));
    const left = new Set([...bounds].filter(([, { first, end }]) => first < end).map(([p]) => p));
    if (left.size === 0 && untilEnd) return;
    const reading = this.#follow(from, (partition, offset) => {
      if (offset + 1n >= (bounds.get(partition)?.end ?? 0n)) left.delete(partition);
      return untilEnd && left.size === 0;
    });
    if (untilEnd) await reading;
    // Without accounts there is no coverage, and no PASS: that is said at each cut.
    else reading.catch((error: unknown) => process.stderr.write(`accounts: ${String(error)}\n`));
  }

  async #follow(
    from: ReadonlyMap<number, bigint>,
    isEnough: (partition: number, offset: bigint) => boolean,
  ): Promise<void> {
    for await (const { value, partition, offset } of this.#accounts.read(from)) {
      const account = parseJson(value);
      if (this.#isAccount(account)) this.#books.add(account);
      if (isEnough(partition, offset)) return;
    }
  }

  /** Closes cuts once all that was there at this moment has been read. Never rejects. */
  async #lookAround(): Promise<void> {
    const nowMs = Date.now();
    const books = this.#books.books();
    try {
      const bounds = await this.#pairs.bounds();
      const isBehind = [...bounds].some(([partition, { end }]) => {
        return (this.#next.get(partition) ?? 0n) < end;
      });
      if (isBehind || this.#stopped) return;
      const isClosed = this.experiments.account(books, nowMs, this.#missed);
      this.#commit();
      if (isClosed) this.experiments.judge();
    } catch (error) {
      process.stderr.write(`${String(error)}\n`); // tried again at the next interval
    }
  }

  #commit(): void {
    this.#committedAtMs = performance.now();
    const offsets = Array.from(this.#next, ([partition, offset]) => {
      return [this.#source(partition), String(offset)] as const;
    });
    this.experiments.commit({
      ...Object.fromEntries(offsets),
      skipped: JSON.stringify(this.skipped),
      missed: String(this.#missed),
    });
  }

  #source(partition: number): string {
    return `kafka:${this.#topic}:${partition}`;
  }
}

const NONE_SKIPPED: Skipped = {
  ...{ duplicate: 0, conflict: 0, unknown_schema: 0, tombstone: 0, malformed: 0 },
};

/** @throws {UnderstudyError} `UND_USAGE` */
export function parsePartitions(text: string): number[] {
  const partitions = text.split(',').flatMap((part) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first) {
      throw new UnderstudyError('UND_USAGE', `Partitions are written as 0,2,5-7, not ${text}.`);
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return [...new Set(partitions)].sort((a, b) => a - b);
}

function parseJson(value: Buffer | null): unknown {
  try {
    return JSON.parse(value?.toString() ?? 'null');
  } catch {
    return null;
  }
}

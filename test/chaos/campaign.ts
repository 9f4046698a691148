/** A cluster, a writer that can be killed, and the final check over journal and topic. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { KafkaConfig } from '../../src/config/types.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import { FileAuthenticator } from '../../src/record/kafka/kafka-security.ts';
import { ensureTopics } from '../../src/record/kafka/kafka-topics.ts';
import { type ReadMessage, readWithKcat } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import type { Cluster } from './cluster.ts';
import {
  type Commits,
  type CommittedPair,
  checkDelivery,
  type DeliveryReport,
} from './delivery-check.ts';
import type { ToWriter, WriterInput, WriterStatus } from './writer.ts';

const WRITER = join(import.meta.dirname, 'writer.ts');
const PAGE = 500;

export interface CampaignOptions {
  readonly cluster: Cluster;
  /** Exchanges a second; two pairs each. */
  readonly ratePerSecond: number;
  readonly poisonEvery: number;
  readonly kafka?: Partial<KafkaConfig>;
}

export class Campaign {
  readonly cluster: Cluster;
  readonly kafka: KafkaConfig;
  readonly #options: CampaignOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'understudy-chaos-'));
  readonly #log = createWriteStream(join(this.#folder, 'writer.log'));
  #writer: ChildProcess | null = null;
  #lives = 0;
  #status: WriterStatus = { recorded: 0, publisher: null };

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.cluster = options.cluster;
    this.kafka = {
      ...DEFAULTS.kafka,
      brokers: options.cluster.proxied,
      pairsTopic: 'chaos.pairs',
      accountingTopic: 'chaos.accounting',
      createTopics: false,
      partitions: 3,
      replication: 3,
      maxMessageBytes: 200_000,
      sendTimeoutMs: 5_000,
      ...options.kafka,
    };
  }

  get dataDir(): string {
    return join(this.#folder, 'data');
  }

  get logFile(): string {
    return join(this.#folder, 'writer.log');
  }

  get status(): WriterStatus {
    return this.#status;
  }

  /** A new life of the writer, with an epoch of its own. */
  startWriter(): void {
    this.#lives += 1;
    const { ratePerSecond, poisonEvery } = this.#options;
    const epoch = `life${String(this.#lives).padStart(16, '0')}`;
    const { kafka, dataDir } = this;
    const input: WriterInput = { dataDir, kafka, epoch, ratePerSecond, poisonEvery };
    const child = fork(WRITER, [JSON.stringify(input)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.stdout?.pipe(this.#log, { end: false });
    child.stderr?.pipe(this.#log, { end: false });
    child.on('message', (status: WriterStatus) => {
      this.#status = status;
    });
    child.on('error', () => undefined); // a message to a process that has just ended
    this.#writer = child;
  }

  /** Until this life of the writer has published something, or time is over. */
  async untilPublishing(timeoutMs: number): Promise<void> {
    const isPublishing = (): boolean => (this.#status.publisher?.published ?? 0) > 0;
    await until('publishing', isPublishing, timeoutMs).catch(() => undefined);
  }

  async killWriter(): Promise<void> {
    const child = this.#writer;
    if (child === null || child.exitCode !== null) return;
    this.#writer = null;
    this.#status = { recorded: 0, publisher: null };
    child.removeAllListeners('message');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Another rate of the writer, from now on. */
  setRate(ratePerSecond: number): void {
    this.#tell({ ratePerSecond });
  }

  /** Makes the topics as they were configured, past the proxies. */
  async makeTopics(): Promise<void> {
    const kafka = { ...this.kafka, brokers: this.cluster.brokers, createTopics: true };
    await ensureTopics(kafka, new FileAuthenticator(kafka).connection());
  }

  /** Heals all, waits until nothing is left to be sent, and compares. */
  async drainAndCheck(timeoutMs = 120_000): Promise<DeliveryReport> {
    await this.cluster.heal();
    this.setRate(0);
    const { recorded } = this.#status;
    await until(
      'all is published',
      () => this.#status.publisher?.lag === 0 && this.#status.recorded >= recorded,
      timeoutMs,
    );
    const child = this.#writer;
    if (child !== null) {
      const ended = once(child, 'exit');
      this.#tell('close');
      await ended;
      this.#writer = null;
    }
    const records = await this.readTopic(timeoutMs);
    return checkDelivery(this.commits(), records);
  }

  /** What is on the topic of pairs, read past the proxies. */
  readTopic(timeoutMs: number): Promise<ReadMessage[]> {
    return readWithKcat(this.cluster.brokers, this.kafka.pairsTopic, { timeoutMs });
  }

  commits(): Commits {
    const reader = JournalReader.open(this.dataDir);
    try {
      const seqs = new Map<number, string>();
      const pairs: CommittedPair[] = [];
      for (let seq = 0, page = reader.pairsAfter(0, PAGE); page.length > 0; ) {
        for (const { seq: at, json } of page) {
          const { id, key }: { id: string; key: string } = JSON.parse(json);
          const candidate = id.slice(id.indexOf('/') + 1);
          pairs.push({ id, key, candidate, experiment: 'x', json });
          seqs.set(at, id);
        }
        seq = page.at(-1)?.seq ?? seq;
        page = reader.pairsAfter(seq, PAGE);
      }
      const waiting = reader.unpublished(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      const dead = reader.deadLetters(0, Number.MAX_SAFE_INTEGER);
      return {
        pairs,
        outbox: new Set(waiting.map(({ id }) => id)),
        dead: new Set(dead.map(({ id }) => id)),
      };
    } finally {
      reader.close();
    }
  }

  /**
   * Ends everything.
   *
   * @returns the folder with journal and log where it is kept, else it is removed
   */
  async end({ keep } = { keep: false }): Promise<string> {
    await this.killWriter();
    await this.cluster.stop();
    this.#log.end();
    if (keep) return this.#folder;
    rmSync(this.#folder, { recursive: true, force: true });
    return '';
  }

  #tell(message: ToWriter): void {
    if (this.#writer?.connected) this.#writer.send(message, () => undefined);
  }
}

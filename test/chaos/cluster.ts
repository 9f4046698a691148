/** Three brokers, each behind a FaultProxy whose address it advertises: replication 3, min.insync.replicas 2. */
import { Kafka, logLevel } from 'kafkajs';
import { FaultProxy } from '../services/fault-proxy.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import type { Skipped } from '../services/skipped.ts';

export const NODES = [1, 2, 3] as const;

export class Cluster {
  readonly proxies: readonly FaultProxy[];
  readonly #service: KafkaService;
  readonly #killed = new Set<number>();
  readonly #paused = new Set<number>();

  private constructor(service: KafkaService, proxies: readonly FaultProxy[]) {
    this.#service = service;
    this.proxies = proxies;
  }

  /** The proxies are down at first: nobody who comes through them finds a broker. */
  static async start(random: () => number): Promise<Cluster | Skipped> {
    const nowhere = { host: '127.0.0.1', port: 1 };
    const proxies = await Promise.all(
      NODES.map(() => FaultProxy.start({ target: nowhere, random })),
    );
    const proxyPorts = proxies.map(({ port }) => port);
    const service = await startKafka({ nodes: 3, proxyPorts });
    if ('skipped' in service) {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      return service;
    }
    for (const [i, target] of service.proxied.entries()) proxies[i]?.lead(target);
    await Promise.all(proxies.map((proxy) => proxy.down()));
    return new Cluster(service, proxies);
  }

  /** Straight to the brokers: for readers that are to see what is there. */
  get brokers(): readonly string[] {
    return this.#service.brokers;
  }

  /** Through the proxies. */
  get proxied(): readonly string[] {
    return this.proxies.map(({ port }) => `127.0.0.1:${port}`);
  }

  async kill(node: number): Promise<void> {
    this.#killed.add(node);
    await this.#service.kill(node);
  }

  async restart(node: number): Promise<void> {
    if (!this.#killed.delete(node)) return;
    await this.#service.restart(node);
  }

  async pause(node: number): Promise<void> {
    this.#paused.add(node);
    await this.#service.pause(node);
  }

  async resume(node: number): Promise<void> {
    if (!this.#paused.delete(node)) return;
    await this.#service.resume(node);
  }

  async up(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.up()));
  }

  /** Everything works again. */
  async heal(): Promise<void> {
    for (const proxy of this.proxies) proxy.clear();
    await this.up();
    for (const node of NODES) await this.resume(node);
    for (const node of NODES) await this.restart(node);
  }

  /** The node that leads a partition. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const kafka = new Kafka({ brokers: [...this.brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const found = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition);
      return found === undefined || found.leader < 1 ? 1 : found.leader;
    } finally {
      await admin.disconnect();
    }
  }

  async stop(): Promise<void> {
    for (const node of NODES) await this.resume(node);
    await this.#service.stop();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
  }
}

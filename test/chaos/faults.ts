/**
 * What can go wrong between the publisher and its brokers, and under both. Each fault does its harm, waits, and
 * takes it back, so that the next one finds a cluster that works; two are never at work at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Toxic } from '../services/fault-proxy.ts';
import type { Campaign } from './campaign.ts';
import { NODES } from './cluster.ts';
import { between, oneOf } from './random.ts';

export interface Fault {
  /** The case of reference that it answers, and what happens. */
  readonly name: string;
  /** @param forMs - how long the harm lasts */
  run(campaign: Campaign, random: () => number, forMs: number): Promise<void>;
}

/** After a node's death or return: elections and replicas that catch up. */
const SETTLE_MS = 4_000;

/** A writer that starts finds its brokers within this time, on a busy machine, too. */
const CONNECT_MS = 20_000;

function toxicFault(name: string, draw: (random: () => number) => Toxic, share = 1): Fault {
  return {
    name,
    async run({ cluster }, random, forMs) {
      const toxic = draw(random);
      const stream = oneOf(random, ['upstream', 'downstream'] as const);
      for (const proxy of cluster.proxies) if (random() < share) proxy.add(toxic, stream);
      await sleep(forMs);
      for (const proxy of cluster.proxies) proxy.clear();
    },
  };
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'K-01 a broker is killed and restarted',
    async run({ cluster }, random, forMs) {
      const node = oneOf(random, NODES);
      await cluster.kill(node);
      await sleep(forMs);
      await cluster.restart(node);
      await sleep(SETTLE_MS);
    },
  },
  {
    name: 'K-03 the leader of a partition is killed and restarted',
    async run({ cluster, kafka }, random, forMs) {
      const partition = between(random, 0, kafka.partitions - 1);
      const node = await cluster.leaderOf(kafka.pairsTopic, partition);
      await cluster.kill(node);
      await sleep(forMs);
      await cluster.restart(node);
      await sleep(SETTLE_MS);
    },
  },
  {
    // What is acknowledged by the leader alone is lost when the others take over without it.
    name: 'K-03 both followers stand still, then the leader is killed and they go on',
    async run({ cluster, kafka }, random, forMs) {
      const partition = between(random, 0, kafka.partitions - 1);
      const leader = await cluster.leaderOf(kafka.pairsTopic, partition);
      const followers = NODES.filter((node) => node !== leader);
      for (const node of followers) await cluster.pause(node);
      await sleep(Math.max(3_000, forMs));
      await cluster.kill(leader);
      for (const node of followers) await cluster.resume(node);
      await sleep(SETTLE_MS);
      await cluster.restart(leader);
      await sleep(SETTLE_MS);
    },
  },
  {
    name: 'K-02 acknowledgements are lost after the append',
    async run({ cluster }, _random, forMs) {
      const toxic: Toxic = { type: 'timeout', timeoutMs: 0 };
      for (const proxy of cluster.proxies) proxy.add(toxic, 'downstream');
      await sleep(forMs);
      for (const proxy of cluster.proxies) proxy.clear();
    },
  },
  {
    name: 'K-02 down: nobody answers at all',
    async run({ cluster }, _random, forMs) {
      for (const proxy of cluster.proxies) await proxy.down();
      await sleep(forMs);
      await cluster.up();
    },
  },
  toxicFault('K-02 latency', (random) => ({
    type: 'latency',
    latencyMs: between(random, 50, 800),
    jitterMs: between(random, 0, 50),
  })),
  toxicFault('K-02 bandwidth', (random) => ({
    type: 'bandwidth',
    bytesPerSecond: between(random, 20_000, 200_000),
  })),
  toxicFault('K-02 slow_close', (random) => ({
    type: 'slow_close',
    delayMs: between(random, 500, 3_000),
  })),
  toxicFault('K-02 timeout', (random) => ({
    type: 'timeout',
    timeoutMs: between(random, 100, 2_000),
  })),
  toxicFault('K-02 reset_peer', (random) => ({
    type: 'reset_peer',
    timeoutMs: between(random, 0, 1_000),
  })),
  toxicFault('K-02 slicer', (random) => ({
    type: 'slicer',
    averageBytes: between(random, 50, 2_000),
    variationBytes: 40,
    delayMs: 1,
  })),
  toxicFault('K-02 limit_data', (random) => ({
    type: 'limit_data',
    bytes: between(random, 1_000, 300_000),
  })),
  {
    name: 'the writer is killed and started again',
    async run(campaign, random, forMs) {
      for (let kills = between(random, 3, 5); kills > 0; kills -= 1) {
        // In the midst of it: pairs are recorded, sent and confirmed while it dies.
        await campaign.untilPublishing(CONNECT_MS);
        await sleep(random() * Math.min(forMs, 1_000));
        await campaign.killWriter();
        campaign.startWriter();
      }
    },
  },
  {
    name: 'the writer is killed while no broker answers',
    async run(campaign, _random, forMs) {
      const { cluster } = campaign;
      for (const proxy of cluster.proxies) await proxy.down();
      await sleep(forMs / 2);
      await campaign.killWriter();
      campaign.startWriter();
      await sleep(forMs / 2);
      await cluster.up();
    },
  },
];

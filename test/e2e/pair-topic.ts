/** Pairs on topics of their own at a real broker, and what analyses them. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { Analysis } from '../../src/analysis/analysis.ts';
import { changedEntries } from '../../src/analysis/state-entries.ts';
import { AnalysisStore } from '../../src/analysis/store.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { contentOf } from '../analysis/journal-rig.ts';
import { START_MS } from '../analysis/pairs.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EPOCH = 'c5k0t9q2m8w4x7z1r3f6'.replace(/[w-z]/g, 'v');
const PARTITIONS = 3;
export const SINCE = new Date(START_MS).toISOString();

/** Messages as they are, and two topics of their own. */
export async function writeTopics(brokers: readonly string[], values: readonly (string | null)[]) {
  const id = randomUUID().slice(0, 8);
  const topics = { pairsTopic: `analyse.pairs.${id}`, accountingTopic: `analyse.accounting.${id}` };
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await admin.connect();
  await producer.connect();
  const configEntries = [{ name: 'max.message.bytes', value: String(16 * 2 ** 20) }];
  const topicOf = (topic: string) => ({ topic, numPartitions: PARTITIONS, configEntries });
  await admin.createTopics({ topics: Object.values(topics).map(topicOf) });
  for (let from = 0; from < values.length; from += 500) {
    const messages = values.slice(from, from + 500).map((value, i) => {
      return { partition: (from + i) % PARTITIONS, key: `${from + i}`, value };
    });
    await producer.send({ topic: topics.pairsTopic, acks: -1, messages });
  }
  const of = { schema: 'understudy.accounting/1', instance: 'host', epoch: EPOCH, route: 'score' };
  const at = { time: '2026-11-02T00:00:00.000Z' };
  const paired = [{ state: 'paired', reason: '', count: 6_000 }];
  const legs = { ...of, kind: 'legs', candidate: 'next', ...at, states: paired };
  const reported = { gateway: 'host/gw0', epoch_state: 'clean', reported: at.time };
  const offered = [{ state: 'offered', reason: '', count: 6_000 }];
  const exchanges = { ...of, kind: 'exchanges', ...reported, ...at, states: offered };
  const messages = [legs, exchanges].map((each) => ({
    key: each.kind,
    value: JSON.stringify(each),
  }));
  await producer.send({ topic: topics.accountingTopic, acks: -1, messages });
  await producer.disconnect();
  await admin.disconnect();
  return topics;
}

export function scene(brokers: readonly string[], topics: object) {
  const folder = tempFolder();
  const config = {
    experiment: 'parity',
    listeners: [{ listen: '127.0.0.1:0', incumbent: '127.0.0.1:9' }],
    routes: [{ name: 'score', path: '/v1/score' }],
    candidates: [{ name: 'next', url: 'http://127.0.0.1:9' }],
    kafka: { brokers, ...topics },
    analysis: { profile: 'demo' },
  };
  const file = join(folder, 'understudy.yaml');
  writeFileSync(file, JSON.stringify(config));
  const args = (data: string, ...more: readonly string[]) => {
    const of = ['--config', file, '--data', join(folder, data), '--since', SINCE];
    return ['analyse', ...of, '--until-end', ...more];
  };
  const content = (data: string) => contentOf({ config: { dataDir: join(folder, data) } });
  return { folder, file, args, content };
}

/** Records as they stand on the topic, by the published schema. */
export function jsonOf(pairs: readonly Pair[]): string[] {
  return pairs.map((pair) => {
    const seq = pair.seq + 1;
    const time = pair.time.replace('Z', '000Z');
    return JSON.stringify({ ...pair, epoch: EPOCH, seq, id: `${EPOCH}.${seq}/next`, time });
  });
}

/** All parts of a state, also those that were just read. */
export function bytesOf(analysis: Analysis): string {
  const copy = new Analysis(analysis.plan);
  copy.merge(analysis);
  const entries = Array.from(changedEntries(copy), ({ kind, key, stretch, bytes }) => {
    return `${kind} ${key} ${stretch} ${Buffer.from(bytes).toString('hex')}`;
  });
  return entries.sort().join('\n');
}

/** The state of the one attempt in a data folder. */
export function stateIn(folder: string): Analysis {
  const store = AnalysisStore.read(folder);
  const [attempt] = store.attempts();
  if (attempt === undefined) throw new Error('no attempt');
  const analysis = store.load(attempt);
  store.end();
  return analysis;
}

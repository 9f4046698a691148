/** `understudy analyse` on a real broker: replay, kills, poison, shared partitions. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { readVerdicts } from '../../src/analysis/read-verdicts.ts';
import { AnalysisStore } from '../../src/analysis/store.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { contentOf, traffic } from '../analysis/journal-rig.ts';
import { START_MS } from '../analysis/pairs.ts';
import { sharedKafka } from '../services/kafka.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { runCli } from './instance.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
const PARTITIONS = 3;
const SINCE = new Date(START_MS).toISOString();

/** Messages as they are, and two topics of their own. */
async function writeTopics(brokers: readonly string[], values: readonly (string | null)[]) {
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

function scene(brokers: readonly string[], topics: object) {
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
  return { folder, args, content };
}

const EPOCH = 'c5k0t9q2m8w4x7z1r3f6'.replace(/[w-z]/g, 'v');

/** Records as they stand on the topic, by the published schema. */
function jsonOf(pairs: readonly Pair[]): string[] {
  return pairs.map((pair) => {
    const seq = pair.seq + 1;
    const time = pair.time.replace('Z', '000Z');
    return JSON.stringify({ ...pair, epoch: EPOCH, seq, id: `${EPOCH}.${seq}/next`, time });
  });
}

const kafka = await sharedKafka();
if ('skipped' in kafka) test.skip(kafka.skipped, () => {});
else {
  const { brokers } = kafka;
  test('K-05, K-07: a replay, and kills at any point, give the same bits and the same verdict', async () => {
    const pairs = traffic(0, 6_000);
    // Delivered again, as a producer does whose acknowledgement was lost.
    const topics = await writeTopics(brokers, jsonOf([...pairs, ...pairs.slice(0, 1_500)]));
    const { args, content } = scene(brokers, topics);
    const first = await runCli(args('first'));
    expect(first.stdout, first.stderr).toContain('next  PASS  6,000 pairs');
    expect(first.code).toBe(0);
    const replay = await runCli(args('replay'));
    // Not by toBe: their texts are megabytes.
    expect(content('replay') === content('first')).toBe(true);
    expect(replay.code).toBe(0);
    // A second run on the same state has nothing to read, and says the same.
    expect((await runCli(args('first'))).stdout).toContain('next  PASS  6,000 pairs');
    for (let i = 0; i < 4; i++) {
      const child: ChildProcess = spawn(process.execPath, [CLI, ...args('killed')], {
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await Promise.race([sleep(400 + i * 350), ended]);
      child.kill('SIGKILL');
      await ended;
    }
    const last = await runCli(args('killed'));
    expect(last.stdout, last.stderr).toContain('next  PASS  6,000 pairs');
    expect(statesOf(content('killed')) === statesOf(content('first'))).toBe(true);
  }, 180_000);

  test('goes on with what comes until it is told to stop, and says the verdict then', async () => {
    const { args, folder } = scene(brokers, await writeTopics(brokers, jsonOf(traffic(0, 6_000))));
    const live = args('live').filter((each) => each !== '--until-end');
    const child = spawn(process.execPath, [CLI, ...live], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = once(child, 'exit');
    await until(
      'a verdict on disk',
      () => {
        try {
          return readVerdicts(join(folder, 'live')).verdicts[0]?.verdict === 'PASS';
        } catch {
          return false; // the file is just being made
        }
      },
      60_000,
    );
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(said).toContain('next  PASS  6,000 pairs');
  }, 120_000);

  test('K-12: what is no pair is skipped and counted, and sticks nowhere', async () => {
    const good = jsonOf(traffic(0, 900));
    const poison = [
      null,
      'no JSON',
      '[]',
      '{}',
      JSON.stringify({ schema: 'understudy.pair/0' }),
      JSON.stringify({ schema: 'understudy.pair/2', id: 'x' }),
      JSON.stringify({ schema: 'understudy.pair/1', id: 'x' }),
      JSON.stringify({ text: 'x'.repeat(10 * 2 ** 20) }),
    ];
    const values = [...good.slice(0, 400), ...poison, ...good.slice(400)];
    const { args } = scene(brokers, await writeTopics(brokers, values));
    const { stdout, stderr } = await runCli(args('data'));
    expect(stdout, stderr).toContain('900 pairs');
    expect(stdout).toContain(
      'skipped: {"duplicate":0,"conflict":0,"unknown_schema":2,"tombstone":1,"malformed":5}',
    );
  }, 120_000);

  test('shares a topic by its partitions: the states add up to that of one', async () => {
    const topics = await writeTopics(brokers, jsonOf(traffic(0, 3_000)));
    const { folder, args } = scene(brokers, topics);
    await runCli(args('whole'));
    await runCli(args('a', '--partitions', '0'));
    await runCli(args('b', '--partitions', '1-2'));
    const [whole, a, b] = ['whole', 'a', 'b'].map((data) => {
      const store = AnalysisStore.read(join(folder, data));
      const [attempt] = store.attempts();
      if (attempt === undefined) throw new Error('no attempt');
      const analysis = store.load(attempt);
      store.end();
      return analysis;
    });
    if (whole === undefined || a === undefined || b === undefined) throw new Error('no state');
    expect([a.seen.size, b.seen.size]).toEqual([1_000, 2_000]);
    a.merge(b);
    expect(a.seen.size).toBe(whole.seen.size);
    expect(a.upTo('').losses.map((sums) => sums.totals())).toEqual(
      whole.upTo('').losses.map((sums) => sums.totals()),
    );
  }, 120_000);
}

/** Without the counts of skipped messages: what was read again after a kill is skipped again. */
function statesOf(content: string): string {
  return content.replace(/"\{\\"duplicate\\":\d+/g, '"');
}

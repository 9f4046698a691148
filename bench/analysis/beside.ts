/**
 * The analysis beside what one would write first, and beside the Spark job, on the same pairs: whole processes, from
 * their start to their last line, each on core 1; the broker has core 0.
 *
 *   npm run bench:beside [PAIRS]     200,000 pairs by default; medians of three runs in turn
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../test/services/kafka.ts';
import { pythonIn } from '../../test/services/python.ts';
import { connectorJars, sparkEnvironment, sparkPython } from '../../test/services/spark.ts';
import { moveToCore } from '../pinned.ts';
import { benchPair, DAY_MS, EPOCH, START_MS } from './bench-pairs.ts';

const RUNS = 3;
const PARTITIONS = 3;
const count = Number(process.argv[2] ?? 200_000);
const SINCE = new Date(START_MS).toISOString();

interface Run {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** @returns seconds from start to end */
function timed({ name, command, env = {} }: Run): number {
  const startedMs = performance.now();
  const { status, stdout, stderr } = spawnSync('taskset', ['-c', '1', ...command], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  // A verdict has an exit code of its own.
  if (status === null || (status !== 0 && status < 10)) {
    throw new Error(`${name}: exit code ${status}: ${stderr.slice(-2_000)}`);
  }
  // Nothing was passed over; of a verdict the pairs are those of its cut.
  const told = ['"unknown_schema":0,"tombstone":0,"malformed":0}', `"pairs": ${count},`];
  if (!told.some((text) => stdout.includes(text))) throw new Error(`${name}: ${stdout}`);
  return (performance.now() - startedMs) / 1_000;
}

async function writeTopic(brokers: readonly string[], texts: readonly string[]): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await admin.connect();
  await producer.connect();
  const topics = ['bench.pairs', 'bench.accounting'];
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: PARTITIONS })),
  });
  for (let from = 0; from < texts.length; from += 1_000) {
    const messages = texts.slice(from, from + 1_000).map((value, i) => {
      return { partition: (from + i) % PARTITIONS, key: `${from + i}`, value };
    });
    await producer.send({ topic: 'bench.pairs', acks: -1, messages });
  }
  const of = { schema: 'understudy.accounting/1', instance: 'vm', epoch: EPOCH, route: 'score' };
  const at = { time: new Date(START_MS + 2 * DAY_MS).toISOString() };
  const states = (state: string) => [{ state, reason: '', count }];
  const legs = { ...of, kind: 'legs', candidate: 'next', ...at, states: states('paired') };
  const told = { gateway: 'vm/gw0', epoch_state: 'clean', reported: at.time };
  const exchanges = { ...of, kind: 'exchanges', ...told, ...at, states: states('offered') };
  const messages = [legs, exchanges].map((each) => ({
    key: each.kind,
    value: JSON.stringify(each),
  }));
  await producer.send({ topic: 'bench.accounting', acks: -1, messages });
  await producer.disconnect();
  await admin.disconnect();
}

async function main(folder: string): Promise<void> {
  moveToCore(process.pid, 0);
  const kafka = await startKafka();
  const spark = await sparkPython();
  const pandas = await pythonIn(join(folder, 'python'), 'bench/peers/requirements.txt');
  for (const each of [kafka, spark, pandas]) if ('skipped' in each) throw new Error(each.skipped);
  if ('skipped' in kafka || 'skipped' in spark || 'skipped' in pandas) return;
  try {
    const texts = Array.from({ length: count }, (_, i) => JSON.stringify(benchPair(i + 1, count)));
    const file = join(folder, 'pairs.ndjson');
    const out = createWriteStream(file);
    for (const text of texts) out.write(`${text}\n`);
    out.end();
    await finished(out);
    const [broker = ''] = kafka.brokers;
    await writeTopic([broker], texts);
    const config = join(folder, 'understudy.yaml');
    const topics = { pairsTopic: 'bench.pairs', accountingTopic: 'bench.accounting' };
    writeFileSync(
      config,
      JSON.stringify({
        ...{ experiment: 'bench', kafka: { brokers: [broker], ...topics } },
        listeners: [{ listen: '127.0.0.1:0', incumbent: '127.0.0.1:9' }],
        routes: [{ name: 'score', path: '/v1/score', capture: ['/tier', '/region'] }],
        candidates: [{ name: 'next', url: 'http://127.0.0.1:9' }],
        analysis: {
          segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }],
          discover: ['/region'],
        },
      }),
    );
    const cli = [process.execPath, resolve('src/main/cli.ts')];
    const of = ['--config', config, '--since', SINCE];
    const plan = join(folder, 'plan.json');
    const planned = spawnSync(
      process.execPath,
      [resolve('src/main/cli.ts'), 'experiment', 'plan', ...of, '--candidate', 'next'],
      { encoding: 'utf8' },
    );
    writeFileSync(plan, planned.stdout);
    const job = [spark.python, resolve('deploy/spark/understudy_spark.py'), '--plan', plan];
    const states = ['--output', join(folder, 'states')];
    const jars = `--jars ${await connectorJars()} `;
    let run = 0;
    const runs = (): Run[] => {
      run += 1;
      const data = ['--data', join(folder, `data-${run}`), '--until-end'];
      const topic = ['--kafka', broker, '--topic', 'bench.pairs'];
      return [
        {
          name: 'understudy analyse, from the topic',
          command: [...cli, 'analyse', ...of, ...data],
        },
        {
          name: 'pandas, from NDJSON, means alone',
          command: [pandas.python, resolve('bench/peers/pandas_summary.py'), file],
        },
        {
          name: 'Spark job, from NDJSON, one thread',
          command: [...job, '--input', file, ...states],
          env: sparkEnvironment(1),
        },
        {
          name: 'Spark job, from the topic, one thread',
          command: [...job, ...topic, ...states],
          env: sparkEnvironment(1, jars),
        },
      ];
    };
    const load = loadavg().map((average) => average.toFixed(2));
    console.log(`${count.toLocaleString('en-GB')} pairs, load ${load.join(' ')}`);
    const seconds = new Map<string, number[]>();
    for (let i = 0; i < RUNS; i += 1) {
      for (const each of runs()) {
        seconds.set(each.name, [...(seconds.get(each.name) ?? []), timed(each)]);
      }
    }
    for (const [name, each] of seconds) {
      const median = each.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
      const rate = Math.round(count / median).toLocaleString('en-GB');
      console.log(
        `${name.padEnd(40)} ${median.toFixed(1).padStart(6)} s ${rate.padStart(9)} pairs/s`,
      );
    }
  } finally {
    await kafka.stop();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'und-beside-'));
try {
  await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

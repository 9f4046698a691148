/**
 * The Spark job, run: the same bits as `understudy analyse` has of the same pairs. Spark comes from PyPI into a folder that is
 * kept between runs (some 320 MB); where it cannot be had the tests are skipped with the reason, but not in CI.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Analysis } from '../../src/analysis/analysis.ts';
import { readMerged } from '../../src/analysis/merged-states.ts';
import type { ExperimentPlan } from '../../src/analysis/plan.ts';
import { changedEntries, type StateEntry } from '../../src/analysis/state-entries.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { PairTable } from '../../src/record/journal/pair-table.ts';
import { traffic } from '../analysis/journal-rig.ts';
import { runCli } from '../e2e/instance.ts';
import { bytesOf, jsonOf, SINCE, scene, stateIn, writeTopics } from '../e2e/pair-topic.ts';
import { sharedKafka } from '../services/kafka.ts';
import { runScript } from '../services/run-script.ts';
import { connectorJars, sparkEnvironment, sparkPython } from '../services/spark.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { PLAN, richPair } from './spark-pairs.ts';

vi.setConfig({ testTimeout: 400_000 });

const JOB = resolve('deploy/spark/understudy_spark.py');
const COUNT = 6_000;

const spark = await sparkPython();
const kafka = await sharedKafka();
if ('skipped' in spark && process.env.CI !== 'true') test.skip(spark.skipped, () => {});
else {
  test('gives the bits of one consumer: from NDJSON and Parquet, with duplicates and junk', async () => {
    const folder = tempFolder();
    const pairs = Array.from({ length: COUNT }, (_, seq) => richPair(seq));
    const own = new Analysis(PLAN);
    for (const pair of pairs) own.add(pair);
    const all = [...pairs, ...pairs.slice(1_000, 2_500)].map((pair) => JSON.stringify(pair));
    const junk = ['no json', '{"schema":"understudy.pair/9","id":"x"}', '[]'];
    const foreign = JSON.stringify({ ...richPair(1), id: 'x/other', experiment: 'other' });
    writeFileSync(join(folder, 'pairs.ndjson'), [...all, ...junk, foreign].join('\n'));
    const said = await runJob(folder, PLAN, 'pairs.ndjson');
    expect(said).toMatchObject({ foreign: 1, malformed: 0, conflicts: 0, pairs: own.seen.size });
    expect(entriesOf(folder)).toEqual(toLines(changedEntries(own)));

    await writeParquet(join(folder, 'pairs.parquet'), [...pairs, ...pairs.slice(0, 700)]);
    rmSync(join(folder, 'states'));
    await runJob(folder, PLAN, 'pairs.parquet');
    expect(entriesOf(folder)).toEqual(toLines(changedEntries(own)));
    // And `report --merge` reads it.
    const [merged] = readMerged([join(folder, 'states')]);
    expect(merged?.analysis.seen.size).toBe(own.seen.size);
    expect(toLines(changedEntries(merged?.analysis ?? own))).toEqual(toLines(changedEntries(own)));
  });

  test.skipIf('skipped' in kafka)(
    'reads the topic itself: the bits of `understudy analyse` on the same topic',
    async () => {
      if ('skipped' in kafka) throw new Error(kafka.skipped);
      const [broker = ''] = kafka.brokers;
      const pairs = traffic(0, 3_000);
      // Delivered again, as after a lost acknowledgement; a tombstone, and what is no pair.
      const values = [...jsonOf([...pairs, ...pairs.slice(500, 1_200)]), null, 'no json'];
      const topics = await writeTopics([broker], values);
      const { folder, file, args } = scene([broker], topics);
      const analysed = await runCli(args('own'));
      expect(analysed.stdout, analysed.stderr).toContain('3,000 pairs');
      const of = ['--config', file, '--candidate', 'next', '--since', SINCE];
      const plan = await runCli(['experiment', 'plan', ...of]);
      writeFileSync(join(folder, 'plan.json'), plan.stdout);
      const input = ['--kafka', broker, '--topic', topics.pairsTopic];
      const said = await submit(folder, input, `--jars ${await connectorJars()} `);
      expect(said).toMatchObject({ malformed: 0, conflicts: 0, pairs: 3_000 });
      const [merged] = readMerged([join(folder, 'states')]);
      const own = bytesOf(stateIn(join(folder, 'own')));
      expect(merged !== undefined && bytesOf(merged.analysis) === own).toBe(true);
    },
  );
}

async function runJob(folder: string, plan: ExperimentPlan, input: string): Promise<object> {
  const header = { schema: 'understudy.plan/1', plan, hash: 'h', profile: 'demo' };
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(header));
  return submit(folder, ['--input', join(folder, input)]);
}

/** @param options - of spark-submit, with a space at their end */
async function submit(folder: string, input: readonly string[], options = ''): Promise<object> {
  if ('skipped' in spark) throw new Error(spark.skipped);
  const args = ['--plan', join(folder, 'plan.json'), ...input];
  const { stdout } = await runScript(
    spark.python,
    [JOB, ...args, '--output', join(folder, 'states')],
    {
      env: sparkEnvironment(2, options),
    },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
}

function entriesOf(folder: string): string[] {
  const lines = readFileSync(join(folder, 'states'), 'utf8').trim().split('\n').slice(1, -1);
  return lines
    .map((line) => {
      const { kind, key, stretch, bytes } = JSON.parse(line);
      return `${kind} ${key} ${stretch} ${bytes}`;
    })
    .sort();
}

function toLines(entries: Iterable<StateEntry>): string[] {
  return Array.from(entries, ({ kind, key, stretch, bytes }) => {
    return `${kind} ${key} ${stretch} ${Buffer.from(bytes).toString('base64')}`;
  }).sort();
}

async function writeParquet(path: string, pairs: readonly Pair[]): Promise<void> {
  const chunks: Uint8Array[] = [];
  const table = new PairTable(async (bytes) => void chunks.push(bytes));
  await table.add(pairs.map((pair, i) => ({ seq: i + 1, json: JSON.stringify(pair) })));
  await table.end();
  writeFileSync(`${path}.new`, Buffer.concat(chunks));
  renameSync(`${path}.new`, path);
}

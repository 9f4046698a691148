/** The examples of examples/consumers, with pairs that Understudy made. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestCandidate } from '../e2e/candidate.ts';
import { Incumbent } from '../e2e/incumbent.ts';
import { Instance } from '../e2e/instance.ts';
import { runLoad } from '../e2e/load.ts';
import { closeWithTest } from '../e2e/server.ts';
import { sharedKafka } from '../services/kafka.ts';
import { kcatMissing, readWithKcat } from '../services/kafka-readers.ts';
import { pythonIn } from '../services/python.ts';
import { runScript } from '../services/run-script.ts';
import { until } from '../support/until.ts';

const COUNT = 60;
const FOLDER = 'examples/consumers';
const NO_PAIRS = ['no json', '{"schema":"understudy.pair/9"}', '[]'];

/** As they stand in docs/kafka.md. */
function documentedLines(...patterns: readonly RegExp[]): string[] {
  const text = readFileSync('docs/kafka.md', 'utf8');
  return patterns.map((pattern) => {
    const [line] = pattern.exec(text) ?? [];
    if (line === undefined) throw new Error(`docs/kafka.md has no line like ${pattern}`);
    return line;
  });
}

async function found(command: string, ...args: string[]): Promise<boolean> {
  return runScript(command, args).then(
    () => true,
    () => false,
  );
}

const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else describe('consumers', () => exampleTests(shared.brokers));

function exampleTests(brokers: readonly string[]): void {
  const [broker = ''] = brokers;
  const id = randomUUID().slice(0, 8);
  const topics = { pairsTopic: `example.${id}`, accountingTopic: `example.${id}.accounting` };
  const folder = mkdtempSync(join(tmpdir(), 'understudy-example-'));
  let pairs: Awaited<ReturnType<Instance['pairs']>> = [];
  let isMade = false;

  /** In a test, since what an instance starts ends with its test. */
  async function makePairs(): Promise<void> {
    if (isMade) return;
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const kafka = { brokers, createTopics: true, partitions: 3, ...topics };
    const instance = await Instance.start({
      incumbent: incumbent.address,
      candidates: [candidate.section()],
      sections: { kafka },
    });
    await runLoad({ port: instance.port, count: COUNT });
    await until(
      'published',
      async () => ((await instance.mirror()).recorder.publisher?.published ?? 0) >= COUNT,
      60_000,
    );
    pairs = instance.pairs();
    expect(await instance.stop()).toBe(0);
    await addJunk(brokers, topics.pairsTopic, JSON.stringify(pairs[0]));
    isMade = true;
  }
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeAll(() => expect(existsSync(FOLDER)).toBe(true));

  test('TypeScript: the mean difference and coverage that the journal has', async () => {
    await makePairs();
    const program = `${FOLDER}/typescript/pairs.ts`;
    const { pairsTopic, accountingTopic } = topics;
    const args = ['--conditions=source', program, broker, pairsTopic, accountingTopic];
    const { stdout } = await runScript(process.execPath, args);
    const [sum, skipped] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(sum).toMatchObject({ candidate: 'cand', pairs: pairs.length, coverage: 1 });
    expect(sum.mean_difference).toBeCloseTo(meanDifference(pairs), 12);
    expect(skipped.skipped).toMatchObject({ duplicate: 1, unknown_schema: 1, malformed: 2 });
  });

  test('kcat and jq: the pairs whose labels differ', async ({ skip }) => {
    if ((await kcatMissing()) !== undefined) skip('kcat is not installed');
    if (!(await found('jq', '--version'))) skip('jq is not installed');
    await makePairs();
    const { stdout } = await runScript(`${FOLDER}/kcat/flips.sh`, [broker, topics.pairsTopic]);
    const ids = stdout.split('\n').flatMap((line) => line.split('\t')[1] ?? []);
    const flipped = pairs.filter(({ divergence }) => divergence.label_flips > 0);
    expect(ids.sort()).toEqual(flipped.map((pair) => pair.id).sort());
  });

  test('Python: a frame and a plot', { timeout: 240_000 }, async ({ skip }) => {
    const environment = await pythonIn(join(folder, 'venv'), `${FOLDER}/python/requirements.txt`);
    if ('skipped' in environment) return skip(environment.skipped);
    await makePairs();
    const [plot, csv] = [join(folder, 'scores.png'), join(folder, 'pairs.csv')];
    const program = `${FOLDER}/python/pairs.py`;
    const args = [program, broker, topics.pairsTopic, '--plot', plot, '--csv', csv];
    const { stdout } = await runScript(environment.python, args);
    expect(stdout).toContain(`${pairs.length} pairs, ${NO_PAIRS.length} messages left out`);
    const rows = readFileSync(csv, 'utf8').trim().split('\n');
    expect(rows).toHaveLength(pairs.length + 1);
    expect(
      rows
        .slice(1)
        .map((row) => row.split(',')[0])
        .sort(),
    ).toEqual(pairs.map((pair) => pair.id).sort());
    expect(readFileSync(plot).subarray(1, 4).toString()).toBe('PNG');
    expect(statSync(plot).size).toBeGreaterThan(5_000);
  });

  test('kcat: the lines of docs/kafka.md find a key and lay a tombstone on its partition', async ({
    skip,
  }) => {
    if ((await kcatMissing()) !== undefined) skip('kcat is not installed');
    await makePairs();
    const key = pairs[7]?.key ?? '';
    const [find, lay] = documentedLines(/kcat -C [^\n]*grep '\^KEY '/, /printf 'KEY[^`]*/).map(
      (line) =>
        line
          .replaceAll('KEY', key)
          .replace('HOST:PORT', broker)
          .replace('understudy.pairs', topics.pairsTopic),
    );
    const places = async (): Promise<string[]> => {
      const { stdout } = await runScript('bash', ['-c', find ?? '']);
      return stdout.trim().split('\n');
    };
    const [before, ...others] = await places();
    expect(others).toEqual([]);
    await runScript('bash', ['-c', lay ?? '']);
    const [, after] = await places();
    const partitionOf = (place = ''): string => place.split(' ')[1] ?? 'none';
    expect(partitionOf(after)).toBe(partitionOf(before));
    const read = await readWithKcat([broker], topics.pairsTopic);
    const values = read.filter((message) => message.key === key).map(({ value }) => value === null);
    expect(values).toEqual([false, true]);
  });
}

function meanDifference(pairs: Awaited<ReturnType<Instance['pairs']>>): number {
  const differences = pairs.map(({ incumbent, candidate }) => {
    const [a, b] = [incumbent.predictions[0]?.score, candidate.predictions[0]?.score];
    return Math.abs((b ?? Number.NaN) - (a ?? Number.NaN));
  });
  return differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
}

/** What others may have written there: no pairs, and a pair once more. */
async function addJunk(brokers: readonly string[], topic: string, pair: string): Promise<void> {
  const producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = [...NO_PAIRS, pair].map((value) => ({ value, partition: 0 }));
  await producer.send({ topic, acks: -1, messages });
  await producer.disconnect();
}

/** `understudy analyse` on a real broker: replay, kills, poison, shared partitions. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readMerged } from '../../src/analysis/merged-states.ts';
import { readVerdicts } from '../../src/analysis/read-verdicts.ts';
import { traffic } from '../analysis/journal-rig.ts';
import { sharedKafka } from '../services/kafka.ts';
import { until } from '../support/until.ts';
import { runCli } from './instance.ts';
import { bytesOf, jsonOf, scene, stateIn, writeTopics } from './pair-topic.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
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
    const topics = await writeTopics(brokers, jsonOf(traffic(0, 6_000)));
    const { folder, args } = scene(brokers, topics);
    await runCli(args('whole'));
    await runCli(args('a', '--partitions', '0'));
    await runCli(args('b', '--partitions', '1-2'));
    const [whole, a, b] = ['whole', 'a', 'b'].map((data) => stateIn(join(folder, data)));
    if (whole === undefined || a === undefined || b === undefined) throw new Error('no state');
    expect([a.seen.size, b.seen.size]).toEqual([2_000, 4_000]);
    a.merge(b);
    expect(bytesOf(a) === bytesOf(whole)).toBe(true);
    const [merged] = readMerged(['a', 'b'].map((data) => join(folder, data)));
    expect(merged !== undefined && bytesOf(merged.analysis) === bytesOf(whole)).toBe(true);
    const of = ['--merge', join(folder, 'a'), join(folder, 'b'), '--format', 'json'];
    const report = await runCli(['report', ...of]);
    expect(JSON.parse(report.stdout).reports[0].verdict, report.stderr).toMatchObject({
      ...{ candidate: 'next', verdict: 'PASS', pairs: 6_000 },
    });
  }, 120_000);
}

/** Without the counts of skipped messages: what was read again after a kill is skipped again. */
function statesOf(content: string): string {
  return content.replace(/"\{\\"duplicate\\":\d+/g, '"');
}

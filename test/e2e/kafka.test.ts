/**
 * Pairs of real traffic on a real broker: two independent consumers read the same, it validates against the
 * published schema, and neither a broker that is down nor one that dies loses or garbles any of it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, onTestFinished, test } from 'vitest';
import { CoverageReader } from '../../src/consumer/coverage.ts';
import type { Account } from '../../src/record/publisher/accounting.ts';
import { sharedKafka, startKafka } from '../services/kafka.ts';
import {
  kcatMissing,
  type ReadMessage,
  readWithKafkajs,
  readWithKcat,
} from '../services/kafka-readers.ts';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { BEHAVIOURS, TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, expectPairsOf, Instance, legsOf, type Sections } from './instance.ts';
import { expectServed, Load, runLoad } from './load.ts';
import { closeWithTest } from './server.ts';

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, validateFormats: false });
const isPair = ajv.compile(JSON.parse(readFileSync('schemas/pair-1.schema.json', 'utf8')));
const isAccount = ajv.compile(JSON.parse(readFileSync('schemas/accounting-1.schema.json', 'utf8')));

function kafkaSection(brokers: readonly string[]) {
  const id = randomUUID().slice(0, 8);
  return {
    brokers,
    pairsTopic: `e2e.pairs.${id}`,
    accountingTopic: `e2e.accounting.${id}`,
    createTopics: true,
    partitions: 3,
    accountingIntervalMs: 1_000,
  };
}

/** An incumbent, one candidate, and an instance that publishes to topics of its own. */
async function setScene(
  brokers: readonly string[],
  options: { kafka?: Sections; sections?: Sections } = {},
) {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  const kafka = { ...kafkaSection(brokers), ...options.kafka };
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section()],
    sections: { kafka, ...options.sections },
  });
  return { incumbent, candidate, kafka, instance };
}

/** All pairs of the journal are acknowledged by the broker. */
async function untilPublished(instance: Instance, timeoutMs = 60_000): Promise<void> {
  await until(
    'all pairs are published',
    async () => {
      const { publisher } = (await instance.mirror()).recorder;
      return publisher?.state === 'connected' && publisher.lag === 0;
    },
    timeoutMs,
  );
}

/** Ids are unique or repeat with the same bytes, keys are the pairs', one key is on one partition. */
function pairsById(messages: readonly ReadMessage[]): Map<string, string> {
  const byId = new Map<string, string>();
  const partitions = new Map<string, number>();
  for (const { key, value, partition } of messages) {
    const json = value ?? '';
    const pair = JSON.parse(json);
    expect(isPair(pair), `${json} ${JSON.stringify(isPair.errors)}`).toBe(true);
    expect(byId.get(pair.id) ?? json).toBe(json);
    byId.set(pair.id, json);
    expect(key).toBe(pair.key);
    expect(partitions.get(pair.key) ?? partition).toBe(partition);
    partitions.set(pair.key, partition);
  }
  return byId;
}

/** Both readers see the journal's pairs, byte for byte. */
async function expectOnTopic(instance: Instance, brokers: readonly string[], topic: string) {
  const journaled = instance.journaled();
  const byKcat = await readWithKcat(brokers, topic);
  const byKafkajs = await readWithKafkajs(brokers, topic);
  expect(byKafkajs).toEqual(byKcat);
  const pairs = pairsById(byKcat);
  expect([...pairs.values()].sort()).toEqual([...journaled].sort());
  return byKcat;
}

/** Sums the latest record of each key, as a consumer would. */
function countsOn(messages: readonly ReadMessage[], kind: Account['kind'], candidate?: string) {
  const latest = new Map<string, Account>();
  for (const { key, value } of messages) {
    const account: Account = JSON.parse(value ?? '');
    expect(isAccount(account), JSON.stringify(isAccount.errors)).toBe(true);
    latest.set(key ?? '', account);
  }
  const counts: Record<string, number> = {};
  for (const account of latest.values()) {
    if (account.kind !== kind) continue;
    if (account.kind === 'legs' && account.candidate !== candidate) continue;
    for (const { state, reason, count } of account.states) {
      // A count of 0 says that the candidate takes part.
      if (count === 0) continue;
      const name = reason === '' ? state : `${state}(${reason})`;
      counts[name] = (counts[name] ?? 0) + count;
    }
  }
  return counts;
}

const shared = await sharedKafka();
const noKcat = await kcatMissing();
const missing = 'skipped' in shared ? shared.skipped : noKcat?.skipped;

if ('skipped' in shared || missing !== undefined) test.skip(missing ?? '', () => {});
else {
  const { brokers } = shared;

  test('kcat and kafkajs read the same pairs, valid, each key on one partition; accounts add up', async () => {
    const incumbent = closeWithTest(await Incumbent.start());
    const good = closeWithTest(await TestCandidate.start());
    const flaky = closeWithTest(await TestCandidate.start());
    flaky.behaviour = (socket, request) => {
      const behaviours = [BEHAVIOURS.answers, BEHAVIOURS.answers500, BEHAVIOURS.resets] as const;
      (behaviours[flaky.copies.length % 3] ?? BEHAVIOURS.answers)(socket, request);
    };
    const kafka = kafkaSection(brokers);
    const instance = await Instance.start({
      incumbent: incumbent.address,
      candidates: [good.section('good'), flaky.section('flaky', { rate: 0.5 })],
      sections: { kafka },
    });
    const load = await runLoad({ port: instance.port, count: 300 });
    expectServed(load, incumbent);
    const waterfall = await expectBooksToBalance(instance.run.path);
    const pairs = expectPairsOf(instance, waterfall);
    expect(legsOf(waterfall, 'good')).toEqual({ paired: load.sent.size });
    const flakyLegs = legsOf(waterfall, 'flaky');
    expect(Object.keys(flakyLegs).sort()).toEqual([
      'candidate_error(reset)',
      'not_selected',
      'paired',
    ]);
    await untilPublished(instance);
    const messages = await expectOnTopic(instance, brokers, kafka.pairsTopic);
    expect(messages.length).toBe(pairs.length);
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(3);
    // Every exchange that both candidates got has two pairs with one key.
    expect(new Set(messages.map(({ key }) => key)).size).toBe(load.sent.size);

    expect(await instance.stop()).toBe(0);
    const accounts = await readWithKcat(brokers, kafka.accountingTopic);
    expect(countsOn(accounts, 'legs', 'good')).toEqual(legsOf(waterfall, 'good'));
    expect(countsOn(accounts, 'legs', 'flaky')).toEqual(flakyLegs);
    const { seen, ...states } = countsOn(accounts, 'exchanges');
    expect(seen).toBe(load.sent.size);
    expect(states).toEqual(exchangesOf(waterfall));
    // A consumer computes the coverage that status shows, without asking us.
    const reader = new CoverageReader();
    for (const { value } of accounts) expect(reader.read(Buffer.from(value ?? ''))).toBe(true);
    expect(reader.coverage()).toEqual(
      waterfall.candidates
        .map(({ name, observed, lost, coverage }) => ({
          candidate: name,
          observed,
          lost,
          coverage,
        }))
        .sort((a, b) => (a.candidate < b.candidate ? -1 : 1)),
    );
  });

  test('a broker that is down at the start, comes, is killed and comes back: no pair is missing', {
    timeout: 180_000,
  }, async () => {
    const broker = await startKafka();
    if ('skipped' in broker) throw new Error(broker.skipped);
    onTestFinished(() => broker.stop());
    await broker.kill();
    const { incumbent, kafka, instance } = await setScene(broker.brokers, {
      kafka: { sendTimeoutMs: 5_000 },
    });
    const load = await Load.start({ port: instance.port, ratePerSecond: 100 });
    await load.answers(100);
    await until('it says so', () => instance.logs().includes('UND_KAFKA_UNREACHABLE'));
    const { stdout: said } = await instance.cli('status');
    expect(said).toMatch(/^Kafka +UND_KAFKA_UNREACHABLE: .*ECONNREFUSED/m);
    await broker.restart();
    await until(
      'pairs are published',
      async () => ((await instance.mirror()).recorder.publisher?.published ?? 0) > 100,
      60_000,
    );
    await broker.kill();
    await load.answers(200);
    await broker.restart();
    await load.answers(50);
    await load.stop();
    expectServed(load, incumbent);
    const waterfall = await expectBooksToBalance(instance.run.path);
    expect(legsOf(waterfall)).toEqual({ paired: load.sent.size });
    await untilPublished(instance);
    await expectOnTopic(instance, broker.brokers, kafka.pairsTopic);
  });

  test('a mirror killed with a backlog: its successor publishes the rest, equal bytes where twice', async () => {
    const { incumbent, kafka, instance } = await setScene(brokers);
    const load = await Load.start({ port: instance.port, ratePerSecond: 250, connections: 16 });
    for (let i = 0; i < 3; i++) {
      await load.answers(100);
      const pid = await instance.signal('mirror', 'SIGKILL');
      await instance.untilReplaced('mirror', pid);
    }
    await load.answers(50);
    await load.stop();
    expectServed(load, incumbent);
    expectPairsOf(instance, await expectBooksToBalance(instance.run.path));
    await untilPublished(instance);
    await expectOnTopic(instance, brokers, kafka.pairsTopic);
  });

  test('a caller’s credentials are nowhere but at the incumbent', async () => {
    const { incumbent, candidate, kafka, instance } = await setScene(brokers, {
      sections: { log: { level: 'debug' } },
    });
    const canary = `canary${randomUUID().replaceAll('-', '')}`;
    const requestOf = () => ({
      headers: [
        `Authorization: Bearer ${canary}`,
        `Proxy-Authorization: Basic ${canary}`,
        `Cookie: session=${canary}; other=1`,
        `X-Api-Key: ${canary}`,
        `x-API-key: second-${canary}`,
      ],
      target: `/v1/score?api_key=${canary}&page=2`,
    });
    const load = await runLoad({ port: instance.port, requestOf });
    // A candidate that fails is not told about with what it was sent.
    candidate.behaviour = BEHAVIOURS.answersGarbage;
    const failed = await runLoad({ port: instance.port, count: 20, requestOf });
    expectServed(load, incumbent);
    expectServed(failed, incumbent);
    for (const bytes of incumbent.received.values()) expect(bytes.includes(canary)).toBe(true);
    await expectBooksToBalance(instance.run.path);
    await untilPublished(instance);
    const copies = candidate.copies.map(({ raw }) => raw.toString('latin1'));
    expect(copies.length).toBe(load.sent.size + failed.sent.size);
    expect(copies.every((copy) => copy.includes('page=2'))).toBe(true);
    expect(copies.filter((copy) => copy.includes(canary))).toEqual([]);
    const { metricsUrl } = await instance.admin();
    const metrics = await (await fetch(metricsUrl)).text();
    expect(metrics).toContain('understudy_');
    const { stdout: status } = await instance.cli('status', '--json');
    const messages = [
      ...(await readWithKcat(brokers, kafka.pairsTopic)),
      ...(await readWithKcat(brokers, kafka.accountingTopic)),
    ];
    expect(messages.length).toBeGreaterThan(copies.length);
    const places = { metrics, status, messages: JSON.stringify(messages), logs: instance.logs() };
    for (const [place, text] of Object.entries(places)) {
      expect(text.includes(canary), place).toBe(false);
    }
    expect(instance.filesWith(canary)).toEqual([]);
    expect(await instance.stop()).toBe(0);
    expect(instance.filesWith(canary)).toEqual([]);
    expect(instance.filesWith('understudy.pair/1')).not.toEqual([]);
  });
}

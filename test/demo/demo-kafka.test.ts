import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { sharedKafka } from '../services/kafka.ts';
import {
  kcatMissing,
  type ReadMessage,
  readWithKafkajs,
  readWithKcat,
} from '../services/kafka-readers.ts';
import { pairsIn, ROWS, startDemo } from './run-demo.ts';

const TOPIC = DEFAULTS.kafka.pairsTopic;
const isValid = new Ajv2020({
  allErrors: true,
  allowUnionTypes: true,
  validateFormats: false,
}).compile(JSON.parse(readFileSync('schemas/pair-1.schema.json', 'utf8')));

/** The values of a demo's own pairs, sorted; the topic may hold those of other tests. */
function ownPairs(messages: readonly ReadMessage[], epoch: string): string[] {
  const own = messages.filter(({ value }) => JSON.parse(value ?? '{}').epoch === epoch);
  for (const { key, value } of own) expect(JSON.parse(value ?? '').key).toBe(key);
  return own.map(({ value }) => value ?? '').sort();
}

const shared = await sharedKafka();
const noKcat = await kcatMissing();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else if (noKcat !== undefined) test.skip(noKcat.skipped, () => {});
else {
  test('--kafka publishes every pair; two independent consumers read the same', {
    timeout: 120_000,
  }, async () => {
    const [broker = ''] = shared.brokers;
    const demo = startDemo(['--once', '--kafka', broker]);
    const { code, text } = await demo.ended();
    expect(code, text).toBe(0);
    expect(text).toContain(`${ROWS} pairs acknowledged by the broker, topic ${TOPIC}`);

    const journaled = pairsIn(demo.folder).sort();
    expect(journaled).toHaveLength(ROWS);
    const { epoch } = JSON.parse(journaled[0] ?? '');
    for (const pair of journaled) expect(isValid(JSON.parse(pair)), pair).toBe(true);
    // At least once: a repeated delivery would have the same bytes.
    const byKcat = ownPairs(await readWithKcat(shared.brokers, TOPIC), epoch);
    expect([...new Set(byKcat)]).toEqual(journaled);
    const byKafkajs = ownPairs(await readWithKafkajs(shared.brokers, TOPIC), epoch);
    expect(byKafkajs).toEqual(byKcat);
  });
}

describe('a broker that is not there', () => {
  test('is said in a sentence, and the rest of the summary is still shown', {
    timeout: 120_000,
  }, async () => {
    const demo = startDemo(['--once', '--kafka', '127.0.0.1:1'], { UNDERSTUDY_DEMO_ROWS: '20' });
    const { code, text } = await demo.ended();
    expect(code, text).toBe(1);
    expect(text).toContain('100.00 %: 20 copies observed, 0 lost');
    expect(text).toMatch(/not settled after \d+ s: 20 pairs not yet acknowledged by Kafka/);
  });
});

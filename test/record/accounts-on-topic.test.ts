/**
 * Coverage from the topic of accounts alone: two gateways, two mirrors' lives in one journal, records in any
 * order, as a consumer that begins late finds them.
 */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { CoverageReader } from '../../src/consumer/coverage.ts';
import { sharedKafka } from '../services/kafka.ts';
import { readWithKafkajs } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { EPOCH, entryOf, ledgerOf, legOf } from './entries.ts';
import { recorderIn, temporaryFolder } from './temporary.ts';

/** Two topics are made before the first pair is sent. */
const PATIENCE_MS = 60_000;
const OTHER = 'd6l1u0r3n9x5y8z2s4g7';
const cell = { route: 'score', hour: 490_000, sizeClass: 'le_1k' } as const;

const shared = await sharedKafka();
if ('skipped' in shared) test.skip(shared.skipped, () => {});
else {
  const { brokers } = shared;

  test('a consumer that knows nothing but the accounts has the journal’s coverage', {
    timeout: 180_000,
  }, async () => {
    const id = randomUUID();
    const kafka = {
      ...DEFAULTS.kafka,
      brokers,
      createTopics: true,
      pairsTopic: `pairs-${id}`,
      accountingTopic: `accounting-${id}`,
      accountingIntervalMs: 200,
    };
    const dataDir = temporaryFolder();

    const first = await recorderIn(dataDir, { kafka });
    for (let seq = 1; seq <= 40; seq += 1) first.recorder.record(entryOf(seq));
    first.recorder.count(legOf(), 'shed', 'in_flight', 3);
    first.recorder.count(legOf(), 'not_selected', '', 5);
    first.recorder.ledger(ledgerOf(48));
    // Accounts go while it lives, too, and a later one replaces an earlier one.
    const published = () => first.recorder.status().publisher?.published ?? 0;
    await until('published', () => published() === 40, PATIENCE_MS);
    first.recorder.record(entryOf(41, { state: 'candidate_timeout' }));
    await until('published', () => published() === 41, PATIENCE_MS);
    await first.recorder.close();

    const second = await recorderIn(dataDir, { kafka });
    second.recorder.count(legOf(), 'lost_in_crash', '', 7);
    const state = 'unclean';
    second.recorder.ledger(
      ledgerOf(56, { state, unreportedMs: 100, receivedAtMs: Date.now() + 1 }),
    );
    for (let seq = 1; seq <= 9; seq += 1) {
      second.recorder.record(entryOf(seq, { leg: legOf(OTHER) }));
    }
    second.recorder.ledger(
      ledgerOf(9, {
        epoch: OTHER,
        instance: 'test/gw1',
        cells: [
          { ...cell, sizeClass: '', state: 'seen', reason: '', count: 11 },
          { ...cell, state: 'offered', reason: '', count: 9 },
          { ...cell, state: 'shed', reason: 'wire_full', count: 2 },
        ],
      }),
    );
    await second.recorder.close();

    const accounts = await readWithKafkajs(brokers, kafka.accountingTopic);
    // 41 + 9 observed; 3 shed and 7 lost in a crash as legs, 2 before they became legs.
    const wanted = [{ candidate: 'new', observed: 50, lost: 12, coverage: 50 / 62 }];
    for (const messages of [accounts, accounts.toReversed()]) {
      const reader = new CoverageReader();
      for (const { value } of messages) expect(reader.read(Buffer.from(value ?? ''))).toBe(true);
      expect(reader.coverage()).toEqual(wanted);
      expect(reader.skipped).toBe(0);
    }
    // What a compacted topic keeps is enough: the last record of each key.
    const kept = new Map(accounts.map(({ key, value }) => [key, value]));
    const late = new CoverageReader();
    for (const value of kept.values()) late.read(Buffer.from(value ?? ''));
    expect(late.coverage()).toEqual(wanted);
    expect(kept.size).toBe(4);
    expect(accounts.length).toBeGreaterThan(kept.size);
    expect(Array.from(kept.keys())).toContain(JSON.stringify(['legs', EPOCH, 'new', 'score']));
  });
}

/**
 * The publisher against three brokers and everything in `faults.ts`, once each; then the final check. The long
 * version draws at random: `npm run chaos -- --minutes 30 --seed 1`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { expect, onTestFailed, test } from 'vitest';
import { kcatMissing } from '../services/kafka-readers.ts';
import { until } from '../support/until.ts';
import { Campaign } from './campaign.ts';
import { Cluster } from './cluster.ts';
import { FAULTS } from './faults.ts';
import { seededRandom } from './random.ts';

const SEED = 20_261_125;
const FAULT_MS = 3_000;
const random = seededRandom(SEED);

const noKcat = await kcatMissing();
const cluster = noKcat ?? (await Cluster.start(random));
if ('skipped' in cluster) test.skip(cluster.skipped, () => {});
else {
  test('what was committed is on the topic, whatever happens on the way', {
    timeout: 600_000,
  }, async () => {
    const campaign = new Campaign({ cluster, ratePerSecond: 100, poisonEvery: 1_000 });
    onTestFailed(() => {
      if (existsSync(campaign.logFile)) console.error(readFileSync(campaign.logFile, 'utf8'));
    });
    try {
      campaign.startWriter();
      const error = () => campaign.status.publisher?.error;
      await until(
        'K-09 no broker at the start is said',
        () => error() === 'UND_KAFKA_UNREACHABLE',
        60_000,
      );
      await cluster.up();
      await until('K-04 no topic is said', () => error() === 'UND_KAFKA_TOPIC_MISSING', 60_000);
      await campaign.makeTopics();
      await until('published', () => (campaign.status.publisher?.published ?? 0) > 0, 60_000);
      for (const fault of FAULTS) await fault.run(campaign, random, FAULT_MS);
      const report = await campaign.drainAndCheck();
      expect(report.faults.slice(0, 20)).toEqual([]);
      expect(report.committed).toBeGreaterThan(5_000);
      // K-06, K-11: each poison pair was set apart, and nothing else was.
      expect(report.dead).toBeGreaterThan(0);
      expect(report.delivered + report.dead).toBe(report.committed);
      console.log(`chaos: ${JSON.stringify({ ...report, faults: report.faults.length })}`);
    } finally {
      await campaign.end();
    }
  });
}

/**
 * Random faults for a long time, then the final check.
 *
 *   npm run chaos -- --minutes 30 --seed 1     the seed is drawn and printed where it is missing
 *
 * The same seed draws the same faults; what they meet depends on the moment. Exit code 1 when a pair was lost,
 * unseen, changed, split, or came from nowhere.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { kcatMissing } from '../services/kafka-readers.ts';
import { Campaign } from './campaign.ts';
import { Cluster } from './cluster.ts';
import { FAULTS } from './faults.ts';
import { between, oneOf, seededRandom } from './random.ts';

const SHOWN_FAULTS = 20;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      rate: { type: 'string', default: '200' },
    },
  });
  const [minutes, seed, rate] = [values.minutes, values.seed, values.rate].map(Number);
  if (!(minutes !== undefined && minutes > 0) || !Number.isInteger(seed) || !(Number(rate) > 0)) {
    console.error('chaos: --minutes above 0, --seed an integer, --rate exchanges a second');
    return 2;
  }
  const random = seededRandom(seed ?? 0);
  const cluster = (await kcatMissing()) ?? (await Cluster.start(random));
  if ('skipped' in cluster) {
    console.error(`chaos: ${cluster.skipped}`);
    return 1;
  }
  const campaign = new Campaign({ cluster, ratePerSecond: Number(rate), poisonEvery: 5_000 });
  let code = 1;
  try {
    code = await run(campaign, random, { minutes, seed: seed ?? 0 });
  } finally {
    const kept = await campaign.end({ keep: code !== 0 });
    if (kept !== '') console.log(`chaos: journal and log of the writer are in ${kept}`);
  }
  return code;
}

async function run(
  campaign: Campaign,
  random: () => number,
  { minutes, seed }: { readonly minutes: number; readonly seed: number },
): Promise<number> {
  const startMs = performance.now();
  const at = (): string => `${((performance.now() - startMs) / 1_000).toFixed(1).padStart(7)} s`;
  console.log(`chaos: ${minutes} minutes, seed ${seed}`);
  await campaign.cluster.up();
  await campaign.makeTopics();
  campaign.startWriter();
  const counts = new Map<string, number>();
  while (performance.now() - startMs < minutes * 60_000) {
    const fault = oneOf(random, FAULTS);
    const forMs = between(random, 500, 12_000);
    const { recorded, publisher } = campaign.status;
    const state = `recorded ${recorded}, ${publisher?.lag ?? 0} behind, ${publisher?.state ?? ''}`;
    console.log(`${at()}  ${fault.name}, ${forMs} ms (${state})`);
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
    await fault.run(campaign, random, forMs);
  }
  console.log(`${at()}  healing, draining`);
  const report = await campaign.drainAndCheck(600_000);
  for (const { kind, id, detail } of report.faults.slice(0, SHOWN_FAULTS)) {
    console.log(`FAULT ${kind} ${id}: ${detail}`);
  }
  for (const [name, count] of Array.from(counts).sort()) {
    console.log(`${String(count).padStart(4)} × ${name}`);
  }
  const of = (kind: string): number => report.faults.filter((fault) => fault.kind === kind).length;
  const sums = ['lost', 'unseen', 'phantom', 'changed', 'split'].map(
    (kind) => `${kind} ${of(kind)}`,
  );
  const { committed, delivered, duplicates, dead } = report;
  console.log(
    `${at()}  committed ${committed}, delivered ${delivered}, dead letters ${dead}, ` +
      `duplicates ${duplicates}, ${sums.join(', ')}, seed ${seed}`,
  );
  return report.faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();

/**
 * Pairs to the topic's end: how far the scores are apart, and which part of the traffic that was (coverage).
 *
 *   node --conditions=source examples/consumers/typescript/pairs.ts BROKER:PORT [PAIRS_TOPIC ACCOUNTING_TOPIC]
 *
 * In a checkout; where the package is installed, leave `--conditions=source` out.
 */
import { CoverageReader, KafkaRecords, PairConsumer } from 'understudy/consumer';

const [broker = '127.0.0.1:9092', topic = 'understudy.pairs', accounts = 'understudy.accounting'] =
  process.argv.slice(2);
// A group of its own for each run: this example always reads all there is, and commits nothing.
const groupId = `example-${process.pid}-${Date.now()}`;

const pairs = new PairConsumer({ brokers: [broker], topic, groupId, until: 'end' });
const sums = new Map<string, { pairs: number; compared: number; difference: number }>();
for await (const { pair } of pairs) {
  const sum = sums.get(pair.candidate.name) ?? { pairs: 0, compared: 0, difference: 0 };
  sums.set(pair.candidate.name, sum);
  sum.pairs += 1;
  const [incumbent] = pair.incumbent.predictions;
  const [candidate] = pair.candidate.predictions;
  if (incumbent?.score === undefined || candidate?.score === undefined) continue;
  sum.compared += 1;
  sum.difference += Math.abs(candidate.score - incumbent.score);
}

const coverage = new CoverageReader();
const records = new KafkaRecords({ brokers: [broker], topic: accounts, groupId, until: 'end' });
for await (const { value } of records.read()) coverage.read(value);
await records.close();

for (const [name, { pairs: count, compared, difference }] of sums) {
  const mean = compared === 0 ? null : difference / compared;
  const covered = coverage.coverage().find(({ candidate }) => candidate === name)?.coverage;
  const line = { candidate: name, pairs: count, mean_difference: mean, coverage: covered ?? null };
  console.log(JSON.stringify(line));
}
console.log(JSON.stringify({ skipped: { ...pairs.counts, pair: undefined } }));

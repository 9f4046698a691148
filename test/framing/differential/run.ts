/**
 * Reads generated streams with the tap and with Node's own strict parser, and counts where they differ:
 *
 *   npm run differential -- --streams 1000000 --seed 1
 *
 * Ends with 1 where a difference is not understood; up to ten of them are printed, as lines for the corpus
 * of counter-examples.
 */
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { Dice, makeStream } from './streams.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
});
const streams = Number(values.streams);
const seed = Number(values.seed);
const MAX_PRINTED = 10;

const counts = new Map<string, number>();
let faults = 0;
const startedMs = performance.now();
for (let n = 0; n < streams; n++) {
  const stream = makeStream(new Dice(Math.imul(seed, 0x9e3779b1) ^ n));
  const verdict = compare(stream);
  counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  if (!verdict.startsWith('FAULT')) continue;
  faults += 1;
  if (faults > MAX_PRINTED) continue;
  const { bytes, answers, cut } = stream;
  print(JSON.stringify({ text: bytes.toString('latin1'), answers, cut, verdict }));
}
const seconds = (performance.now() - startedMs) / 1_000;
print(`${streams} streams, seed ${seed}, ${seconds.toFixed(0)} s`);
for (const [verdict, count] of [...counts].sort((a, b) => b[1] - a[1])) {
  print(`${String(count).padStart(10)}  ${verdict}`);
}
process.exitCode = faults > 0 ? 1 : 0;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

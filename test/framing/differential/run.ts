/**
 * Reads generated streams with the tap and with Node's own strict parser, and counts where they differ:
 *
 *   npm run differential -- --streams 1000000 --seed 1
 *
 * With `--h11 N`, and where Debian's python3-h11 is installed, the first N are read by h11, too.
 *
 * Ends with 1 where a difference is not understood; up to ten of them are printed, as lines for the corpus
 * of counter-examples.
 */
import { parseArgs } from 'node:util';
import { compare, type Stream, type Verdict, wholeOf } from './compare.ts';
import { H11, judgeByH11 } from './h11.ts';
import { Dice, makeStream } from './streams.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    h11: { type: 'string', default: '0' },
  },
});
const streams = Number(values.streams);
const seed = Number(values.seed);
const MAX_PRINTED = 10;

const counts = new Map<Verdict, number>();
let faults = 0;
const startedMs = performance.now();
for (let n = 0; n < streams; n++) {
  const stream = streamOf(n);
  tell(compare(stream), stream);
}
const seconds = (performance.now() - startedMs) / 1_000;
print(`${streams} streams, seed ${seed}, ${seconds.toFixed(0)} s`);
if (Number(values.h11) > 0) await readWithH11(Math.min(streams, Number(values.h11)));
for (const [verdict, count] of [...counts].sort((a, b) => b[1] - a[1])) {
  print(`${String(count).padStart(10)}  ${verdict}`);
}
process.exitCode = faults > 0 ? 1 : 0;

function streamOf(n: number): Stream {
  return makeStream(new Dice(Math.imul(seed, 0x9e3779b1) ^ n));
}

function tell(verdict: Verdict, { bytes, answers, cut }: Stream): void {
  counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  if (!verdict.startsWith('FAULT')) return;
  faults += 1;
  if (faults > MAX_PRINTED) return;
  print(JSON.stringify({ text: bytes.toString('latin1'), answers, cut, verdict }));
}

async function readWithH11(count: number): Promise<void> {
  const h11 = await H11.start();
  if (h11 === null) {
    print('h11 is not installed: left out');
    return;
  }
  for (let n = 0; n < count; n++) {
    const stream = streamOf(n);
    tell(judgeByH11(await h11.read(stream), wholeOf(stream), stream), stream);
  }
  print(`${count} of them by ${h11.version}, too`);
  h11.stop();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

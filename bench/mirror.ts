/**
 * What the mirror process does on one core: pairs a second and CPU a pair by kind of candidate, beside what a user would
 * write first; CPU by part; waits at half its speed; memory at its caps and with a candidate that is far too slow.
 *
 *   npm run bench:mirror                       all but the long run, about seven minutes
 *   npm run bench:mirror -- --slow-minutes 10  the candidate that is ten times too slow, for so long; nothing else
 *   npm run bench:mirror -- --memory           memory alone, a minute
 *   npm run bench:mirror -- --rounds 1 --seconds 2 --no-kafka
 *
 * The mirror process, with the threads of recorder and publisher, has core 1; the bench, which is gateway and candidate
 * in one, core 0, and so have the model process and the broker. Rounds are interleaved; medians are shown.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from '../test/services/kafka.ts';
import {
  httpSpeed,
  onnxSpeed,
  plainSpeed,
  profileParts,
  type Speed,
  type Stage,
} from './mirror/runs.ts';
import { type Load, overload, queueWaits } from './mirror/waits.ts';
import { moveToCore } from './pinned.ts';

/** The traffic of the slow run, and a candidate that can do a tenth of it. */
const SLOW = { perSecond: 2_000, pace: 200 } as const;
const SHORT_SLOW_SECONDS = 20;
const CAPS_SECONDS = 8;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    'slow-minutes': { type: 'string', default: '0' },
    memory: { type: 'boolean', default: false },
    'no-kafka': { type: 'boolean', default: false },
  },
});
const stage: Stage = {
  folder: mkdtempSync(join(tmpdir(), 'und-bench-')),
  ...coresOf(),
  seconds: Number(values.seconds),
};
try {
  if (stage.otherCore !== null) moveToCore(process.pid, stage.otherCore);
  console.log(conditions());
  const slowMinutes = Number(values['slow-minutes']);
  if (slowMinutes > 0) await slowCandidate(slowMinutes * 60);
  else {
    if (!values.memory) await speedAndWaits(Number(values.rounds));
    await memory();
  }
} finally {
  rmSync(stage.folder, { recursive: true, force: true });
}
// Servers of the bench may still be open.
process.exit();

function coresOf(): Pick<Stage, 'mirrorCore' | 'otherCore'> {
  const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0;
  return canPin ? { mirrorCore: 1, otherCore: 0 } : { mirrorCore: null, otherCore: null };
}

function conditions(): string {
  const revision = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout;
  const load = loadavg().map((average) => average.toFixed(2));
  const cores = stage.mirrorCore === null ? 'not pinned' : 'mirror 1, all else 0';
  const date = new Date().toISOString().slice(0, 16);
  return `${date} ${revision.trim()}, Node ${process.version}, cores: ${cores}, load ${load.join(' ')}\n`;
}

async function speedAndWaits(rounds: number): Promise<void> {
  const kafka = values['no-kafka'] ? null : await startKafka();
  if (kafka !== null && 'skipped' in kafka) console.log(kafka.skipped);
  try {
    const fastest = await speeds(rounds, kafka !== null && !('skipped' in kafka) ? kafka : null);
    await parts();
    await waits(Math.floor(fastest / 2));
  } finally {
    if (kafka !== null && !('skipped' in kafka)) await kafka.stop();
  }
}

async function memory(): Promise<void> {
  const caps = { pace: 'hangs', perSecond: 3_000, seconds: CAPS_SECONDS } as const;
  const large = {
    bodyBytes: 16_384,
    candidate: ', breaker: null',
    // Else copies are too old before they are too many; those that wait have ended soon after.
    more: 'mirror: { maxQueueAgeMs: 20000 }\n',
  };
  printLoad(
    'a candidate that hangs, 16 KiB a request, at the caps',
    await overload(stage, { ...caps, ...large }),
  );
  await slowCandidate(SHORT_SLOW_SECONDS);
}

async function speeds(rounds: number, kafka: { brokers: string[] } | null): Promise<number> {
  const topics = (round: number): string =>
    `kafka: { brokers: [${kafka?.brokers.map((broker) => JSON.stringify(broker))}], createTopics: true,` +
    ` pairsTopic: bench-${process.pid}-${round}, accountingTopic: bench-accounting-${process.pid}-${round} }\n`;
  const runs: readonly (readonly [string, (round: number) => Promise<Speed>])[] = [
    ['HTTP candidate, journal', () => httpSpeed(stage, 1)],
    ['undici.request, JSON.parse, file', () => plainSpeed(stage)],
    ['two HTTP candidates (pairs of both)', () => httpSpeed(stage, 2)],
    ['ONNX candidate, journal', () => onnxSpeed(stage)],
    ...(kafka === null
      ? []
      : [
          [
            'HTTP candidate, journal and Kafka',
            (round: number) => httpSpeed(stage, 1, topics(round)),
          ] as const,
        ]),
  ];
  const made = new Map<string, Speed[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of runs) {
      try {
        const speed = await run(round);
        made.set(name, [...(made.get(name) ?? []), speed]);
      } catch (error) {
        console.log(`${name}: left out of round ${round + 1}: ${String(error)}`);
      }
    }
  }
  console.log(`${''.padEnd(38)} pairs/s  (min–max)          CPU µs  main thread µs  RSS MiB`);
  for (const [name, of] of made) printSpeed(name, of);
  return median(
    (made.get('HTTP candidate, journal') ?? []).map(({ pairsPerSecond }) => pairsPerSecond),
  );
}

function printSpeed(name: string, of: readonly Speed[]): void {
  const rates = of.map(({ pairsPerSecond }) => pairsPerSecond);
  const each = (read: (speed: Speed) => number): string => median(of.map(read)).toFixed(1);
  const range = `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`;
  console.log(
    `${name.padEnd(36)} ${whole(median(rates)).padStart(9)}  ${range.padEnd(16)} ${each((speed) => speed.cpuUs).padStart(8)}` +
      ` ${each((speed) => speed.mainUs).padStart(15)} ${each((speed) => speed.rssMib).padStart(8)}`,
  );
  for (const { lost } of of) if (Object.keys(lost).length > 0) console.log('  lost:', lost);
}

async function parts(): Promise<void> {
  const threads = await profileParts(stage);
  for (const [i, times] of threads.entries()) {
    const all = [...times.values()].reduce((sum, us) => sum + us, 0);
    console.log(
      `\nCPU µs a pair, profiled, ${i === 0 ? 'main thread' : 'recorder thread'}: ${all.toFixed(1)}`,
    );
    for (const [part, us] of [...times].sort((a, b) => b[1] - a[1])) {
      console.log(
        `  ${part.padEnd(34)} ${us.toFixed(1).padStart(6)}  ${((us / all) * 100).toFixed(0).padStart(3)} %`,
      );
    }
  }
}

async function waits(perSecond: number): Promise<void> {
  const { pairs, p50Ms, p99Ms, maxMs, busy } = await queueWaits(stage, perSecond);
  console.log(
    `\nwait for dispatch at ${whole(perSecond)} a second: p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms (${whole(pairs)} pairs, ${busy} flagged mirror_busy)`,
  );
}

async function slowCandidate(seconds: number): Promise<void> {
  const slow = { ...SLOW, seconds, bodyBytes: 2_048, candidate: ', timeoutMs: 10000', more: '' };
  const what = `a candidate that does ${SLOW.pace} of ${SLOW.perSecond} a second, for ${seconds} s`;
  printLoad(what, await overload(stage, slow));
}

/** Copies received by the candidate = copies observed by the mirror; all the others have a reason. */
function printLoad(what: string, load: Load): void {
  const { offered, received, answered, rssMib, heldMib, lost } = load;
  const at = (share: number): string =>
    (rssMib[Math.floor((rssMib.length - 1) * share)] ?? Number.NaN).toFixed(0);
  const notPaired = Object.values(lost).reduce((sum, count) => sum + count, 0);
  console.log(`\n${what}`);
  console.log(
    `  offered ${whole(offered)}, received by it ${whole(received)}, answered ${whole(answered)}`,
  );
  console.log(`  paired ${whole(offered - notPaired)}, else: ${JSON.stringify(lost)}`);
  console.log(
    `  RSS at 0, 25, 50, 75, 100 %: ${[0, 0.25, 0.5, 0.75, 1].map(at).join(', ')} MiB, peak ${Math.max(...rssMib).toFixed(0)}; held ${heldMib.toFixed(1)} MiB of exchanges`,
  );
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en-GB');
}

/** The suite `stalls`: how long the gateway's event loop is held up at half its capacity, and by what. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../src/telemetry/clock.ts';
import type { LoadResult } from './load.ts';
import { WARM_UP_SECONDS } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { paceOf } from './pace.ts';
import type { Stage } from './stage.ts';
import { collectionsOf, type StallRecord, stallsOf, type Window } from './stall-record.ts';
import { target } from './targets.ts';

const PROBE = new URL('./stall-probe.ts', import.meta.url);
const SHOWN = 5;

/** @returns text */
export async function measureStalls(
  stage: Stage,
  options: BenchOptions,
  folder: string,
): Promise<string> {
  const names = ['off', 'full'] as const;
  const rate = await paceOf(stage, names, options);
  const blocks: string[] = [];
  for (const name of names) {
    const subject = target(name, rate);
    const records = join(folder, `stalls-${name}`);
    mkdirSync(records);
    const env = { NODE_OPTIONS: `--import ${PROBE.href}`, BENCH_STALLS: records };
    const { port } = await stage.startTarget(subject, env);
    const [connections = 32] = options.connections;
    await stage.load(subject, { port, connections, seconds: WARM_UP_SECONDS });
    const fromMs = monotonicMs();
    const load = await stage.load(subject, { port, connections, seconds: options.seconds });
    const window = { fromMs, toMs: monotonicMs() };
    await stage.endTarget(subject);
    const record = readRecord(records);
    blocks.push(renderStalls(`${subject.title}, ${options.seconds} s`, load, record, window));
  }
  return blocks.join('\n\n');
}

function readRecord(folder: string): StallRecord {
  const [file] = readdirSync(folder);
  if (file === undefined) throw new Error('the gateway wrote no record of its stalls');
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

function renderStalls(
  title: string,
  load: LoadResult,
  record: StallRecord,
  window: Window,
): string {
  const ms = (value: number): string => value.toFixed(1).padStart(8);
  const stalls = stallsOf(record, window);
  const longest = stalls
    .slice(0, SHOWN)
    .map(({ atMs, lateMs, gcMs, waitedMs, workMs, ...rest }) => {
      const kinds = rest.kinds.length === 0 ? '' : ` (${rest.kinds.join(', ')})`;
      const at = `${(atMs / 1_000).toFixed(1)} s`.padStart(8);
      return `${at}${ms(lateMs)}${ms(gcMs)}${ms(waitedMs)}${ms(workMs)}  ${rest.cause}${kinds}`;
    });
  const collections = collectionsOf(record, window).map(
    ({ kind, count, totalMs, maxMs }) =>
      `${kind}: ${count}, together ${totalMs.toFixed(0)} ms, longest ${maxMs.toFixed(1)} ms`,
  );
  return [
    `${title}: p99 ${load.p99Ms.toFixed(2)} ms, longest answer ${load.maxMs.toFixed(1)} ms, ${load.errors} errors`,
    `${stalls.length} stalls of 2 ms or more; the longest:`,
    '      at    late ms   gc ms wait ms work ms  cause',
    ...longest,
    `collections of garbage: ${collections.join('; ') || 'none'}`,
  ].join('\n');
}

/**
 * Understudy beside what one would write first, and beside the proxies that people use, on this machine.
 *
 *   npm run bench                           5 rounds of 6 targets, about 5 minutes
 *   npm run bench -- --suite gateway        beside HAProxy, nginx and Envoy
 *   npm run bench -- --help                 all options
 *
 * Method: load generator, incumbent and candidate on one core, all processes of the proxy on another; each
 * measurement with fresh processes and a warm-up. Numbers of a shared machine move by 20 to 40 % from hour to
 * hour, so targets are measured in turn, round after round, and compared inside a round. A measurement during
 * which the hypervisor or other programs took more than a tenth of the machine is repeated at once while
 * there is time, and left out of the medians if that did not help; a round with so much steal is discarded.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from '../src/telemetry/clock.ts';
import { compare } from './compare.ts';
import { WARM_UP_SECONDS } from './measure.ts';
import { type BenchOptions, DEFAULT_PACE, HELP, parseOptions } from './options.ts';
import { paceOf } from './pace.ts';
import { selfTimes } from './profile.ts';
import { renderComparison } from './render.ts';
import { saveResults } from './results.ts';
import { measureSick } from './sick.ts';
import { renderSick } from './sick-table.ts';
import { Stage, say } from './stage.ts';
import { measureStalls } from './stalls.ts';
import { createSuite, narrowed } from './suites.ts';
import { target } from './targets.ts';

const PROFILE_LINES = 25;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Conditions = readonly (readonly [string, string])[];

/** What a run found: text for people, and what `--json` gives instead. */
interface Findings {
  readonly note: string;
  readonly text: string;
  readonly data: unknown;
}

function report(options: BenchOptions, conditions: Conditions, found: Findings): void {
  const { note, text, data } = found;
  const all: Conditions = note === '' ? conditions : [...conditions, ['rounds', note]];
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ conditions, note, rounds: data }, null, 1)}\n`);
  } else {
    const lines = all.map(([name, value]) => `${`${name}:`.padEnd(23)} ${value}`);
    process.stdout.write(`\n${lines.join('\n')}\n\n${text}\n`);
  }
  if (options.save) saveResults(markOf(options), { conditions: all, tables: text });
}

async function findings(
  stage: Stage,
  options: BenchOptions,
  folder: string,
  isStopping: () => boolean,
): Promise<Findings> {
  const { suite, gateways, connections, only } = options;
  if (suite === 'stalls') {
    return { note: '', text: await measureStalls(stage, options, folder), data: null };
  }
  if (suite === 'sick') {
    const rounds = await measureSick(stage, options, isStopping);
    const note = `${options.rounds} of ${options.seconds} s a case and side, ${options.pacedRate}/s`;
    return { note, text: renderSick(rounds), data: rounds };
  }
  const isTails = suite === 'tails';
  const pacedRate = isTails
    ? await paceOf(stage, ['off', 'full', 'hung'], options)
    : options.pacedRate;
  const compared = narrowed(createSuite(suite, { pacedRate, gateways }), only);
  const found = await compare(stage, compared, options, isStopping);
  return { note: found.note, text: renderComparison(found, connections), data: found.rounds };
}

/** What tells the blocks of RESULTS.md apart. */
function markOf(options: BenchOptions): string {
  const { suite, bodyBytes, close, gateways, connections, only, pacedRate } = options;
  const parts = [suite, `${connections.join(',')} connections`, `${bodyBytes} bytes`];
  if (close) parts.push('a connection a request');
  if (gateways > 1) parts.push(`${gateways} gateways`);
  if (pacedRate !== Number(DEFAULT_PACE[suite])) parts.push(`${pacedRate}/s`);
  if (only.length > 0) parts.push(`only ${only.join(',')}`);
  return parts.join(', ');
}

/** Where gateway and mirror at 100 % spend their time. */
async function profile(stage: Stage, options: BenchOptions, folder: string): Promise<void> {
  const subject = target('full');
  const profiles = join(folder, 'profiles');
  mkdirSync(profiles);
  const [connections = 32] = options.connections;
  const env = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` };
  const { port, processes } = await stage.startTarget(subject, env);
  await stage.load(subject, { port, connections, seconds: WARM_UP_SECONDS });
  // The clock of V8's profiles.
  const fromUs = monotonicMs() * 1_000;
  await stage.load(subject, { port, connections, seconds: options.seconds });
  const window = { fromUs, toUs: monotonicMs() * 1_000 };
  await stage.endTarget(subject);
  for (const name of ['gw0', 'mirror']) {
    const pid = processes.find((child) => child.name === name)?.pid ?? 0;
    // CPU.DATE.TIME.PID.THREAD.COUNT.cpuprofile, thread 0 the main one.
    const file = readdirSync(profiles).find((path) => path.includes(`.${pid}.0.`));
    if (file === undefined) throw new Error(`${name} wrote no profile`);
    const times = selfTimes(readFileSync(join(profiles, file), 'utf8'), { root: ROOT, ...window });
    process.stdout.write(`\n${name}: own time, share of what was not idle\n`);
    for (const { place, share } of times.slice(0, PROFILE_LINES)) {
      process.stdout.write(`${(share * 100).toFixed(1).padStart(6)} %  ${place}\n`);
    }
  }
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('it reads /proc: Linux only');
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(HELP);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'und-bench-'));
  let stage: Stage | null = null;
  let isStopping = false;
  const interrupt = (): void => {
    say('interrupted, ending what was started');
    process.exitCode = 130;
    isStopping = true;
    void stage?.stop(); // its failure shows as that of the run
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    stage = await Stage.start(options, folder);
    if (options.profile) {
      await profile(stage, options, folder);
      return;
    }
    const conditions = stage.conditions();
    const found = await findings(stage, options, folder, () => isStopping);
    if (!isStopping) report(options, conditions, found);
  } finally {
    await stage?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`bench: ${reason}${cause === '' ? '' : ` (${cause})`}\n`);
  process.exitCode = 1;
}

/**
 * Understudy beside what one would write first, on this machine.
 *
 *   npm run bench                 5 rounds of 6 targets, about 5 minutes
 *   npm run bench -- --help       all options
 *
 * Method: load generator, incumbent and candidate on one core, all processes of the proxy on another; each
 * measurement with fresh processes and a warm-up. Numbers of a shared machine move by 20 to 40 % from hour to
 * hour, so targets are measured in turn, round after round, and compared inside a round. A measurement during
 * which the hypervisor or other programs took more than a tenth of the machine is repeated at once while
 * there is time, and left out of the medians if that did not help; a round with so much steal is discarded.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from '../src/telemetry/clock.ts';
import { conditionsOf } from './conditions.ts';
import { createLoadGenerator, type LoadGenerator, runAutocannon } from './load.ts';
import { type Measurement, measure, WARM_UP_SECONDS } from './measure.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { Peers } from './peers.ts';
import { findProgram, moveToCore } from './pinned.ts';
import { machineTicks } from './proc.ts';
import { selfTimes } from './profile.ts';
import { saveResults } from './results.ts';
import { MAX_NOISE, noiseOf, type Round, summarise } from './summary.ts';
import { renderTables } from './table.ts';
import { allTargets, type RunningTarget, type Target } from './targets.ts';

/** Measurements of one target in one round. */
const MAX_ATTEMPTS = 3;
const MAX_STOLEN_ROUNDS = 10;
/** So long is a quiet machine waited for before a measurement, and looked at each time. */
const CALM_WAIT_MS = 10_000;
const CALM_LOOK_MS = 300;
const PROFILE_LINES = 25;
const ROOT = fileURLToPath(new URL('..', import.meta.url));

class Bench {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #peers: Peers;
  readonly #generator: LoadGenerator;
  readonly #loadCore: number | null;
  readonly #proxyCore: number | null;
  readonly #nginx: string | null;
  #running: RunningTarget | null = null;
  #starts = 0;
  isStopping = false;

  private constructor(options: BenchOptions, folder: string, stage: Stage) {
    this.#options = options;
    this.#folder = folder;
    this.#peers = stage.peers;
    this.#generator = stage.generator;
    this.#loadCore = stage.loadCore;
    this.#proxyCore = stage.proxyCore;
    this.#nginx = stage.nginx;
  }

  static async start(options: BenchOptions, folder: string): Promise<Bench> {
    const canPin = findProgram('taskset') !== null && availableParallelism() > 1;
    const [loadCore, proxyCore] = canPin ? [0, 1] : [null, null];
    if (loadCore !== null) moveToCore(process.pid, loadCore);
    const nginx = options.plain ? null : findProgram('nginx');
    const wrk = options.plain ? null : findProgram('wrk');
    const generator = createLoadGenerator({ wrk, core: loadCore, folder });
    const peers = await Peers.start({ nginx, core: loadCore, folder });
    return new Bench(options, folder, { peers, generator, loadCore, proxyCore, nginx });
  }

  /** Rounds as they end; noisy ones are repeated while there is time, and kept where there is none. */
  async compare(): Promise<void> {
    const { rounds, budget, connections, json, save } = this.#options;
    const conditions = this.#conditions();
    const startMs = performance.now();
    const endMs = startMs + budget * 1_000;
    const shareMs = (budget * 1_000) / (rounds * connections.length);
    const wanted = Array.from({ length: rounds }, () => connections).flat();
    const kept: Round[] = [];
    const stolen: Round[] = [];
    let longestMs = 0;
    while (wanted.length > 0 && stolen.length < MAX_STOLEN_ROUNDS) {
      if (this.isStopping || performance.now() + longestMs > endMs) break;
      const [count = 0] = wanted;
      // Repetitions may use what time the rounds still to come leave: each has its share.
      const patientUntilMs = startMs + shareMs * (kept.length + 1);
      const round = await this.#round(count, patientUntilMs);
      longestMs = Math.max(longestMs, round.neededMs);
      const isStolen = stealOf(round) > MAX_NOISE;
      (isStolen ? stolen : kept).push(round);
      if (!isStolen) wanted.shift();
      say(`round of ${count} connections ${isStolen ? 'discarded: steal' : 'kept'}`);
    }
    if (this.isStopping) return;
    const note = `${kept.length} of ${rounds * connections.length} kept, ${stolen.length} discarded (steal)`;
    if (json) {
      process.stdout.write(`${JSON.stringify({ conditions, note, rounds: kept }, null, 1)}\n`);
    }
    const tables = this.#render(kept);
    if (!json)
      process.stdout.write(
        `\n${describe(conditions)}\n${'rounds:'.padEnd(23)} ${note}\n\n${tables}\n`,
      );
    if (save) saveResults({ conditions: [...conditions, ['rounds', note]], tables });
  }

  /** Where the gateway at 100 % spends its time. */
  async profile(): Promise<void> {
    const target = this.#targets().find(({ name }) => name === 'full');
    if (target === undefined) return;
    const profiles = join(this.#folder, 'profiles');
    mkdirSync(profiles);
    const [connections = 32] = this.#options.connections;
    const running = await this.#start(target, profiles);
    const pids = running.processes;
    await this.#load(target, running, connections, WARM_UP_SECONDS);
    // The clock of V8's profiles.
    const fromUs = monotonicMs() * 1_000;
    await this.#load(target, running, connections, this.#options.seconds);
    const window = { fromUs, toUs: monotonicMs() * 1_000 };
    await this.#end();
    for (const name of ['gw0', 'mirror']) {
      const pid = pids.find((child) => child.name === name)?.pid ?? 0;
      // CPU.DATE.TIME.PID.THREAD.COUNT.cpuprofile, thread 0 the main one.
      const file = readdirSync(profiles).find((path) => path.includes(`.${pid}.0.`));
      if (file === undefined) throw new Error(`${name} wrote no profile`);
      const times = selfTimes(readFileSync(join(profiles, file), 'utf8'), {
        root: ROOT,
        ...window,
      });
      process.stdout.write(`\n${name}: own time, share of what was not idle\n`);
      for (const { place, share } of times.slice(0, PROFILE_LINES)) {
        process.stdout.write(`${(share * 100).toFixed(1).padStart(6)} %  ${place}\n`);
      }
    }
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    await this.#end();
    await this.#peers.stop();
  }

  #targets(): readonly Target[] {
    return allTargets(this.#options.pacedRate);
  }

  /** @param patientUntilMs - until then measurements that others disturbed are repeated */
  async #round(connections: number, patientUntilMs: number) {
    const measurements: Record<string, Measurement> = {};
    let neededMs = 0;
    for (const target of this.#targets()) {
      let best: Measurement | null = null;
      for (let attempt = 1; attempt <= MAX_ATTEMPTS && !this.isStopping; attempt += 1) {
        await untilCalm(Math.min(CALM_WAIT_MS, patientUntilMs - performance.now()));
        const startMs = performance.now();
        const found = await this.#measure(target, connections);
        const tookMs = performance.now() - startMs;
        if (best === null) neededMs += tookMs;
        best = best === null || noiseOf(found) < noiseOf(best) ? found : best;
        if (noiseOf(best) <= MAX_NOISE || performance.now() + tookMs > patientUntilMs) break;
      }
      if (best !== null) measurements[target.name] = best;
    }
    return { connections, measurements, neededMs };
  }

  async #measure(target: Target, connections: number): Promise<Measurement> {
    const running = await this.#start(target, '');
    try {
      const measurement = await measure({
        target: running,
        peerPids: this.#peers.pids,
        seconds: this.#options.seconds,
        load: (seconds) => this.#load(target, running, connections, seconds),
      });
      const { requestsPerSecond } = measurement;
      const noise = `others took ${(noiseOf(measurement) * 100).toFixed(1)} %`;
      say(`${target.title}: ${Math.round(requestsPerSecond)} requests a second, ${noise}`);
      return measurement;
    } finally {
      await this.#end();
    }
  }

  #load(target: Target, running: RunningTarget, connections: number, seconds: number) {
    const options = { port: running.port, connections, seconds };
    if (target.rate > 0) return runAutocannon(options, this.#loadCore, target.rate);
    return this.#generator.run(options);
  }

  async #start(target: Target, profileFolder: string): Promise<RunningTarget> {
    this.#starts += 1;
    const folder = join(this.#folder, String(this.#starts));
    mkdirSync(folder, { mode: 0o700 });
    this.#running = await target.start({
      peers: this.#peers,
      proxyCore: this.#proxyCore,
      backstageCore: this.#options.backstageCore ?? this.#proxyCore,
      folder,
      profileFolder,
    });
    return this.#running;
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.stop();
    rmSync(join(this.#folder, String(this.#starts)), { recursive: true, force: true });
  }

  #render(rounds: readonly Round[]): string {
    const tables = this.#options.connections.map((connections) => {
      const own = rounds.filter((round) => round.connections === connections);
      const rows = this.#targets().map(({ name, title }) => ({ title, row: summarise(own, name) }));
      return own.length === 0 ? '' : renderTables(connections, rows);
    });
    return tables.filter((table) => table !== '').join('\n\n\n');
  }

  #conditions() {
    const backstage = this.#options.backstageCore ?? this.#proxyCore;
    const cores =
      this.#loadCore === null
        ? 'not pinned: taskset or a second core is missing'
        : `load generator, incumbent, candidate: ${this.#loadCore}; gateway, http-proxy: ` +
          `${this.#proxyCore}; mirror, admin, supervisor: ${backstage}`;
    return conditionsOf({
      command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
      nginx: this.#nginx,
      loadGenerator: this.#generator.name,
      cores,
      folder: this.#folder,
    });
  }
}

interface Stage {
  readonly peers: Peers;
  readonly generator: LoadGenerator;
  readonly loadCore: number | null;
  readonly proxyCore: number | null;
  readonly nginx: string | null;
}

function stealOf({ measurements }: Round): number {
  return Math.max(...Object.values(measurements).map(({ steal }) => steal));
}

/** Waits while others use the machine: nothing of ours runs now. */
async function untilCalm(patienceMs: number): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const before = machineTicks();
    await sleep(CALM_LOOK_MS);
    const after = machineTicks();
    const used = after.busy + after.steal - before.busy - before.steal;
    if (used / (after.total - before.total) <= MAX_NOISE || performance.now() > endMs) return;
  }
}

function describe(conditions: readonly (readonly [string, string])[]): string {
  return conditions.map(([name, value]) => `${`${name}:`.padEnd(23)} ${value}`).join('\n');
}

/** Progress goes beside the results. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('it reads /proc: Linux only');
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(HELP);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'und-bench-'));
  let bench: Bench | null = null;
  const interrupt = (): void => {
    say('interrupted, ending what was started');
    process.exitCode = 130;
    void bench?.stop(); // its failure shows as that of the run
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    bench = await Bench.start(options, folder);
    await (options.profile ? bench.profile() : bench.compare());
  } finally {
    await bench?.stop();
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

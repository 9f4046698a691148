/** The stage of a bench: peers, load, cores; one target at a time is started on it, loaded and ended. */
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionsOf } from './conditions.ts';
import {
  createLoadGenerator,
  type LoadGenerator,
  type LoadResult,
  runOpenLoop,
  runRamp,
} from './load.ts';
import { type Measurement, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { Peers } from './peers.ts';
import { findProgram, moveToCore } from './pinned.ts';
import { machineTicks } from './proc.ts';
import { MAX_NOISE, noiseOf } from './summary.ts';
import type { RunningTarget, Target } from './targets.ts';

/** So long is a quiet machine waited for before a measurement, and looked at each time. */
const CALM_WAIT_MS = 10_000;
const CALM_LOOK_MS = 300;

/** Programs and cores; a core is `null` where nothing can be pinned. */
interface Means {
  readonly peers: Peers;
  readonly generator: LoadGenerator;
  readonly loadCore: number | null;
  readonly proxyCore: number | null;
  readonly nginx: string | null;
}

export class Stage {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #means: Means;
  #running: RunningTarget | null = null;
  #starts = 0;

  private constructor(options: BenchOptions, folder: string, means: Means) {
    this.#options = options;
    this.#folder = folder;
    this.#means = means;
  }

  static async start(options: BenchOptions, folder: string): Promise<Stage> {
    const canPin = findProgram('taskset') !== null && availableParallelism() > 1;
    const loadCore = canPin ? 0 : null;
    const proxyCore = canPin && options.gateways === 1 ? 1 : null;
    if (loadCore !== null) moveToCore(process.pid, loadCore);
    const nginx = options.plain ? null : findProgram('nginx');
    const wrk = options.plain ? null : findProgram('wrk');
    const { bodyBytes, close } = options;
    const generator = createLoadGenerator({
      wrk,
      core: loadCore,
      folder,
      shape: { bodyBytes, close },
    });
    const peers = await Peers.start({ nginx, core: loadCore, folder });
    return new Stage(options, folder, { peers, generator, loadCore, proxyCore, nginx });
  }

  /** @param calmWaitMs - so long it waits for others to let go of the machine */
  async measure(
    target: Target,
    connections: number,
    calmWaitMs = CALM_WAIT_MS,
  ): Promise<Measurement> {
    await untilCalm(Math.min(CALM_WAIT_MS, calmWaitMs));
    const running = await this.startTarget(target);
    try {
      const measurement = await measure({
        target: running,
        peerPids: this.#means.peers.pids,
        seconds: this.#options.seconds,
        load: (seconds) => this.load(target, { port: running.port, connections, seconds }),
      });
      const { requestsPerSecond } = measurement;
      const noise = `others took ${(noiseOf(measurement) * 100).toFixed(1)} %`;
      say(`${target.title}: ${Math.round(requestsPerSecond)} requests a second, ${noise}`);
      return measurement;
    } finally {
      await this.endTarget();
    }
  }

  load(
    { pace }: Pick<Target, 'pace'>,
    options: { readonly port: number; readonly connections: number; readonly seconds: number },
  ): Promise<LoadResult> {
    const { loadCore, generator } = this.#means;
    const { bodyBytes } = this.#options;
    if (pace === 'full') return generator.run(options);
    if (pace === 'ramp') return runRamp(options, loadCore, bodyBytes);
    return runOpenLoop(options, loadCore, { rate: pace, bodyBytes });
  }

  /** @param profileFolder - processes of the target write a CPU profile there; empty: none */
  async startTarget(target: Target, profileFolder = ''): Promise<RunningTarget> {
    const { backstageCore, gateways } = this.#options;
    const { peers, proxyCore } = this.#means;
    this.#starts += 1;
    const folder = join(this.#folder, String(this.#starts));
    mkdirSync(folder, { mode: 0o700 });
    this.#running = await target.start({
      peers,
      proxyCore,
      backstageCore: backstageCore ?? proxyCore,
      gateways,
      folder,
      profileFolder,
    });
    return this.#running;
  }

  async endTarget(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.stop();
    rmSync(join(this.#folder, String(this.#starts)), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.endTarget();
    await this.#means.peers.stop();
  }

  conditions(): readonly (readonly [string, string])[] {
    const { loadCore, proxyCore, nginx, generator } = this.#means;
    const backstage = this.#options.backstageCore ?? proxyCore;
    const named = (core: number | null): string => (core === null ? 'any' : String(core));
    const cores =
      loadCore === null
        ? 'not pinned: taskset or a second core is missing'
        : `load generator, incumbent, candidate: ${loadCore}; gateway, other proxies: ` +
          `${named(proxyCore)}; mirror, admin, supervisor: ${named(backstage)}`;
    return conditionsOf({
      command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
      nginx,
      loadGenerator: generator.name,
      cores,
      folder: this.#folder,
    });
  }
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

/** Progress goes beside the results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The stage of a bench: peers, load, cores; one target at a time is started on it, loaded and ended. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchCertificate, makeCertificate } from './certificate.ts';
import { conditionsOf } from './conditions.ts';
import {
  createLoadGenerator,
  type LoadGenerator,
  type LoadOptions,
  type LoadResult,
  runOpenLoop,
  runRamp,
} from './load.ts';
import { type Measurement, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { Peers } from './peers.ts';
import { canGoFirst, findProgram, moveToCore } from './pinned.ts';
import { machineTicks, processTicks, TICK_MS } from './proc.ts';
import { MAX_NOISE, noiseOf } from './summary.ts';
import type { RunningTarget, Target } from './targets.ts';

/** So long is a quiet machine waited for before a measurement, and looked at each time. */
const CALM_WAIT_MS = 10_000;
const CALM_LOOK_MS = 300;
/** So long does the kernel track a connection that has ended. */
const FORGET_WAIT_MS = 130_000;

/** Programs and cores; a core is `null` where nothing can be pinned. */
interface Means {
  readonly peers: Peers;
  readonly generator: LoadGenerator;
  readonly loadCore: number | null;
  readonly proxyCore: number | null;
  readonly backstageCore: number | null;
  /** Generators of ours and the incumbent go before everything else on their core. */
  readonly first: boolean;
  readonly certificate: BenchCertificate;
  readonly nginx: string | null;
}

interface Standing {
  readonly running: RunningTarget;
  readonly folder: string;
}

export interface MeasureOptions {
  readonly connections: number;
  /** So long it waits for others to let go of the machine. */
  readonly calmWaitMs?: number;
  /** The target is left standing, for the next measurement of it. */
  readonly keep?: boolean;
}

export class Stage {
  readonly #options: BenchOptions;
  readonly #folder: string;
  readonly #means: Means;
  /** By key. */
  readonly #standing = new Map<string, Standing>();
  #starts = 0;

  private constructor(options: BenchOptions, folder: string, means: Means) {
    this.#options = options;
    this.#folder = folder;
    this.#means = means;
  }

  static async start(options: BenchOptions, folder: string): Promise<Stage> {
    const { bodyBytes, close, suite, gateways } = options;
    checkDescriptors(Math.max(...options.connections));
    const canPin = findProgram('taskset') !== null && availableParallelism() > 1;
    const loadCore = canPin ? 0 : null;
    const proxyCore = canPin && (gateways === 1 || suite === 'scaling') ? 1 : null;
    // Where latency is the question, the mirror has another core than the gateway, and the generator goes first there.
    const isLatency = suite === 'tails' || suite === 'stalls';
    const first = isLatency && canGoFirst();
    if (loadCore !== null) moveToCore(process.pid, loadCore);
    const nginx = options.plain ? null : findProgram('nginx');
    const wrk = options.plain ? null : findProgram('wrk');
    const shape = { bodyBytes, close };
    const generator = createLoadGenerator({ wrk, core: loadCore, folder, shape });
    const peers = await Peers.start({ nginx, core: loadCore, first, folder });
    const backstageCore = options.backstageCore ?? (isLatency ? loadCore : proxyCore);
    const certificate = makeCertificate(folder);
    const cores = { loadCore, proxyCore, backstageCore, first };
    return new Stage(options, folder, { peers, generator, certificate, nginx, ...cores });
  }

  async measure(target: Target, options: MeasureOptions): Promise<Measurement> {
    const { connections, calmWaitMs = CALM_WAIT_MS, keep = false } = options;
    await untilCalm(Math.min(CALM_WAIT_MS, calmWaitMs));
    if (this.#options.close) await untilForgotten();
    const running = this.#standing.get(target.key)?.running ?? (await this.startTarget(target));
    try {
      const measurement = await measure({
        target: running,
        peerPids: [...this.#means.peers.pids, ...this.#pidsBeside(target)],
        seconds: this.#options.seconds,
        load: (seconds) => this.load(target, { port: running.port, connections, seconds }),
      });
      const { requestsPerSecond } = measurement;
      const noise = `others took ${(noiseOf(measurement) * 100).toFixed(1)} %`;
      say(`${target.title}: ${Math.round(requestsPerSecond)} requests a second, ${noise}`);
      return measurement;
    } finally {
      if (!keep) await this.endTarget(target);
    }
  }

  load(
    { pace, secure }: Pick<Target, 'pace' | 'secure'>,
    where: Pick<LoadOptions, 'port' | 'connections' | 'seconds'>,
  ): Promise<LoadResult> {
    const { loadCore, first, generator } = this.#means;
    const { bodyBytes } = this.#options;
    const options = { ...where, secure };
    const place = { core: loadCore, first };
    if (pace === 'full') return generator.run(options);
    if (pace === 'ramp') return runRamp(options, place, bodyBytes);
    return runOpenLoop(options, place, { rate: pace, bodyBytes });
  }

  /** Where load generator and peers run; `null`: anywhere. */
  get loadCore(): number | null {
    return this.#means.loadCore;
  }

  /** Open loop with another rate and size than the options'. */
  paced(
    pace: { readonly rate: number; readonly bodyBytes: number },
    options: Pick<LoadOptions, 'port' | 'connections' | 'seconds'>,
  ): Promise<LoadResult> {
    const { loadCore, first } = this.#means;
    return runOpenLoop({ ...options, secure: false }, { core: loadCore, first }, pace);
  }

  /** Asks the incumbent at a rate. @returns CPU of the load generator, µs a request */
  async generatorCostUs(rate: number): Promise<number> {
    const port = this.#means.peers.incumbentPort;
    const before = processTicks('self').children;
    const direct = { pace: rate, secure: false };
    const { requests } = await this.load(direct, { port, connections: 32, seconds: 2 });
    return ((processTicks('self').children - before) * TICK_MS * 1_000) / requests;
  }

  /** @param env - of all its Node processes */
  async startTarget(target: Target, env: Readonly<Record<string, string>> = {}) {
    const { peers, proxyCore, backstageCore, certificate } = this.#means;
    this.#starts += 1;
    const folder = join(this.#folder, String(this.#starts));
    mkdirSync(folder, { mode: 0o700 });
    const { gateways } = this.#options;
    const context = { peers, proxyCore, backstageCore, gateways, certificate, folder, env };
    const running = await target.start(context);
    this.#standing.set(target.key, { running, folder });
    return running;
  }

  async endTarget({ key }: Pick<Target, 'key'>): Promise<void> {
    const standing = this.#standing.get(key);
    this.#standing.delete(key);
    if (standing === undefined) return;
    await standing.running.stop();
    rmSync(standing.folder, { recursive: true, force: true });
  }

  async endTargets(): Promise<void> {
    for (const key of [...this.#standing.keys()]) await this.endTarget({ key });
  }

  async stop(): Promise<void> {
    await this.endTargets();
    await this.#means.peers.stop();
  }

  conditions(): readonly (readonly [string, string])[] {
    const { loadCore, proxyCore, backstageCore, first, nginx, generator } = this.#means;
    const named = (core: number | null): string => (core === null ? 'any' : String(core));
    const cores =
      loadCore === null
        ? 'not pinned: taskset or a second core is missing'
        : `load generator, incumbent, candidate: ${loadCore}${first ? ' (the first two before all else there)' : ''}; ` +
          `gateway, other proxies: ${named(proxyCore)}; mirror, admin, supervisor: ${named(backstageCore)}`;
    return conditionsOf({
      command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
      nginx,
      loadGenerator: generator.name,
      cores,
      folder: this.#folder,
    });
  }

  /** Targets that wait for their turn. */
  #pidsBeside({ key }: Target): number[] {
    const others = [...this.#standing].filter(([other]) => other !== key);
    return others.flatMap(([, { running }]) => running.processes.map(({ pid }) => pid));
  }
}

/** A proxy has two sockets a caller, a mirror of nginx three. @throws {Error} where that is not allowed */
function checkDescriptors(connections: number): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const allowed = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const needed = 3 * connections + 500;
  if (allowed >= needed) return;
  throw new Error(`${connections} connections need ${needed} descriptors: ulimit -n ${needed}`);
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

/**
 * Waits while the kernel's table of tracked connections is more than half full: it remembers each for two minutes, and
 * drops packets when it is full.
 */
async function untilForgotten(): Promise<void> {
  const read = (name: string): number => {
    try {
      return Number(readFileSync(`/proc/sys/net/netfilter/nf_conntrack_${name}`, 'utf8'));
    } catch {
      return 0; // nothing is tracked here
    }
  };
  const endMs = performance.now() + FORGET_WAIT_MS;
  while (read('count') > read('max') / 2 && performance.now() < endMs) await sleep(CALM_LOOK_MS);
}

/** Progress goes beside the results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * The `sick` suite: callers' latency with a candidate that is sick in one of the ways M-01 to M-15, against the mirror
 * off. Both sides are the same instance, switched by `mirror.off`, in turn within each round, at a fixed rate
 * (open loop). The breaker is off, so that every copy meets the sickness.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RunFolder, runFolder } from '../src/telemetry/run-folder.ts';
import { readStatus } from '../src/telemetry/status-socket.ts';
import type { GatewayStatus } from '../src/wire/gateway-status.ts';
import type { LoadResult } from './load.ts';
import type { BenchOptions } from './options.ts';
import { freePorts } from './peers.ts';
import { PinnedProcess } from './pinned.ts';
import { peakMiB } from './proc.ts';
import { type SickCase, sickCases } from './sick-cases.ts';
import type { SickResult, SickRound } from './sick-table.ts';
import { type Stage, say } from './stage.ts';
import type { RunningTarget, TargetContext } from './targets.ts';
import { startUnderstudy } from './understudy.ts';

const PROGRAM = fileURLToPath(new URL('../test/support/sick-candidate.ts', import.meta.url));
/** Copies under way end before a slice with the mirror off begins, if they take no longer. */
const CALM_MS = 3_000;
const MODEL = 'model-next';

const NOT_MEASURED: Omit<SickResult, 'number' | 'title'> = {
  rounds: [],
  gatewayMiB: 0,
  mirrorMiB: 0,
  coverage: null,
  exchanges: {},
  copies: {},
  unsettled: '',
};

/** An instance with its candidate, on the stage. */
class SickScene {
  readonly #case: SickCase;
  readonly #core: number | null;
  readonly #port: number;
  #run: RunFolder = runFolder('');
  #candidate: PinnedProcess | null = null;
  #folder = '';

  constructor(one: SickCase, core: number | null, port: number) {
    this.#case = one;
    this.#core = core;
    this.#port = port;
  }

  async start(context: TargetContext): Promise<RunningTarget> {
    this.#folder = context.folder;
    this.#run = runFolder(join(context.folder, 'run'));
    const section = this.#case.section({ port: this.#port, folder: this.#folder });
    this.startCandidate();
    const isSecure = this.#case.tls !== undefined;
    const running = await startUnderstudy(context, {
      mirror: true,
      candidate: [...section, 'breaker: null'],
      env: isSecure ? { NODE_EXTRA_CA_CERTS: join(this.#folder, 'ca.pem') } : {},
    });
    return {
      ...running,
      port: running.port,
      processes: running.processes,
      counts: () => running.counts(),
      settle: () => running.settle(),
      stop: async () => {
        await running.stop();
        await this.#candidate?.stop();
      },
    };
  }

  startCandidate(): void {
    const { sickness, tls } = this.#case;
    if (sickness === null) return;
    const files = tls?.(this.#folder);
    const args = [PROGRAM, String(this.#port), sickness];
    this.#candidate = new PinnedProcess({
      command: process.execPath,
      args: files === undefined ? args : [...args, files.certFile, files.keyFile],
      core: this.#core,
      logFile: join(this.#folder, 'candidate.log'),
    });
  }

  async switchMirror(isOn: boolean): Promise<void> {
    if (isOn) rmSync(this.#run.mirrorOff, { force: true });
    else writeFileSync(this.#run.mirrorOff, '');
    for (;;) {
      const status = await readStatus<GatewayStatus>(this.#run.statusSocket('gw0'));
      if ((status.paused === '') === isOn) return;
      await sleep(50);
    }
  }

  /** In the middle of a load: harms what the case harms; a candidate is started again soon after. */
  async harm(loadMs: number): Promise<void> {
    const { harm } = this.#case;
    if (harm === undefined) return;
    await sleep(loadMs / 3);
    if (harm.who === 'candidate') {
      harm.how(this.#candidate?.pid ?? 0);
      await sleep(loadMs / 4);
      this.startCandidate();
    } else {
      const { pid } = await readStatus<{ pid: number }>(this.#run.statusSocket(MODEL));
      harm.how(pid);
    }
  }
}

async function measureCase(
  stage: Stage,
  one: SickCase,
  options: BenchOptions,
): Promise<SickResult> {
  const { seconds, connections, bodyBytes, pacedRate } = options;
  const [port = 0] = await freePorts(1);
  const scene = new SickScene(one, stage.loadCore, port);
  const pace = one.pace ?? { rate: pacedRate, bodyBytes };
  const key = `${one.number} ${one.title}`;
  const running = await stage.startTarget({
    key,
    title: key,
    pace: pace.rate,
    secure: false,
    start: (context) => scene.start(context),
  });
  const load = (loadSeconds: number): Promise<LoadResult> =>
    stage.paced(pace, {
      port: running.port,
      connections: connections[0] ?? 32,
      seconds: loadSeconds,
    });
  try {
    await load(1);
    const before = await running.counts();
    const sides: Record<'off' | 'on', () => Promise<LoadResult>> = {
      on: async () => {
        await scene.switchMirror(true);
        const harmed = scene.harm(seconds * 1_000);
        const result = await load(seconds);
        await harmed;
        return result;
      },
      off: async () => {
        await scene.switchMirror(false);
        await Promise.race([running.settle(), sleep(CALM_MS)]);
        return load(seconds);
      },
    };
    const rounds: SickRound[] = [];
    for (let i = 0; i < options.rounds; i++) {
      const first = i % 2 === 0 ? 'off' : 'on';
      const second = first === 'off' ? 'on' : 'off';
      const a = await sides[first]();
      const b = await sides[second]();
      rounds.push(first === 'off' ? { off: a, on: b } : { off: b, on: a });
    }
    const unsettled = await running.settle();
    const after = await running.counts();
    const observed = (after?.observed ?? 0) - (before?.observed ?? 0);
    const lost = (after?.lost ?? 0) - (before?.lost ?? 0);
    const mib = (name: string): number =>
      peakMiB(running.processes.find((each) => each.name === name)?.pid ?? 0);
    return {
      number: one.number,
      title: one.title,
      rounds,
      gatewayMiB: mib('gw0'),
      mirrorMiB: mib('mirror'),
      coverage: observed + lost > 0 ? observed / (observed + lost) : null,
      exchanges: after?.exchanges ?? {},
      copies: after?.copies ?? {},
      unsettled,
    };
  } finally {
    await stage.endTarget({ key });
  }
}

/** All cases, one after the other; none begins after the budget. */
export async function measureSick(
  stage: Stage,
  options: BenchOptions,
  isStopping: () => boolean,
): Promise<SickResult[]> {
  const endMs = performance.now() + options.budget * 1_000;
  const results: SickResult[] = [];
  for (const one of sickCases()) {
    if (isStopping()) break;
    const { number, title } = one;
    if (performance.now() > endMs) {
      results.push({ number, title, ...NOT_MEASURED });
      continue;
    }
    say(`${number} a candidate that ${title}`);
    results.push(await measureCase(stage, one, options));
  }
  return results;
}

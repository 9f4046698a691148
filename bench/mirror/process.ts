/** A mirror process as the supervisor starts it, on a core of its own, and what can be read of it from outside. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config/load.ts';
import { readVersion } from '../../src/main/version.ts';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import { PinnedProcess } from '../pinned.ts';
import { parseProcessTicks, TICK_MS } from '../proc.ts';

const START_MS = 60_000;
const SETTLE_MS = 60_000;
const POLL_MS = 50;
const STATUS_TRIES = 20;
const PROGRAM = (name: string): string =>
  fileURLToPath(new URL(`../../src/main/${name}.ts`, import.meta.url));

export interface MirrorSetup {
  /** A folder of this start's own. */
  readonly folder: string;
  /** Sections `routes`, `candidates` and what else differs, as YAML. */
  readonly sections: string;
  readonly core: number | null;
  /** Core of model processes. */
  readonly modelCore: number | null;
  /** Names of `onnx` candidates. */
  readonly models: readonly string[];
  /** Where CPU profiles are written; empty: none. */
  readonly profileFolder: string;
}

export class MirrorProcess {
  readonly dataDir: string;
  readonly wireSocket: string;
  readonly #child: PinnedProcess;
  readonly #models: readonly PinnedProcess[];
  readonly #statusSocket: string;

  private constructor(child: PinnedProcess, models: readonly PinnedProcess[], folder: string) {
    const run = runFolder(join(folder, 'run'));
    this.#child = child;
    this.#models = models;
    this.dataDir = join(folder, 'data');
    this.wireSocket = run.wireSocket;
    this.#statusSocket = run.statusSocket('mirror');
  }

  static async start(setup: MirrorSetup): Promise<MirrorProcess> {
    const { folder, core, modelCore, profileFolder } = setup;
    const file = join(folder, 'understudy.yaml');
    mkdirSync(join(folder, 'run'), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${HEAD}${setup.sections}`);
    const config = loadConfig(file, {});
    const start = (program: string, name: string, on: number | null): PinnedProcess =>
      new PinnedProcess({
        command: process.execPath,
        args: [
          ...(profileFolder === '' || program !== 'mirror'
            ? []
            : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
          PROGRAM(program),
        ],
        core: on,
        logFile: join(folder, `${name}.log`),
        input: JSON.stringify({ config, name, version: readVersion() }),
      });
    const models = setup.models.map((name) => start('model', `model-${name}`, modelCore));
    const mirror = new MirrorProcess(start('mirror', 'mirror', core), models, folder);
    try {
      await until(async () => (await mirror.status()).recorder.state === 'recording', START_MS);
      const run = runFolder(join(folder, 'run'));
      for (const name of setup.models) {
        const ready = async (): Promise<boolean> =>
          (await readStatus<{ ready: boolean }>(run.statusSocket(`model-${name}`))).ready;
        await until(ready, START_MS);
      }
    } catch (cause) {
      const words = mirror.#child.lastWords();
      await mirror.stop();
      throw new Error(`the mirror does not start: ${words}`, { cause });
    }
    return mirror;
  }

  /** A mirror at its limit, on a busy machine, may be slow to answer: it is asked again. */
  async status(): Promise<MirrorStatus> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await readStatus<MirrorStatus>(this.#statusSocket);
      } catch (error) {
        if (tries === STATUS_TRIES || this.#child.ended) throw error;
        await sleep(POLL_MS);
      }
    }
  }

  /** CPU so far, ms: of its main thread, and of all. */
  cpuMs(): { readonly main: number; readonly all: number } {
    const { pid } = this.#child;
    let all = 0;
    let main = 0;
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      const { own } = parseProcessTicks(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8'));
      all += own * TICK_MS;
      if (tid === String(pid)) main = own * TICK_MS;
    }
    return { main, all };
  }

  /** Resident memory now, MiB. */
  rssMib(): number {
    const text = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1_024;
  }

  /** Waits until all that was offered is settled and on disk. @returns the books then */
  async settled(offered: number): Promise<MirrorStatus> {
    let last: MirrorStatus | undefined;
    await until(async () => {
      last = await this.status();
      const received = last.epochs.reduce((sum, epoch) => sum + epoch.received, 0);
      const { pendingBytes } = last.recorder;
      return last.legsInFlight === 0 && pendingBytes === 0 && received === offered;
    }, SETTLE_MS);
    if (last === undefined) throw new Error('no status');
    return last;
  }

  async stop(): Promise<void> {
    await this.#child.stop(30_000);
    for (const model of this.#models) await model.stop();
  }
}

const HEAD = `instance: bench
experiment: bench
runDir: run
dataDir: data
listeners: [{ listen: "127.0.0.1:0", incumbent: "http://127.0.0.1:1" }]
admin: { listen: "127.0.0.1:0" }
metrics: { listen: "127.0.0.1:0" }
log: { level: warn }
`;

async function until(isSo: () => Promise<boolean>, ms: number): Promise<void> {
  const end = performance.now() + ms;
  for (;;) {
    if (await isSo().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`not within ${ms} ms`);
    await sleep(POLL_MS);
  }
}

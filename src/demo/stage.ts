/** Starts and ends the processes of a demo: an incumbent, and Understudy in front of it. */
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import { type RunFolder, runFolder } from '../telemetry/run-folder.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import { readBooks } from './books.ts';
import { DemoChild } from './child.ts';
import type { DemoModel } from './dataset.ts';
import { type DemoPorts, writeDemoConfig } from './demo-config.ts';

/** Where a demo keeps everything; made anew by each. */
export interface DemoFolder {
  readonly path: string;
  readonly run: RunFolder;
  readonly dataDir: string;
  readonly config: string;
  readonly understudyLog: string;
  readonly incumbentLog: string;
}

/** Longest name of a socket in the run folder: `supervisor-backstage.sock`, with its slash. */
const SOCKET_NAME_BYTES = 26;

/**
 * The demo's folder below `base`; in the folder for temporary files, by user, where its sockets' paths would
 * be too long for the kernel.
 */
export function demoFolder(base: string): DemoFolder {
  const wanted = join(base, '.understudy', 'demo');
  const tooLong =
    Buffer.byteLength(join(wanted, 'run')) + SOCKET_NAME_BYTES > LIMITS.socketPathBytes;
  const path = tooLong ? join(tmpdir(), `understudy-demo-${process.getuid?.() ?? 0}`) : wanted;
  return {
    path,
    run: runFolder(join(path, 'run')),
    dataDir: join(path, 'data'),
    config: join(path, 'understudy.yaml'),
    understudyLog: join(path, 'understudy.log'),
    incumbentLog: join(path, 'incumbent.log'),
  };
}

/** How the two programs are run by this Node: file and arguments. */
export interface DemoPrograms {
  readonly understudy: readonly string[];
  readonly incumbent: readonly string[];
}

export interface StageOptions {
  readonly folder: DemoFolder;
  readonly programs: DemoPrograms;
  /** config/demo.yaml */
  readonly template: string;
  readonly incumbent: DemoModel;
  /** Name of the onnx candidate in the template. */
  readonly candidate: string;
  readonly kafka: string | null;
  readonly signal: AbortSignal;
}

export const SCORE_PATH = '/v1/score';
const START_TIMEOUT_MS = 30_000;
const STOP_GRACE_MS = 40_000;
const POLL_MS = 50;

export class DemoStage {
  readonly #options: StageOptions;
  readonly #children: DemoChild[] = [];

  constructor(options: StageOptions) {
    this.#options = options;
  }

  /**
   * Makes the folder anew and starts everything; resolves when traffic is served and mirrored.
   *
   * @throws {UnderstudyError} `UND_DEMO_FAILED` in one sentence, with the log that says more
   */
  async start(): Promise<DemoPorts> {
    const { folder, template, kafka } = this.#options;
    await refuseSecondDemo(folder);
    makeAnew(folder);
    const { run, dataDir, config } = folder;
    const ports = await writeDemoConfig({
      template,
      target: config,
      runDir: run.path,
      dataDir,
      kafka,
    });
    await this.#startIncumbent(ports);
    await this.#startUnderstudy();
    return ports;
  }

  /** The first process that has ended though nobody asked it to, in words; empty while all run. */
  get failure(): string {
    const fallen = this.#children.find((child) => child.ended !== '');
    return fallen === undefined ? '' : `${fallen.title} ${fallen.ended}: ${lastWordsOf(fallen)}`;
  }

  /** Ends at once what is ending already: a process takes a second SIGTERM so. */
  hurry(): void {
    for (const child of this.#children) child.terminate();
  }

  /** Ends all, Understudy first. @returns what did not end cleanly, in words */
  async stop(): Promise<string[]> {
    const faults: string[] = [];
    for (const child of this.#children.toReversed()) {
      const hadEnded = child.ended !== '';
      const ended = await child.stop(STOP_GRACE_MS);
      if (!hadEnded && ended !== CLEAN_EXIT) faults.push(`${child.title} ${ended}`);
    }
    return faults;
  }

  async #startIncumbent(ports: DemoPorts): Promise<void> {
    const { folder, programs, incumbent } = this.#options;
    const input = { model: incumbent, port: ports.incumbent, path: SCORE_PATH };
    const child = new DemoChild({
      title: 'the incumbent',
      args: programs.incumbent,
      logFile: folder.incumbentLog,
      input: `${JSON.stringify(input)}\n`,
      keepInput: true,
    });
    this.#children.push(child);
    const url = `http://127.0.0.1:${ports.incumbent}/health/ready`;
    await this.#until(child, folder.incumbentLog, async () => {
      const answer = await fetch(url);
      return answer.ok ? '' : ((await answer.json()) as { detail: string }).detail;
    });
  }

  async #startUnderstudy(): Promise<void> {
    const { folder, programs, candidate } = this.#options;
    const child = new DemoChild({
      title: 'Understudy',
      args: [...programs.understudy, 'serve', '--config', folder.config],
      logFile: folder.understudyLog,
      input: '',
      keepInput: false,
    });
    this.#children.push(child);
    await this.#until(child, folder.understudyLog, async () => {
      const { gateway } = await readBooks(folder.run);
      const model = await readStatus<{ error: string }>(
        folder.run.statusSocket(`model-${candidate}`),
      );
      await readStatus(folder.run.statusSocket('admin'));
      return gateway.wire.connected ? model.error : 'the gateway does not reach the mirror';
    });
  }

  /** @param whatIsMissing - asked again and again until it answers '' */
  async #until(child: DemoChild, log: string, whatIsMissing: () => Promise<string>): Promise<void> {
    const deadline = monotonicMs() + START_TIMEOUT_MS;
    for (;;) {
      const missing = await whatIsMissing().catch(describeError);
      if (missing === '') return;
      if (this.#options.signal.aborted) throw failed('interrupted');
      if (child.ended !== '') {
        throw failed(`${child.title} ${child.ended}: ${lastWordsOf(child)} (all of it: ${log})`);
      }
      if (monotonicMs() > deadline) {
        const seconds = START_TIMEOUT_MS / 1000;
        throw failed(`${child.title} is not ready after ${seconds} s: ${missing} (log: ${log})`);
      }
      await sleep(POLL_MS);
    }
  }
}

const CLEAN_EXIT = 'ended with exit code 0';

function makeAnew(folder: DemoFolder): void {
  try {
    rmSync(folder.path, { recursive: true, force: true });
    mkdirSync(dirname(folder.path), { recursive: true });
    // Not recursive: a folder that is there all the same is somebody else's.
    for (const path of [folder.path, folder.run.path, folder.dataDir]) mkdirSync(path, 0o700);
  } catch (error) {
    throw failed(`the folder ${folder.path} cannot be made: ${describeError(error)}`);
  }
}

/** A demo would take another one's folder away from under it. */
async function refuseSecondDemo(folder: DemoFolder): Promise<void> {
  const socket = folder.run.statusSocket('supervisor-all');
  const running = await readStatus<{ pid?: number }>(socket).catch(() => null);
  if (running === null) return;
  throw failed(
    `a demo is running in ${folder.path} already (its Understudy is process ${running.pid}): ` +
      'end that one, or run this one in another folder',
  );
}

/** Its last log line; of a JSON line, what it says. */
function lastWordsOf(child: DemoChild): string {
  const line = child.lastWords();
  try {
    const { message, reason } = JSON.parse(line);
    return reason === undefined ? String(message) : `${message} (${reason})`;
  } catch {
    return line === '' ? 'it said nothing' : line;
  }
}

/** What is not there yet is no failure: it is asked again. */
function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failed(message: string): UnderstudyError {
  return new UnderstudyError('UND_DEMO_FAILED', message);
}

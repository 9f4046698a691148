/** Starts and ends the processes of a demo: an incumbent, and Understudy in front of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminStatus } from '../admin/admin-status.ts';
import { UnderstudyError } from '../errors.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import { readBooks } from './books.ts';
import { DemoChild } from './child.ts';
import type { DemoModel } from './dataset.ts';
import { type DemoPorts, readDemoPorts, writeDemoConfig } from './demo-config.ts';
import { type DemoFolder, makeAnew, refuseSecondDemo } from './demo-folder.ts';
import { holdPort, isFree } from './held-port.ts';

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

/** An address was free when it was looked at, and is not any more. */
class PortTaken extends Error {}

/** Of the supervisor's status, what the stage reads. */
interface SupervisorView {
  readonly listeners: readonly { readonly port: number }[];
}

/** Descriptor of the incumbent's socket: the first after the standard ones. */
const INCUMBENT_FD = 3;
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
    const { folder, template } = this.#options;
    await refuseSecondDemo(folder);
    makeAnew(folder);
    const wanted = readDemoPorts(template);
    const incumbent = await this.#startIncumbent(wanted.incumbent);
    const pick = (port: number): number => (isFree(port) ? port : 0);
    const ports = {
      gateway: pick(wanted.gateway),
      incumbent,
      admin: pick(wanted.admin),
      metrics: pick(wanted.metrics),
    };
    try {
      return await this.#startUnderstudy(ports);
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
      // Free when it was looked at, and somebody came first: the system picks while it binds.
      return await this.#startUnderstudy({ gateway: 0, incumbent, admin: 0, metrics: 0 });
    }
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

  /** @returns its port */
  async #startIncumbent(preferred: number): Promise<number> {
    const { folder, programs, incumbent } = this.#options;
    const socket = holdPort(preferred);
    const { port } = socket.address();
    const input = { model: incumbent, place: { fd: INCUMBENT_FD }, path: SCORE_PATH };
    const child = new DemoChild({
      title: 'the incumbent',
      args: programs.incumbent,
      logFile: folder.incumbentLog,
      input: `${JSON.stringify(input)}\n`,
      keepInput: true,
      fd: socket.fd(),
    });
    socket.close();
    this.#children.push(child);
    const url = `http://127.0.0.1:${port}/health/ready`;
    await this.#until(child, folder.incumbentLog, async () => {
      const answer = await fetch(url);
      return answer.ok ? '' : ((await answer.json()) as { detail: string }).detail;
    });
    return port;
  }

  /**
   * @returns the ports as bound
   * @throws {PortTaken} somebody has come first; nothing is left running then
   */
  async #startUnderstudy(ports: DemoPorts): Promise<DemoPorts> {
    const { folder, programs, template, kafka } = this.#options;
    const { run, dataDir, config } = folder;
    writeDemoConfig({ template, target: config, runDir: run.path, dataDir, kafka, ports });
    const child = new DemoChild({
      title: 'Understudy',
      args: [...programs.understudy, 'serve', '--config', config],
      logFile: folder.understudyLog,
      input: '',
      keepInput: false,
    });
    this.#children.push(child);
    let bound = ports;
    try {
      await this.#until(child, folder.understudyLog, async () => {
        bound = { ...(await this.#readPorts()), incumbent: ports.incumbent };
        return this.#whatIsMissing();
      });
    } catch (error) {
      const isTaken = error instanceof PortTaken || child.lastWords().includes('UND_LISTEN_FAILED');
      if (!isTaken) throw error;
      await child.stop(STOP_GRACE_MS);
      this.#children.pop();
      throw new PortTaken(child.lastWords(), { cause: error });
    }
    return bound;
  }

  /** @throws {PortTaken} of admin, which would try again for ever */
  async #readPorts(): Promise<Omit<DemoPorts, 'incumbent'>> {
    const { run } = this.#options.folder;
    const { listeners } = await readStatus<SupervisorView>(run.statusSocket('supervisor-all'));
    const { url, metricsUrl, error } = await readStatus<AdminStatus>(run.statusSocket('admin'));
    if (error === 'UND_LISTEN_FAILED') throw new PortTaken('a port of admin');
    if (url === '' || metricsUrl === '') throw new Error(`admin is not there: ${error}`);
    return { gateway: listeners[0]?.port ?? 0, admin: portOf(url), metrics: portOf(metricsUrl) };
  }

  async #whatIsMissing(): Promise<string> {
    const { folder, candidate } = this.#options;
    const { gateway } = await readBooks(folder.run);
    const socket = folder.run.statusSocket(`model-${candidate}`);
    const { error } = await readStatus<{ error: string }>(socket);
    return gateway.wire.connected ? error : 'the gateway does not reach the mirror';
  }

  /** @param whatIsMissing - asked again and again until it answers '' */
  async #until(child: DemoChild, log: string, whatIsMissing: () => Promise<string>): Promise<void> {
    const deadline = monotonicMs() + START_TIMEOUT_MS;
    for (;;) {
      const missing = await whatIsMissing().catch(describeUnlessTaken);
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

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function describeUnlessTaken(error: unknown): string {
  if (error instanceof PortTaken) throw error;
  return describeError(error);
}

/** What is not there yet is no failure: it is asked again. */
function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failed(message: string): UnderstudyError {
  return new UnderstudyError('UND_DEMO_FAILED', message);
}

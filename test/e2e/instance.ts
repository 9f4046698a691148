/**
 * A real `understudy serve`: its own folders, free ports, the pinned Node, its logs kept and shown when a test
 * fails. It ends with its test, and a process that it leaves behind fails the test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFailed, onTestFinished, vi } from 'vitest';
import { stringify } from 'yaml';
import type { AdminStatus } from '../../src/admin/admin-status.ts';
import type { Waterfall } from '../../src/admin/waterfall.ts';
import type { SupervisorStatus } from '../../src/main/supervisor.ts';
import type { LegState } from '../../src/pair/leg-states.ts';
import type { Pair } from '../../src/pair/pair.ts';
import { JournalReader } from '../../src/record/journal/journal-reader.ts';
import type { MirrorStatus } from '../../src/record/mirror-status.ts';
import { type RunFolder, runFolder } from '../../src/telemetry/run-folder.ts';
import { readStatus } from '../../src/telemetry/status-socket.ts';
import type { GatewayStatus } from '../../src/wire/gateway-status.ts';
import { until } from '../support/until.ts';

const CLI = join(import.meta.dirname, '../../src/main/cli.ts');
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 30_000;
const PAIRS_MAX = 100_000;

// Whole instances on a busy machine: slow is no failure here, only wrong is.
vi.setConfig({ testTimeout: 90_000 });

/** Sections of a configuration file, as they are written. */
export type Sections = Readonly<Record<string, unknown>>;

export interface InstanceOptions {
  /** `host:port` */
  readonly incumbent: string;
  readonly candidates: readonly Sections[];
  /** More sections; `gateway`, `mirror`, `kafka` and so on as in a file. */
  readonly sections?: Sections;
  /** Default: `data` in the instance's folder. */
  readonly dataDir?: string;
  /** Default `all`; with `gateway` nothing is mirrored. */
  readonly role?: 'all' | 'gateway';
  /** Listening sockets as a service manager hands them over, with their names. */
  readonly sockets?: { readonly fds: readonly number[]; readonly names: string };
  /** A file that it sees as /etc/hosts, and nobody else; for root alone. */
  readonly hosts?: string;
  /** What goes before the command that starts it: `nsenter …`. */
  readonly before?: readonly string[];
  /** More variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Instance {
  readonly folder: string;
  readonly run: RunFolder;
  readonly dataDir: string;
  readonly configFile: string;
  /** In the environment of all that it starts, so that what is left of it can be found. */
  readonly #mark: string = randomUUID();
  #child: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  readonly #sockets: InstanceOptions['sockets'];
  readonly #hosts: string | undefined;
  readonly #before: readonly string[];
  readonly #env: InstanceOptions['env'];
  readonly #role: 'all' | 'gateway';
  #starts = 0;
  #port = 0;

  private constructor(options: InstanceOptions) {
    this.#sockets = options.sockets;
    this.#hosts = options.hosts;
    this.#before = options.before ?? [];
    this.#env = options.env;
    this.#role = options.role ?? 'all';
    this.folder = mkdtempSync(join(tmpdir(), 'und-'));
    this.dataDir = options.dataDir ?? join(this.folder, 'data');
    this.run = runFolder(join(this.folder, 'run'));
    this.configFile = join(this.folder, 'understudy.yaml');
    writeFileSync(this.configFile, stringify(toFile(this, options)));
  }

  /** Written and not started. It ends with the test. */
  static create(options: InstanceOptions): Instance {
    const instance = new Instance(options);
    let logs = '';
    onTestFailed(() => console.error(logs));
    onTestFinished(async () => {
      const fault = await instance.#finish();
      logs = instance.logs();
      rmSync(instance.folder, { recursive: true, force: true });
      if (fault !== '') throw new Error(`${fault}\n${logs}`);
    });
    return instance;
  }

  /** Started, with all processes up and the wire connected. */
  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = Instance.create(options);
    await instance.start();
    return instance;
  }

  /** Where callers connect. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#starts += 1;
    const log = openSync(join(this.folder, `serve-${this.#starts}.log`), 'w', 0o600);
    const role = ['--role', this.#role];
    const serve = [process.execPath, CLI, 'serve', '--config', this.configFile, ...role];
    const { fds = [], names = '' } = this.#sockets ?? {};
    // As sd_listen_fds(3): the pid that is told is that of the program itself, after exec.
    const activated = ['/bin/sh', '-c', 'export LISTEN_PID=$$; exec "$@"', 'sh', ...serve];
    const command = withHosts(fds.length > 0 ? activated : serve, this.#hosts);
    const [program = '', ...args] = [...this.#before, ...command];
    const child = spawn(program, args, {
      stdio: ['ignore', log, log, ...fds],
      env: {
        ...this.#environment(),
        ...(fds.length > 0 ? { LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: names } : {}),
      },
    });
    closeSync(log);
    this.#child = child;
    this.#ended = once(child, 'exit');
    await until('the instance is up', () => this.#isUp(child), START_TIMEOUT_MS);
  }

  /** Orderly, as an operator does it. @returns its exit code */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return 0;
    this.#child = null;
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(kill);
    return child.exitCode;
  }

  supervisor(): Promise<SupervisorStatus> {
    return this.#statusOf(`supervisor-${this.#role}`);
  }

  gateway(name = 'gw0'): Promise<GatewayStatus> {
    return this.#statusOf(name);
  }

  mirror(): Promise<MirrorStatus> {
    return this.#statusOf('mirror');
  }

  admin(): Promise<AdminStatus> {
    return this.#statusOf('admin');
  }

  /** Backstage yields to all others: on a busy machine an answer takes its time. */
  #statusOf<T extends object>(name: string): Promise<T> {
    const socket = this.run.statusSocket(name);
    return until(`${name} answers`, () => readStatus<T>(socket), ANSWER_TIMEOUT_MS) as Promise<T>;
  }

  /** Legs that have ended in a state, by the mirror's own books. */
  async legsIn(state: LegState): Promise<number> {
    const cells = (await this.mirror()).legs.filter((cell) => cell.state === state);
    return cells.reduce((sum, { count }) => sum + count, 0);
  }

  /** Of `gw0`, `mirror`, `admin`, `model-NAME`; as that process says. */
  async pidOf(name: string): Promise<number> {
    return (await this.#statusOf<{ pid: number }>(name)).pid;
  }

  /** Sends a signal to a process. @returns its pid */
  async signal(name: string, signal: NodeJS.Signals): Promise<number> {
    const pid = await this.pidOf(name);
    process.kill(pid, signal);
    return pid;
  }

  /** Waits until another process answers by that name, and the supervisor calls it running: as long as for a start. */
  async untilReplaced(name: string, pid: number): Promise<void> {
    const isReplaced = async (): Promise<boolean> => {
      const { children } = await this.supervisor();
      const child = children.find((candidate) => candidate.name === name);
      return child?.state === 'running' && child.pid !== pid && (await this.pidOf(name)) !== pid;
    };
    await until(`a successor of ${name}`, isReplaced, START_TIMEOUT_MS);
  }

  /** Stops mirroring as anyone can, with the file, and waits until gateway and mirror know. */
  async switchOffByFile(): Promise<void> {
    writeFileSync(this.run.mirrorOff, '');
    await this.untilPaused('mirror_off');
  }

  async switchOnByFile(): Promise<void> {
    rmSync(this.run.mirrorOff);
    await this.untilPaused('');
  }

  async untilPaused(reason: GatewayStatus['paused']): Promise<void> {
    await until(`paused is "${reason}"`, async () => {
      const statuses = [await this.gateway(), await this.mirror()];
      return statuses.every(({ paused }) => paused === reason);
    });
  }

  /** Runs a command of the command line against this instance. */
  cli(...args: readonly string[]): Promise<Ended> {
    const env = { ...this.#environment(), UNDERSTUDY_RUN: this.run.path };
    return runCli(args, env);
  }

  /** As journaled, byte for byte, in the order of recording. */
  journaled(): string[] {
    const reader = JournalReader.open(this.dataDir);
    try {
      const lines: string[] = [];
      for (let seq = 0; lines.length < PAIRS_MAX; ) {
        const page = reader.pairsAfter(seq, 500);
        const last = page.at(-1);
        if (last === undefined) break;
        lines.push(...page.map(({ json }) => json));
        seq = last.seq;
      }
      return lines;
    } finally {
      reader.close();
    }
  }

  pairs(): Pair[] {
    return this.journaled().map((json): Pair => JSON.parse(json));
  }

  /** All that it has printed. */
  logs(): string {
    const files = readdirSync(this.folder).filter((name) => name.endsWith('.log'));
    return files.map((name) => readFileSync(join(this.folder, name), 'utf8')).join('');
  }

  /** Files of the run, data and log folders whose bytes contain the text. */
  filesWith(text: string): string[] {
    return [this.folder, this.dataDir].flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => readFileSync(path).includes(text)),
    );
  }

  async #isUp(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${this.logs()}`);
    const socket = this.run.statusSocket(`supervisor-${this.#role}`);
    const { children, listeners } = await readStatus<SupervisorStatus>(socket);
    this.#port = listeners[0]?.port ?? 0;
    if (!children.every(({ state }) => state === 'running')) return false;
    if (this.#role === 'gateway') return true;
    const gateways = children.filter(({ name }) => name.startsWith('gw'));
    const states = await Promise.all(gateways.map(({ name }) => this.gateway(name)));
    return states.every(({ wire }) => wire.connected);
  }

  #environment(): NodeJS.ProcessEnv {
    const own = withoutOwnVariables(process.env);
    return { ...own, ...this.#env, UNDERSTUDY_TEST_INSTANCE: this.#mark };
  }

  /** Ends everything by pid. @returns what did not end as it should, in words */
  async #finish(): Promise<string> {
    for (const pid of processesWith(this.#mark)) signalIfAlive(pid, 'SIGCONT');
    const code = await this.stop();
    const leaked = processesWith(this.#mark);
    for (const pid of leaked) signalIfAlive(pid, 'SIGKILL');
    if (leaked.length > 0) return `processes left behind: ${leaked.join(', ')}`;
    return code === 0 ? '' : `serve ended with exit code ${code}`;
  }
}

/** The same command in a mount namespace of its own, with another hosts file; the pid stays the same. */
function withHosts(command: readonly string[], hosts: string | undefined): readonly string[] {
  if (hosts === undefined) return command;
  const mount = 'mount --bind "$1" /etc/hosts && shift && exec "$@"';
  return ['unshare', '--mount', '/bin/sh', '-c', mount, 'sh', hosts, ...command];
}

/** Runs the command line of Understudy to its end. */
export async function runCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = withoutOwnVariables(process.env),
): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  await once(child, 'close');
  clearTimeout(timer);
  return { code: child.exitCode, ...text };
}

/** Legs of a candidate by state and reason: `candidate_error(reset)`. */
export function legsOf(waterfall: Waterfall, candidate = 'cand'): Record<string, number> {
  const found = waterfall.candidates.find(({ name }) => name === candidate);
  return toRecord(found?.states ?? []);
}

/** Exchanges by state and reason. */
export function exchangesOf(waterfall: Waterfall): Record<string, number> {
  return toRecord(waterfall.exchanges.states);
}

function toRecord(states: Waterfall['exchanges']['states']): Record<string, number> {
  return Object.fromEntries(
    states.map(({ state, reason, count }) => [
      reason === '' ? state : `${state}(${reason})`,
      count,
    ]),
  );
}

/** Pairs of a journal say what its books say, and no id is there twice. */
export function expectPairsOf(instance: Instance, waterfall: Waterfall): Pair[] {
  const pairs = instance.pairs();
  expect(new Set(pairs.map(({ id }) => id)).size).toBe(pairs.length);
  const observed = waterfall.candidates.reduce((sum, candidate) => sum + candidate.observed, 0);
  expect(pairs.length).toBe(observed);
  return pairs;
}

function toFile(instance: Instance, options: InstanceOptions): Sections {
  return {
    instance: 'e2e',
    experiment: 'e2e',
    runDir: instance.run.path,
    dataDir: instance.dataDir,
    listeners: [{ name: 'main', listen: '127.0.0.1:0', incumbent: options.incumbent }],
    routes: [{ name: 'score', path: '/v1/score' }],
    candidates: options.candidates,
    admin: { listen: '127.0.0.1:0' },
    metrics: { listen: '127.0.0.1:0' },
    mirror: { maxQueueAgeMs: 60_000 },
    ...options.sections,
  };
}

/** Keys of a configuration in the environment of the test run are not meant for its instances. */
function withoutOwnVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('UNDERSTUDY_')),
  );
}

/** Pids of processes with the mark in their environment. Linux; elsewhere none are found. */
function processesWith(mark: string): number[] {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false; // it has ended, or is another user's
    }
  });
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}

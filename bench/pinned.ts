/** Processes of the bench: pinned to a core, logged to a file, ended by their own id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Where Debian keeps servers, which is on root's PATH alone. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** @param name - of a program, or its absolute path; @returns its absolute path, or null */
export function findProgram(name: string): string | null {
  if (isAbsolute(name)) return name;
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...MORE_FOLDERS];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}

export interface PinnedOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** CPU core; `null`: wherever the system likes. */
  readonly core: number | null;
  /** Goes before everything else on its core: a measuring device must not wait for what it measures. */
  readonly first?: boolean;
  /** Both streams go there. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to its standard input, which ends then; nothing where it is missing. */
  readonly input?: string;
}

export class PinnedProcess {
  readonly #child: ChildProcess;
  readonly #options: PinnedOptions;
  readonly #exited: Promise<unknown>;
  #ended = false;

  constructor(options: PinnedOptions) {
    this.#options = options;
    const log = openSync(options.logFile, 'a', 0o600);
    const [command, args] = pinnedCommand(options);
    // A group of its own: Ctrl-C reaches the bench alone, which ends all in order.
    this.#child = spawn(command, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', log, log],
      detached: true,
      env: options.env ?? process.env,
    });
    closeSync(log);
    this.#child.stdin?.end(options.input);
    const over = (): void => {
      this.#ended = true;
    };
    this.#exited = once(this.#child, 'exit').then(over, over);
  }

  /** taskset becomes the program it starts: this is the program's own. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  lastWords(): string {
    return readFileSync(this.#options.logFile, 'utf8').trimEnd().split('\n').slice(-3).join(' | ');
  }

  /** Asks it to end, and kills it after `graceMs`. @returns whether it ended when asked */
  async stop(graceMs = 5_000): Promise<boolean> {
    if (this.#ended) return true;
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      this.#child.kill('SIGKILL');
    }, graceMs);
    this.#child.kill('SIGTERM');
    await this.#exited;
    clearTimeout(timer);
    return !killed;
  }
}

/** Runs a program to its end and returns its standard output. The bench sleeps meanwhile. */
export async function runPinned(
  options: Omit<PinnedOptions, 'logFile' | 'input'>,
  timeoutMs: number,
): Promise<string> {
  const [command, args] = pinnedCommand(options);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: timeoutMs });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    output += text;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${options.command} ended with ${signal ?? code}: ${output}`);
  return output;
}

function pinnedCommand(options: Pick<PinnedOptions, 'command' | 'args' | 'core' | 'first'>) {
  const { command, args, core, first = false } = options;
  const all = [
    ...(core === null ? [] : ['taskset', '-c', String(core)]),
    ...(first ? FIRST : []),
    ...[command, ...args],
  ];
  return [all[0] ?? command, all.slice(1)] as const;
}

/** SCHED_RR, the lowest of its priorities. With SCHED_FIFO the threads of one Node process wait for each other for ever. */
const FIRST = ['chrt', '-r', '1'];

/** Whether processes may be put before others: that takes root. */
export function canGoFirst(): boolean {
  return spawnSync('chrt', ['-r', '1', 'true'], { stdio: 'ignore' }).status === 0;
}

/** Moves a running process, all its threads, to a core. */
export function moveToCore(pid: number, core: number): void {
  spawnSync('taskset', ['-a', '-cp', String(core), String(pid)], { stdio: 'ignore' });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ChildOptions {
  /** As people call it: `the incumbent`. */
  readonly title: string;
  /** Program and its arguments, run by this Node. */
  readonly args: readonly string[];
  /** Both streams are appended here: logs never go over the screen. */
  readonly logFile: string;
  /** Written to its standard input. */
  readonly input: string;
  /** Whether its standard input stays open until it is stopped (it ends by itself when we die). */
  readonly keepInput: boolean;
  /** A socket that it gets as descriptor 3. */
  readonly fd?: number;
}

/** A process of the demo, in a group of its own: Ctrl-C reaches the demo alone, which ends all in order. */
export class DemoChild {
  readonly title: string;
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #exited: Promise<string>;
  #ended = '';

  constructor(options: ChildOptions) {
    this.title = options.title;
    this.#logFile = options.logFile;
    const log = openSync(options.logFile, 'a', 0o600);
    this.#process = spawn(process.execPath, [...options.args], {
      stdio: ['pipe', log, log, ...(options.fd === undefined ? [] : [options.fd])],
      detached: true,
      env: withoutOwnVariables(process.env),
    });
    closeSync(log);
    this.#exited = once(this.#process, 'exit').then(
      ([code, signal]) => (this.#ended = describeExit(code, signal)),
      (error: unknown) => (this.#ended = `could not be started: ${String(error)}`),
    );
    // A child that ends at once has its standard input closed: its exit says so, this need not.
    this.#process.stdin?.on('error', () => {});
    if (options.keepInput) this.#process.stdin?.write(options.input);
    else this.#process.stdin?.end(options.input);
  }

  /** How it ended, in words; empty while it runs. */
  get ended(): string {
    return this.#ended;
  }

  /** The last line of its log, for a failure that must be told in one sentence. */
  lastWords(): string {
    try {
      const lines = readFileSync(this.#logFile, 'utf8').trimEnd().split('\n');
      return (lines.at(-1) ?? '').slice(0, 500);
    } catch {
      return '';
    }
  }

  /** Asks it to end. */
  terminate(): void {
    this.#process.kill('SIGTERM');
  }

  /** Asks it to end, waits, and ends it by force after `graceMs`. Returns how it ended. */
  async stop(graceMs: number): Promise<string> {
    if (this.#ended !== '') return this.#ended;
    this.terminate();
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs);
    const ended = await this.#exited;
    clearTimeout(timer);
    return ended;
  }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}

/** The demo has a configuration of its own: variables meant for another instance must not change it. */
function withoutOwnVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('UNDERSTUDY_')),
  );
}

/** Processes that another one has succeeded: asked to end, and killed when they take too long. */
import type { ChildProcess } from 'node:child_process';
import type { Log } from '../telemetry/log-lines.ts';
import { LEAVE_SIGNAL } from './process-input.ts';

export class Leaving {
  readonly #name: string;
  readonly #log: Log;
  readonly #processes = new Map<ChildProcess, Promise<void>>();

  /** @param name - of the child that they were */
  constructor(name: string, log: Log) {
    this.#name = name;
    this.#log = log;
  }

  get size(): number {
    return this.#processes.size;
  }

  /** Asks a process to leave, with LEAVE_SIGNAL; kills it after `timeoutMs`. */
  see(process: ChildProcess, timeoutMs: number): void {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(() => {
      this.#log.warn('process did not drain in time', { process: this.#name });
      process.kill('SIGKILL');
    }, timeoutMs);
    process.once('exit', () => {
      clearTimeout(deadline);
      this.#processes.delete(process);
      resolve();
    });
    this.#processes.set(process, promise);
    process.kill(LEAVE_SIGNAL);
  }

  /** Resolves when all have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#processes.values());
  }

  kill(): void {
    for (const process of this.#processes.keys()) process.kill('SIGKILL');
  }
}

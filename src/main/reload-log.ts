/** What became of reloads, for the status socket: a command asks there until its own is done. */
import { ConfigError, UnderstudyError } from '../errors.ts';

export interface ReloadStatus {
  /** Reloads and restarts asked for, and done. */
  readonly requested: number;
  readonly done: number;
  readonly failed: number;
  /** Whether the last one that is done succeeded; true while there was none. */
  readonly lastOk: boolean;
  /** Why the last one changed nothing; empty: it succeeded. */
  readonly lastError: string;
  /** ISO 8601, UTC; empty: never. */
  readonly lastAt: string;
}

export class ReloadLog {
  #requested = 0;
  #done = 0;
  #failed = 0;
  #lastError = '';
  #lastAt = '';

  request(): void {
    this.#requested += 1;
  }

  /** @param error - `null`: it is in force */
  finish(error: unknown): void {
    this.#done += 1;
    if (error !== null) this.#failed += 1;
    this.#lastError = error === null ? '' : describe(error);
    this.#lastAt = new Date().toISOString();
  }

  status(): ReloadStatus {
    return {
      requested: this.#requested,
      done: this.#done,
      failed: this.#failed,
      lastOk: this.#lastError === '',
      lastError: this.#lastError,
      lastAt: this.#lastAt,
    };
  }
}

function describe(error: unknown): string {
  if (error instanceof ConfigError) return `${error.code}\n${error.message}`;
  if (error instanceof UnderstudyError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

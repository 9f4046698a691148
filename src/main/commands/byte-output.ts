/** Where a command writes what may be large: a new file, or standard output. Never ahead of who takes it. */
import { once } from 'node:events';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { UnderstudyError } from '../../errors.ts';

export interface ByteOutput {
  /** Resolves when more may be written. @throws {UnderstudyError} `UND_JOURNAL_TARGET` it cannot be */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Whether nobody takes anything any more. */
  readonly isGone: boolean;
  /** @throws {UnderstudyError} `UND_JOURNAL_TARGET` not all of it could be written */
  end(): void | Promise<void>;
  /** It failed: what was written is taken away, where it is ours. */
  abandon(): void;
}

export class FileOutput implements ByteOutput {
  readonly isGone = false;
  readonly #path: string;
  readonly #fd: number;

  /** @throws {UnderstudyError} `UND_JOURNAL_TARGET`: it is there already, or cannot be made */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, 'wx', 0o600);
    } catch (cause) {
      throw targetError(path, cause);
    }
  }

  async write(bytes: Uint8Array | string): Promise<void> {
    const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    try {
      for (let at = 0; at < data.length; ) at += writeSync(this.#fd, data, at);
    } catch (cause) {
      throw targetError(this.#path, cause);
    }
  }

  end(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }

  abandon(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}

/** Standard output; the reader of a pipe may leave when it has seen enough. */
export class StandardOutput implements ByteOutput {
  #error: Error | null = null;

  constructor() {
    process.stdout.on('error', (error) => {
      this.#error ??= error;
    });
  }

  get isGone(): boolean {
    return this.#error !== null || process.stdout.destroyed;
  }

  async write(bytes: Uint8Array | string): Promise<void> {
    if (!this.isGone && !process.stdout.write(bytes) && !this.isGone) {
      await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(
        () => undefined, // an error of the stream, which has been kept
      );
    }
    this.#check();
  }

  async end(): Promise<void> {
    // When this is through, so is all that was written before it; an error is told after it.
    if (!this.isGone) {
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    }
    await setImmediate();
    this.#check();
  }

  /** @throws {UnderstudyError} `UND_JOURNAL_TARGET`, unless the reader has left */
  #check(): void {
    if (this.#error === null || ('code' in this.#error && this.#error.code === 'EPIPE')) return;
    throw targetError('standard output', this.#error);
  }

  abandon(): void {}
}

/** @param path - of a file that was to be made */
export function targetError(path: string, cause: unknown): UnderstudyError {
  const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = isThere
    ? `${path} is there already, and is not overwritten: name another file, or move it away.`
    : `${path} cannot be written: ${why}.`;
  return new UnderstudyError('UND_JOURNAL_TARGET', message, { cause });
}

/**
 * Files whose content is used until it changes: certificates, keys, CA bundles. They are read again and
 * again, since no notification survives the ways in which they are replaced (Kubernetes swaps a symbolic
 * link two folders up), and compared by their bytes. Asynchronously: a file system that hangs holds up
 * nobody's traffic.
 */
import { open } from 'node:fs/promises';
import { LIMITS } from '../config/defaults.ts';

export interface FileWatchOptions {
  readonly paths: readonly string[];
  /** New content, in the order of the paths. What it throws is a failure: the older content stays in use. */
  changed(contents: readonly Buffer[]): void;
  /** Once for each new fault. */
  failed(reason: string): void;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  /** Read last, accepted or not. */
  #last: readonly Buffer[] | null = null;
  #readFault = '';
  #contentFault = '';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** What is wrong with the files now; empty: nothing. */
  get fault(): string {
    return this.#readFault || this.#contentFault;
  }

  /**
   * Reads them once; resolves when that is done, well or not, or after LIMITS.tlsFileWaitMs: then the reading goes
   * on without anybody who waits. Then looks every LIMITS.tlsFilePollMs.
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#noteReadFault(`not read within ${LIMITS.tlsFileWaitMs} ms`);
        resolve();
      }, LIMITS.tlsFileWaitMs);
      // Cannot reject: a look that fails is a value.
      void this.#look().then(() => {
        clearTimeout(timer);
        if (!this.#stopped) this.#lookAgain();
        resolve();
      });
    });
  }

  #lookAgain(): void {
    this.#timer = setTimeout(() => void this.start(), LIMITS.tlsFilePollMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    let contents: readonly Buffer[];
    try {
      contents = await Promise.all(this.#options.paths.map(readBounded));
    } catch (error) {
      this.#noteReadFault(reasonOf(error));
      return;
    }
    this.#readFault = '';
    if (this.#last?.every((bytes, i) => contents[i]?.equals(bytes)) === true) return;
    this.#last = contents;
    try {
      this.#options.changed(contents);
      this.#contentFault = '';
    } catch (error) {
      this.#contentFault = reasonOf(error);
      this.#options.failed(this.#contentFault);
    }
  }

  #noteReadFault(reason: string): void {
    const isNew = reason !== this.#readFault;
    this.#readFault = reason;
    if (isNew) this.#options.failed(reason);
  }
}

/** @throws {Error} when the file cannot be read, or has more than LIMITS.tlsFileBytes */
async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > LIMITS.tlsFileBytes) {
      throw new Error(`${path} has ${size} bytes, more than ${LIMITS.tlsFileBytes}`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, LIMITS.errorCharacters);
}

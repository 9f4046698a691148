/** A worker thread that is started again, with back-off, when it ends by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { LIMITS } from '../config/defaults.ts';
import { BackOff } from './back-off.ts';

/** A thread that has lived so long starts again without delay. */
const STABLE_MS = 30_000;

export interface WorkerOptions<From> {
  readonly entry: URL;
  /** What a new thread is given. */
  readonly data: () => object;
  readonly onMessage: (message: From) => void;
  /** It ended unasked: what is known of the reason. */
  readonly onDown: (reason: string) => void;
}

export class RestartingWorker<To, From> {
  readonly #options: WorkerOptions<From>;
  readonly #backOff = new BackOff(LIMITS.recorderRetryMinMs, LIMITS.recorderRetryMaxMs);
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | undefined;
  #reason = '';
  #ending: Promise<void> | null = null;

  constructor(options: WorkerOptions<From>) {
    this.#options = options;
    this.#start();
  }

  get isUp(): boolean {
    return this.#worker !== null;
  }

  /** Dropped where the thread is down. */
  post(message: To): void {
    this.#worker?.postMessage(message);
  }

  /**
   * No more restarts. A thread that has been told to stop ends by itself: to tear it down in the middle of
   * native code is a risk for the whole process. One that has not ended within LIMITS.threadEndMs is told
   * to by Node; stuck in a system call, it is left to end when it can.
   *
   * @returns resolves when the thread has ended, or was left; never rejects
   */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = null;
    if (worker === null) return;
    worker.unref();
    const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const limit = new AbortController();
    const late = sleep(LIMITS.threadEndMs, 'late', { signal: limit.signal }).catch(() => 'ended');
    if ((await Promise.race([exit, late])) === 'late') void worker.terminate();
    limit.abort();
  }

  #start(): void {
    const startedAtMs = performance.now();
    const worker = new Worker(this.#options.entry, { workerData: this.#options.data() });
    this.#worker = worker;
    this.#reason = '';
    worker.on('message', (message: From) => {
      if (this.#ending === null) this.#options.onMessage(message);
    });
    worker.on('error', (error) => {
      this.#reason = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', (code) => {
      if (this.#ending !== null) return;
      this.#worker = null;
      if (performance.now() - startedAtMs > STABLE_MS) this.#backOff.reset();
      this.#timer = setTimeout(() => this.#start(), this.#backOff.next());
      this.#options.onDown(this.#reason === '' ? `exit code ${code}` : this.#reason);
    });
  }
}

/** Program of a thread: a sibling room's file, `.ts` from a checkout and `.js` from a build. */
export function threadEntry(name: 'recorder' | 'publisher' | 'analysis'): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`../main/${name}${extension}`, import.meta.url);
}

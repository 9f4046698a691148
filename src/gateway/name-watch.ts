/**
 * Keeps an incumbent's addresses as its name has them: in the background, so that no connection waits for
 * a look-up but those that come before the first one. When a look-up fails, the addresses of the one
 * before stay in use.
 */
import { LIMITS } from '../config/defaults.ts';
import type { NameResolver } from './resolve-name.ts';

export interface NameWatchOptions {
  readonly host: string;
  /** Looked up again at the latest after so long. */
  readonly intervalMs: number;
  readonly resolver: NameResolver;
  addresses(addresses: readonly string[]): void;
  failed(reason: string): void;
}

export class NameWatch {
  readonly #options: NameWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];
  #looking = false;
  #stopped = false;
  #known = false;
  #failures = 0;

  constructor(options: NameWatchOptions) {
    this.#options = options;
  }

  /** Look-ups that failed. */
  get failures(): number {
    return this.#failures;
  }

  start(): void {
    void this.#look(); // cannot reject: a failed look-up is a value, a TTL's too
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Calls back after the look-up under way. @returns `false` where there is none to wait for */
  afterLookup(done: () => void): boolean {
    if (!this.#looking) return false;
    this.#waiting.push(done);
    return true;
  }

  async #look(): Promise<void> {
    const { host, resolver, addresses, failed } = this.#options;
    this.#looking = true;
    let found: readonly string[] | null = null;
    try {
      found = await resolver.addresses(host);
    } catch (error) {
      this.#failures += 1;
      failed(reasonOf(error));
    }
    this.#looking = false;
    if (found !== null) {
      this.#known = true;
      addresses(found);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
    const pauseMs = await this.#pauseMs(found);
    if (!this.#stopped) this.#timer = setTimeout(() => this.start(), pauseMs).unref();
  }

  async #pauseMs(found: readonly string[] | null): Promise<number> {
    const { host, resolver, intervalMs } = this.#options;
    // Without any address callers get 502: then it is asked again soon.
    if (found === null) return this.#known ? intervalMs : Math.min(LIMITS.resolveMinMs, intervalMs);
    const ttlMs = await resolver.ttlMs(host, found);
    return ttlMs === null ? intervalMs : Math.min(Math.max(ttlMs, LIMITS.resolveMinMs), intervalMs);
  }
}

function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : String(error).slice(0, LIMITS.errorCharacters);
}

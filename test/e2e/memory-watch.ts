/** The most memory that processes of an instance have held while somebody looked. Linux; elsewhere 0. */
import { readFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type { Instance } from './instance.ts';

const LOOK_MS = 50;

export class MemoryWatch {
  readonly #pids = new Map<string, number>();
  readonly #mostKiB = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  private constructor(pids: ReadonlyMap<string, number>) {
    this.#pids = new Map(pids);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    onTestFinished(() => this.stop());
  }

  /** @param names - `gw0`, `mirror` */
  static async of(instance: Instance, names: readonly string[]): Promise<MemoryWatch> {
    const pids = await Promise.all(
      names.map(async (name) => [name, await instance.pidOf(name)] as const),
    );
    return new MemoryWatch(new Map(pids));
  }

  /** Resident set of a process at its highest, MiB. */
  mostMiB(name: string): number {
    this.#look();
    return Math.round((this.#mostKiB.get(name) ?? 0) / 1024);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const [name, pid] of this.#pids) {
      const kiB = residentKiB(pid);
      this.#mostKiB.set(name, Math.max(kiB, this.#mostKiB.get(name) ?? 0));
    }
  }
}

function residentKiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}

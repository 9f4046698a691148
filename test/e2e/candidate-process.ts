/** A candidate that is a process of its own, so that it can be killed, and comes back well on the same port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { accepts } from '../support/accepts.ts';
import { freePort } from '../support/free-port.ts';
import type { Sickness } from '../support/sick-candidate.ts';
import { until } from '../support/until.ts';

const PROGRAM = join(import.meta.dirname, '../support/sick-candidate.ts');

export interface Certificates {
  readonly certFile: string;
  readonly keyFile: string;
}

export class CandidateProcess {
  readonly port: number;
  #child: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
    onTestFinished(() => this.kill());
  }

  /** One that does not run. */
  static async create(): Promise<CandidateProcess> {
    return new CandidateProcess(await freePort());
  }

  async start(sickness: Sickness, tls?: Certificates): Promise<void> {
    const args = [
      PROGRAM,
      String(this.port),
      sickness,
      ...(tls ? [tls.certFile, tls.keyFile] : []),
    ];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    await until('the candidate listens', () => accepts(this.port), 30_000);
  }

  /** SIGKILL; resolved when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Gone, and there again in good health. */
  async heal(tls?: Certificates): Promise<void> {
    await this.kill();
    await this.start('answers', tls);
  }
}

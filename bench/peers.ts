/** What stands around the proxies: an incumbent, a fast candidate, and one that hangs, on free ports. */
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { configureNginx } from './nginx.ts';
import { type PinnedOptions, PinnedProcess } from './pinned.ts';
import { ANSWER_BODY, SCORE_PATH } from './request.ts';

const START_TIMEOUT_MS = 10_000;

export interface PeerOptions {
  /** Path of nginx; `null`: a small server on Node. */
  readonly nginx: string | null;
  readonly core: number | null;
  /** The incumbent goes before everything else on its core. */
  readonly first?: boolean;
  readonly folder: string;
}

export class Peers {
  readonly incumbentPort: number;
  readonly candidatePort: number;
  readonly hungPort: number;
  readonly #processes: PinnedProcess[] = [];

  private constructor([incumbentPort = 0, candidatePort = 0, hungPort = 0]: readonly number[]) {
    this.incumbentPort = incumbentPort;
    this.candidatePort = candidatePort;
    this.hungPort = hungPort;
  }

  /** @throws {Error} when one of them does not answer; nothing is left running then */
  static async start(options: PeerOptions): Promise<Peers> {
    const peers = new Peers(await freePorts(3));
    try {
      await peers.#start(options);
    } catch (error) {
      await peers.stop();
      throw error;
    }
    return peers;
  }

  get pids(): number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((child) => child.stop()));
  }

  async #start(options: PeerOptions): Promise<void> {
    const answering = [this.incumbentPort, this.candidatePort];
    for (const port of answering) {
      const first = options.first === true && port === this.incumbentPort;
      if (options.nginx !== null) this.#addNginx(options.nginx, port, { ...options, first });
      else this.#addPlain(port, 'answer', { ...options, first });
    }
    this.#addPlain(this.hungPort, 'hang', { ...options, first: false });
    for (const port of answering) await this.#untilAnswers(port);
  }

  #addNginx(command: string, port: number, options: PeerOptions): void {
    const folder = join(options.folder, `nginx-${port}`);
    mkdirSync(folder);
    this.#add({ ...options, command, args: configureNginx(folder, answeringServer(port)) });
  }

  #addPlain(port: number, mode: 'answer' | 'hang', options: PeerOptions): void {
    const program = fileURLToPath(new URL('./peers/plain-server.ts', import.meta.url));
    this.#add({ ...options, command: process.execPath, args: [program, String(port), mode] });
  }

  #add(options: Omit<PinnedOptions, 'logFile'> & { readonly folder: string }): void {
    const { command, args, core, first = false, folder } = options;
    const logFile = join(folder, 'peers.log');
    this.#processes.push(new PinnedProcess({ command, args, core, first, logFile }));
  }

  async #untilAnswers(port: number): Promise<void> {
    const isDead = (): boolean => this.#processes.some(({ ended }) => ended);
    await untilAnswers(port, isDead).catch((cause) => {
      const words = this.#processes.map((child) => child.lastWords()).join(' | ');
      throw new Error(`no peer answers on port ${port}: ${words}`, { cause });
    });
  }
}

/** Asks until it is answered 200. @throws {Error} after START_TIMEOUT_MS, or when `isDead` */
export async function untilAnswers(
  port: number,
  isDead: () => boolean,
  secure = false,
): Promise<void> {
  const url = `${secure ? 'https' : 'http'}://127.0.0.1:${port}${SCORE_PATH}`;
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const status = await askOnce(url);
    if (status === 200) return;
    if (isDead()) throw new Error('a process has ended');
    if (performance.now() > deadlineMs) throw new Error(`last status: ${status}`);
    await sleep(50);
  }
}

/** On a connection of its own, closed afterwards. @returns 0 where nobody answers */
function askOnce(url: string): Promise<number> {
  return new Promise((resolve) => {
    const isTls = url.startsWith('https:');
    // The certificate is the bench's own.
    const options = { method: 'POST', agent: false, timeout: 1_000, rejectUnauthorized: false };
    const asked = (isTls ? requestTls : request)(url, options, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', () => resolve(0));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(0));
    asked.end('{}');
  });
}

/** Ports of 127.0.0.1 that are free now, each another one. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = servers.map(
    (server) =>
      new Promise<number>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: '127.0.0.1', port: 0 }, () => {
          const address = server.address();
          resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
        });
      }),
  );
  const found = await Promise.all(ports);
  for (const server of servers) server.close();
  return found;
}

/** Lines of nginx' `http` block: a server that answers at once. */
function answeringServer(port: number): string[] {
  const location = `location / { return 200 '${ANSWER_BODY}'; }`;
  return [
    'default_type application/json;',
    `server { listen 127.0.0.1:${port} backlog=4096; ${location} }`,
  ];
}

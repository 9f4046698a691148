/**
 * The files of TLS with somebody who is connected to, an incumbent or a candidate: authorities, certificate, key. Read
 * again when they change; what cannot be used leaves what was in use.
 */
import type { SecureContext } from 'node:tls';
import type { UpstreamTlsConfig } from '../config/types.ts';
import { FileWatch } from './file-watch.ts';
import type { Log } from './log-lines.ts';
import { loadTlsMaterial } from './tls-material.ts';

/** Who it is, as logs name it. */
export type TlsPeer = { readonly incumbent: string } | { readonly candidate: string };

export class PeerTlsFiles {
  readonly #watch: FileWatch;
  /** What the next connection is made with; `null`: the files have never been usable. */
  context: SecureContext | null = null;

  constructor(
    { caFile, certFile, keyFile }: UpstreamTlsConfig,
    peer: TlsPeer,
    log: Pick<Log, 'warn' | 'info'>,
  ) {
    const [kind] = Object.keys(peer);
    this.#watch = new FileWatch({
      paths: [caFile, certFile, keyFile].filter((path) => path !== ''),
      changed: (contents) => {
        const left = [...contents];
        const next = (path: string): Buffer | null => (path === '' ? null : (left.shift() ?? null));
        const pem = { ca: next(caFile), cert: next(certFile), key: next(keyFile) };
        const isReload = this.context !== null;
        this.context = loadTlsMaterial(pem, { minVersion: 'TLSv1.2' }).context;
        if (isReload) log.info(`TLS files of the ${kind} reloaded`, peer);
      },
      failed: (reason) => {
        const kept = this.context !== null;
        log.warn(`TLS files of the ${kind} not usable`, {
          ...{ code: 'UND_TLS_FILE', ...peer, reason, kept },
        });
      },
    });
  }

  /** What is wrong with them now; empty: nothing. */
  get fault(): string {
    return this.#watch.fault;
  }

  /** Resolves when they were read once, well or not; then they are looked at again and again. */
  start(): Promise<void> {
    return this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }
}

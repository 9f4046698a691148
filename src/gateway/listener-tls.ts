/**
 * TLS with callers: one certificate for the listener and perhaps others by name (SNI), re-read from their
 * files. Each set of files that is whole and fits together becomes a new generation; handshakes under way
 * and open connections stay with theirs, so a reload drops nobody.
 */
import { constants, createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import type { ListenerTlsConfig } from '../config/types.ts';
import { FileWatch } from '../telemetry/file-watch.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import { loadTlsMaterial, type TlsMaterial } from '../telemetry/tls-material.ts';
import type { ListenerTlsStatus } from '../wire/gateway-status.ts';
import { type HandshakeFailure, toHandshakeFailure } from './tls-failures.ts';

export interface ListenerTlsOptions {
  /** Name of the listener. */
  readonly listener: string;
  readonly config: ListenerTlsConfig;
  readonly log: Pick<LogLines, 'info' | 'warn'>;
  /**
   * A handshake is complete.
   *
   * @param name - index of the entry of `config.names` that it was for; −1: the listener's own certificate
   */
  entered(socket: TLSSocket, name: number): void;
  /** A handshake that began with `enter` has failed; its socket is gone. */
  failed(): void;
}

/** One certificate with what is known of it. */
interface Identity {
  readonly watch: FileWatch;
  material: TlsMaterial | null;
  reloads: number;
  reloadFailures: number;
}

export class ListenerTls {
  readonly #options: ListenerTlsOptions;
  /** The listener's own first, then one for each entry of `names`. */
  readonly #identities: readonly Identity[];
  readonly #handshakes: Partial<Record<HandshakeFailure | 'ok', number>> = {};
  #server: Server | null = null;
  #started = false;

  constructor(options: ListenerTlsOptions) {
    this.#options = options;
    const { config } = options;
    this.#identities = [config, ...config.names].map((files) => this.#identity(files));
  }

  /** Reads all files once, well or not, and watches them from then on. */
  async start(): Promise<void> {
    await Promise.all(this.#identities.map(({ watch }) => watch.start()));
    this.#started = true;
    this.#renew();
  }

  stop(): void {
    for (const { watch } of this.#identities) watch.stop();
  }

  /** Begins a handshake. Exactly one of `entered` and `failed` follows. */
  enter(raw: Socket): void {
    if (this.#server === null) {
      this.#count('no_certificate');
      raw.resetAndDestroy();
      this.#options.failed();
      return;
    }
    // Documented use: a socket that was accepted elsewhere is injected.
    this.#server.emit('connection', raw);
  }

  status(): ListenerTlsStatus {
    const { listener, config } = this.#options;
    return {
      listener,
      handshakes: { ...this.#handshakes },
      certificates: this.#identities.map(({ watch, material, reloads, reloadFailures }, i) => ({
        name: config.names[i - 1]?.serverNames[0] ?? '',
        notAfterMs: material?.notAfterMs ?? null,
        fault: watch.fault,
        reloads,
        reloadFailures,
      })),
    };
  }

  #identity(files: { readonly certFile: string; readonly keyFile: string }): Identity {
    const { listener, config, log } = this.#options;
    const { certFile, keyFile } = files;
    const { clientCaFile } = config;
    const paths = clientCaFile === '' ? [certFile, keyFile] : [certFile, keyFile, clientCaFile];
    const identity: Identity = {
      watch: new FileWatch({
        paths,
        changed: ([cert = null, key = null, ca = null]) => {
          const pem = { cert, key, ca };
          identity.material = loadTlsMaterial(pem, listenerContextOptions(listener, config));
          if (!this.#started) return;
          identity.reloads += 1;
          this.#renew();
          log.info('certificate reloaded', { listener, certFile });
        },
        failed: (reason) => {
          if (this.#started) identity.reloadFailures += 1;
          const kept = identity.material !== null;
          const details = { code: 'UND_TLS_FILE', listener, certFile, reason, kept };
          log.warn('certificate not usable', details);
        },
      }),
      material: null,
      reloads: 0,
      reloadFailures: 0,
    };
    return identity;
  }

  /** A new generation. Without the listener's own certificate there is none. */
  #renew(): void {
    const { config, entered, failed } = this.#options;
    const [own, ...named] = this.#identities.map(({ material }) => material);
    if (!own) return;
    const server = createServer({
      ...own.options,
      SNICallback: (name, answer) => {
        answer(null, (named[nameIndex(config, name)] ?? own).context);
      },
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: config.handshakeTimeoutMs,
      requestCert: config.clientCertificates !== 'off',
      rejectUnauthorized: config.clientCertificates === 'required',
    });
    server.on('secureConnection', (socket) => {
      if (config.clientCertificates === 'optional' && isUnverified(socket)) {
        this.#count('client_certificate');
        socket.destroy();
        failed();
        return;
      }
      this.#count('ok');
      entered(socket, nameIndex(config, socket.servername || ''));
    });
    server.on('tlsClientError', (error, socket) => {
      this.#count(socket.authorizationError ? 'client_certificate' : toHandshakeFailure(error));
      socket.destroy();
      failed();
    });
    this.#server = server;
  }

  #count(outcome: HandshakeFailure | 'ok'): void {
    this.#handshakes[outcome] = (this.#handshakes[outcome] ?? 0) + 1;
  }
}

/** What a listener's TLS is made of, but for the files. */
export function listenerContextOptions(
  listener: string,
  config: Pick<ListenerTlsConfig, 'minVersion'>,
): SecureContextOptions {
  return {
    minVersion: config.minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // A session of one listener is none of another's, whose callers may need other certificates.
    sessionIdContext: createHash('sha256').update(listener).digest('hex').slice(0, 32),
  };
}

/** @returns the entry of `names` whose server names have this one; -1: none. `*.` stands for one label */
function nameIndex({ names }: Pick<ListenerTlsConfig, 'names'>, servername: string): number {
  if (servername === '') return -1;
  const name = servername.toLowerCase();
  const wildcard = name.replace(/^[^.]*/, '*');
  const exact = names.findIndex(({ serverNames }) => serverNames.includes(name));
  return exact >= 0 ? exact : names.findIndex(({ serverNames }) => serverNames.includes(wildcard));
}

/** A certificate was shown that the CA file does not vouch for. */
function isUnverified(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

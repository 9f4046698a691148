/**
 * TLS with an incumbent, over a Duplex on the TCP socket, so that an end of the incumbent's own
 * (close_notify) and a connection that was cut can be told apart: the first is an end, the second an error.
 *
 * A connection is open when its handshake is complete and its certificate accepted. Nothing of the caller
 * is written before.
 */
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Endpoint, UpstreamTlsConfig } from '../config/types.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import { PeerTlsFiles } from '../telemetry/peer-tls-files.ts';
import type { ByteConnection, OnBytes } from './byte-connection.ts';
import { RawDuplex } from './raw-duplex.ts';
import { connectSocket } from './shared-read.ts';
import { toTlsUnreachable, UncleanEnd, type Unreachable } from './upstream-error.ts';

export interface UpstreamTlsOptions {
  readonly config: UpstreamTlsConfig;
  /** As configured: the name that the certificate must have where the configuration gives no other. */
  readonly host: string;
  /** For logs. */
  readonly incumbent: string;
  readonly log: Pick<LogLines, 'info' | 'warn'>;
}

/** What becomes of one attempt to connect: one of the two, once. */
export interface Attempt {
  opened(): void;
  failed(cause: Unreachable): void;
}

export class UpstreamTls {
  readonly #options: UpstreamTlsOptions;
  readonly #files: PeerTlsFiles;

  constructor(options: UpstreamTlsOptions) {
    this.#options = options;
    const { config, incumbent, log } = options;
    this.#files = new PeerTlsFiles(config, { incumbent }, log);
  }

  /** What is wrong with its files now; empty: nothing. */
  get fault(): string {
    return this.#files.fault;
  }

  start(): Promise<void> {
    return this.#files.start();
  }

  stop(): void {
    this.#files.stop();
  }

  /**
   * @param head - written in plain, before the handshake
   * @returns `null` where the files have never been usable: there is no attempt
   */
  connect(
    endpoint: Endpoint,
    head: Buffer | null,
    onBytes: OnBytes,
    attempt: Attempt,
  ): ByteConnection | null {
    const { config, host } = this.#options;
    const secureContext = this.#files.context;
    if (secureContext === null) return null;
    const below = new RawDuplex((take) => connectSocket(endpoint, take));
    if (head !== null) below.raw.write(head);
    const name = config.serverName || host;
    const socket = connect({
      socket: below,
      secureContext,
      host: name,
      // RFC 6066, 3: no addresses as server names.
      servername: isIP(name) === 0 ? name : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: config.verify,
    });
    guard(socket, below, attempt);
    socket.on('data', (bytes: Buffer) => {
      if (!onBytes(bytes)) socket.pause();
    });
    return new TlsConnection(socket, below);
  }
}

/**
 * TLS encrypts a write and hands it to the kernel at once where nothing waits before it, but says so only
 * some turns of the event loop later, when the answer may be there already. When a request was written is
 * told by the socket below.
 */
class TlsConnection implements ByteConnection {
  readonly #socket: TLSSocket;
  readonly #below: RawDuplex;
  /** Nothing waited in TLS before the last write. */
  #isDirect = true;

  constructor(socket: TLSSocket, below: RawDuplex) {
    this.#socket = socket;
    this.#below = below;
  }

  get writableLength(): number {
    return this.#isDirect ? this.#below.raw.writableLength : this.#socket.writableLength;
  }

  get writableEnded(): boolean {
    return this.#socket.writableEnded;
  }

  get writableNeedDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  write(bytes: Buffer, done?: () => void): boolean {
    this.#isDirect = this.#socket.writableLength === 0;
    return this.#socket.write(bytes, done);
  }

  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  resetAndDestroy(): void {
    this.#below.raw.resetAndDestroy();
    this.#socket.destroy();
  }

  on(event: 'drain' | 'end' | 'close', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: string, listener: (error: Error) => void): void {
    this.#socket.on(event, listener);
  }
}

/** Tells what happens below and in TLS as events of one connection. */
function guard(socket: TLSSocket, below: RawDuplex, attempt: Attempt): void {
  let open = false;
  socket.once('secureConnect', () => {
    open = true;
    attempt.opened();
  });
  socket.on('error', (error) => {
    if (!open) attempt.failed(toTlsUnreachable(error, Boolean(socket.authorizationError)));
  });
  below.on('error', () => undefined);
  below.raw.on('error', (error) => socket.destroy(error));
  socket.on('close', () => below.destroy());
  const look = (): void => {
    if (!below.rawEnded || socket.readableEnded || socket.destroyed) return;
    if (!open) socket.destroy(new UncleanEnd());
    // Paused: it looks again when it reads on.
    if (socket.isPaused()) return;
    // What TLS still has to read may hold the close_notify.
    if (below.readableLength > 0 || socket.readableLength > 0) setImmediate(look);
    else setImmediate(() => finish());
  };
  const finish = (): void => {
    if (socket.readableEnded || socket.destroyed || socket.isPaused()) return;
    if (below.readableLength > 0 || socket.readableLength > 0) look();
    else socket.destroy(new UncleanEnd());
  };
  below.on('rawEnd', look);
  socket.on('resume', look);
}

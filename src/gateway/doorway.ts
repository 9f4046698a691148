/**
 * From an accepted socket to a splice: what has to happen before a caller's first byte counts as one, and
 * which incumbent its bytes are for. One for each listener.
 */
import type { Socket } from 'node:net';
import type { GatewayConfig, ListenerConfig } from '../config/types.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import type { ByteConnection, OnBytes } from './byte-connection.ts';
import { createInsertion, type InsertFields } from './insert-fields.ts';
import { ListenerTls } from './listener-tls.ts';
import type { NameResolver } from './resolve-name.ts';
import { adoptSocket, adoptTls } from './shared-read.ts';
import { Upstream } from './upstream.ts';

/** A caller whose bytes may be read. */
export interface Entered {
  /** Begins to read its connection; called once, at once. */
  open(onBytes: OnBytes): ByteConnection;
  readonly upstream: Upstream;
  /** Fields for the heads of its requests. */
  readonly insert: InsertFields | null;
}

export interface DoorwayOptions {
  readonly listener: ListenerConfig;
  readonly gateway: GatewayConfig;
  readonly resolver: NameResolver;
  readonly log: Pick<LogLines, 'info' | 'warn'>;
  entered(caller: Entered): void;
}

export class Doorway {
  readonly #options: DoorwayOptions;
  readonly #tls: ListenerTls | null;
  readonly #upstream: Upstream;
  /** By the entries of `tls.names`; the listener's own where an entry names none. */
  readonly #named: readonly Upstream[];
  readonly #inserts: boolean;
  #waiting = 0;

  constructor(options: DoorwayOptions) {
    this.#options = options;
    const { listener, gateway, resolver, log } = options;
    const common = { gateway, resolver, log };
    const { name, incumbent, upstream, tls } = listener;
    this.#upstream = new Upstream({ listener: name, incumbent, upstream, ...common });
    this.#named = (tls?.names ?? []).map(({ serverNames, incumbent: own, upstream: how }) => {
      if (own === null) return this.#upstream;
      const label = `${name}/${serverNames[0]}`;
      return new Upstream({ listener: label, incumbent: own, upstream: how, ...common });
    });
    this.#inserts = Object.values(listener.insert).some((mode) => mode !== 'leave');
    this.#tls = tls === null ? null : this.#makeTls(tls);
  }

  /** Its incumbents, each once. */
  get upstreams(): readonly Upstream[] {
    return [...new Set([this.#upstream, ...this.#named])];
  }

  get tls(): ListenerTls | null {
    return this.#tls;
  }

  /** Connections that were accepted and have not entered yet: they count against the caps, too. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when it can admit callers. */
  async start(): Promise<void> {
    await Promise.all([...this.upstreams, ...(this.#tls ? [this.#tls] : [])].map((p) => p.start()));
  }

  stop(): void {
    for (const upstream of this.upstreams) upstream.stop();
    this.#tls?.stop();
  }

  /** @param accepted - from a server with `pauseOnConnect` */
  admit(accepted: Socket): void {
    if (this.#tls === null) {
      const open = (onBytes: OnBytes) => adoptSocket(accepted, onBytes);
      const insert = this.#insertFor(accepted, 'http');
      this.#options.entered({ open, upstream: this.#upstream, insert });
      return;
    }
    this.#waiting += 1;
    accepted.on('error', () => undefined); // the handshake's failure tells of it
    // Who ends the connection during a handshake has gone; afterwards half a connection is kept (adoptTls).
    accepted.allowHalfOpen = false;
    this.#tls.enter(accepted);
  }

  /** Asks the kernel for the caller's address only where it is wanted. */
  #insertFor(caller: Socket, proto: 'http' | 'https'): InsertFields | null {
    if (!this.#inserts) return null;
    return createInsertion(this.#options.listener.insert, {
      address: addressOf(caller.remoteAddress),
      proto,
    });
  }

  #makeTls(config: NonNullable<ListenerConfig['tls']>): ListenerTls {
    const { listener, log, entered } = this.#options;
    return new ListenerTls({
      listener: listener.name,
      config,
      log,
      entered: (socket, name) => {
        this.#waiting -= 1;
        const open = (onBytes: OnBytes) => adoptTls(socket, onBytes);
        const insert = this.#insertFor(socket, 'https');
        entered({ open, upstream: this.#named[name] ?? this.#upstream, insert });
      },
      failed: () => {
        this.#waiting -= 1;
      },
    });
  }
}

/** A dual-stack socket gives IPv4 callers as `::ffff:192.0.2.1`. */
function addressOf(remote: string | undefined): string {
  return (remote ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}

/**
 * From an accepted socket to a splice: what has to happen before a caller's first byte counts as one, and
 * which incumbent its bytes are for. One for each listener.
 */
import type { Socket } from 'node:net';
import type { GatewayConfig, ListenerConfig } from '../config/types.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import type { ByteConnection, OnBytes } from './byte-connection.ts';
import { addressesOf, type CallerInfo } from './caller-info.ts';
import { createInsertion, type InsertFields } from './insert-fields.ts';
import { ListenerTls } from './listener-tls.ts';
import { ProxyEntry } from './proxy-entry.ts';
import type { ConnectionAddresses } from './proxy-protocol.ts';
import type { NameResolver } from './resolve-name.ts';
import { adoptSocket, adoptTls, isUnix, socketBelow } from './shared-read.ts';
import { Upstream } from './upstream.ts';

/** A caller whose bytes may be read. */
export interface Entered extends CallerInfo {
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
  /** Somebody is told who a caller is, or asks. */
  readonly #namesCallers: boolean;
  readonly #proxy: ProxyEntry | null;
  /** By the socket that the TLS server was given. */
  readonly #told = new WeakMap<Socket, ConnectionAddresses>();
  #waiting = 0;

  constructor(options: DoorwayOptions) {
    this.#options = options;
    const { listener, gateway, resolver, log } = options;
    const common = { gateway, resolver, log };
    const { name, incumbent, upstream, tls, proxy } = listener;
    this.#upstream = new Upstream({ listener: name, incumbent, upstream, ...common });
    this.#named = (tls?.names ?? []).map(({ serverNames, incumbent: own, upstream: how }) => {
      if (own === null) return this.#upstream;
      const label = `${name}/${serverNames[0]}`;
      return new Upstream({ listener: label, incumbent: own, upstream: how, ...common });
    });
    this.#inserts = Object.values(listener.insert).some((mode) => mode !== 'leave');
    this.#tls = tls === null ? null : this.#makeTls(tls);
    this.#proxy = proxy === null ? null : new ProxyEntry(name, proxy);
    this.#namesCallers = this.#inserts || this.upstreams.some((each) => each.namesCallers);
  }

  /** Its incumbents, each once. */
  get upstreams(): readonly Upstream[] {
    return [...new Set([this.#upstream, ...this.#named])];
  }

  get tls(): ListenerTls | null {
    return this.#tls;
  }

  get proxy(): ProxyEntry | null {
    return this.#proxy;
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
    // Asked now, and only where it is wanted: who resets the connection has no address any more, and what
    // it has sent must not pass for the request of nobody.
    const own = this.#namesCallers ? addressesOf(accepted) : null;
    if (this.#namesCallers && own === null && !isUnix(accepted)) {
      accepted.destroy();
      return;
    }
    if (this.#proxy === null && this.#tls === null) {
      const caller = { secure: false, addresses: own };
      this.#enter(this.#upstream, caller, (onBytes) => adoptSocket(accepted, onBytes));
      return;
    }
    this.#waiting += 1;
    if (own !== null) this.#told.set(accepted, own);
    if (this.#proxy === null) this.#shakeHands(accepted);
    else if (this.#tls === null) this.#readHeader(accepted, this.#proxy);
    else this.#readHeaderBeforeTls(accepted, this.#proxy);
  }

  /** What reads the header goes on to read for the splice. */
  #readHeader(accepted: Socket, proxy: ProxyEntry): void {
    let sink: OnBytes = () => true;
    let socket = accepted;
    const begin = (onBytes: OnBytes): Socket => {
      sink = onBytes;
      socket = adoptSocket(accepted, (bytes) => sink(bytes));
      return socket;
    };
    const read = (told: ConnectionAddresses | null, rest: Buffer): boolean => {
      this.#waiting -= 1;
      const addresses = told ?? this.#told.get(accepted) ?? null;
      this.#enter(this.#upstream, { secure: false, addresses }, (onBytes) => {
        sink = onBytes;
        return socket;
      });
      return rest.length === 0 || sink(rest);
    };
    proxy.enter(begin, { read, failed: () => this.#left() });
  }

  /** The header is read with public API alone, since TLS takes the socket over as it is. */
  #readHeaderBeforeTls(accepted: Socket, proxy: ProxyEntry): void {
    let sink: OnBytes = () => true;
    const take = (bytes: Buffer): void => void sink(bytes);
    const begin = (onBytes: OnBytes): Socket => {
      sink = onBytes;
      return accepted.on('data', take).resume();
    };
    const read = (told: ConnectionAddresses | null, rest: Buffer): boolean => {
      accepted.off('data', take).pause();
      if (rest.length > 0) accepted.unshift(rest);
      if (told !== null) this.#told.set(accepted, told);
      this.#shakeHands(accepted);
      return true;
    };
    proxy.enter(begin, { read, failed: () => this.#left() });
  }

  #shakeHands(accepted: Socket): void {
    accepted.on('error', () => undefined); // the handshake's failure tells of it
    // Who ends the connection during a handshake has gone; afterwards half a connection is kept (adoptTls).
    accepted.allowHalfOpen = false;
    this.#tls?.enter(accepted);
  }

  #makeTls(config: NonNullable<ListenerConfig['tls']>): ListenerTls {
    const { listener, log } = this.#options;
    return new ListenerTls({
      listener: listener.name,
      config,
      log,
      entered: (socket, name) => {
        this.#waiting -= 1;
        const below = socketBelow(socket);
        const addresses = (below && this.#told.get(below)) ?? null;
        const upstream = this.#named[name] ?? this.#upstream;
        this.#enter(upstream, { secure: true, addresses }, (onBytes) => adoptTls(socket, onBytes));
      },
      failed: () => this.#left(),
    });
  }

  #enter(upstream: Upstream, caller: CallerInfo, open: Entered['open']): void {
    this.#options.entered({ ...caller, upstream, open, insert: this.#insertFor(caller) });
  }

  #insertFor({ secure, addresses }: CallerInfo): InsertFields | null {
    if (!this.#inserts) return null;
    // A dual-stack socket gives IPv4 callers as `::ffff:192.0.2.1`.
    const address = (addresses?.source.host ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    const proto = secure ? 'https' : 'http';
    return createInsertion(this.#options.listener.insert, { address, proto });
  }

  /** Before it had entered. */
  #left(): void {
    this.#waiting -= 1;
  }
}

/** Where the bytes of a listener's callers go, and how a connection to it is made. */
import { isIP } from 'node:net';
import type {
  Endpoint,
  GatewayConfig,
  UpstreamConfig,
  UpstreamTlsConfig,
} from '../config/types.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import type { IncumbentStatus } from '../wire/gateway-status.ts';
import { AddressList } from './address-list.ts';
import type { ByteConnection, OnBytes } from './byte-connection.ts';
import type { CallerInfo } from './caller-info.ts';
import { Dial, type DialEvents } from './dial.ts';
import { NameWatch } from './name-watch.ts';
import { encodeProxyHeader } from './proxy-protocol.ts';
import type { NameResolver } from './resolve-name.ts';
import { connectSocket } from './shared-read.ts';
import { toUnreachable } from './upstream-error.ts';
import { type Attempt, UpstreamTls } from './upstream-tls.ts';

export interface UpstreamOptions {
  /** Name of the listener. */
  readonly listener: string;
  readonly incumbent: Endpoint;
  readonly upstream: UpstreamConfig;
  readonly gateway: Pick<GatewayConfig, 'connectTimeoutMs' | 'resolveIntervalMs' | 'skipAddressMs'>;
  readonly resolver: NameResolver;
  readonly log: Pick<LogLines, 'info' | 'warn'>;
}

/** One incumbent, shared by all connections of its listener. */
export class Upstream {
  readonly #listener: string;
  readonly #watch: NameWatch | null;
  readonly #tls: UpstreamTls | null;
  readonly #proxy: UpstreamConfig['proxyProtocol'];
  readonly #log: Pick<LogLines, 'info' | 'warn'>;
  #resolves = true;

  /** For logs: `host:port`, `unix:path`. */
  readonly name: string;
  readonly addresses: AddressList;
  /** From the first attempt to a connection that can be written to, over all addresses. */
  readonly connectTimeoutMs: number;

  constructor({ listener, incumbent, upstream, gateway, resolver, log }: UpstreamOptions) {
    this.#listener = listener;
    this.#log = log;
    this.#proxy = upstream.proxyProtocol;
    this.name = nameOf(incumbent);
    this.connectTimeoutMs = gateway.connectTimeoutMs;
    this.addresses = new AddressList(gateway.skipAddressMs);
    this.#tls = upstream.tls === null ? null : makeTls(incumbent, upstream.tls, this.name, log);
    if ('path' in incumbent || isIP(incumbent.host.replace(/%.*/, '')) !== 0) {
      this.#watch = null;
      this.addresses.replace([incumbent]);
      return;
    }
    const { host, port } = incumbent;
    this.#watch = new NameWatch({
      host,
      intervalMs: gateway.resolveIntervalMs,
      resolver,
      addresses: (found) => this.#take(found.map((address) => ({ host: address, port }))),
      failed: (reason) => this.#lookupFailed(reason),
    });
  }

  /** It is told who the caller is. */
  get namesCallers(): boolean {
    return this.#proxy !== 'off';
  }

  /** Begins to look its name up, where it has one; resolves when its TLS files are read. */
  async start(): Promise<void> {
    this.#watch?.start();
    await this.#tls?.start();
  }

  stop(): void {
    this.#watch?.stop();
    this.#tls?.stop();
  }

  /**
   * Opens a connection for a caller. Exactly one of `connected` and `failed` follows, unless it is destroyed
   * first.
   */
  open(caller: CallerInfo, events: DialEvents): Dial {
    const head = this.#proxy === 'off' ? null : encodeProxyHeader(this.#proxy, caller.addresses);
    return new Dial(this, head, events);
  }

  /** One attempt at one address; `head` goes first. @returns `null` where its TLS files are not usable */
  connect(
    endpoint: Endpoint,
    head: Buffer | null,
    onBytes: OnBytes,
    attempt: Attempt,
  ): ByteConnection | null {
    if (this.#tls !== null) return this.#tls.connect(endpoint, head, onBytes, attempt);
    const socket = connectSocket(endpoint, onBytes);
    if (head !== null) socket.write(head);
    socket.once('connect', () => attempt.opened());
    socket.on('error', (error) => attempt.failed(toUnreachable(error)));
    return socket;
  }

  /** While its name is looked up for the first time: calls back after. @returns `false`: no need to wait */
  whenResolved(done: () => void): boolean {
    return this.addresses.size === 0 && this.#watch?.afterLookup(done) === true;
  }

  status(): IncumbentStatus {
    return {
      listener: this.#listener,
      incumbent: this.name,
      addresses: this.addresses.size,
      skippedAddresses: this.addresses.skipped(monotonicMs()),
      addressSkips: this.addresses.skips,
      resolveFailures: this.#watch?.failures ?? 0,
      tlsFault: this.#tls?.fault ?? '',
    };
  }

  #take(endpoints: readonly Endpoint[]): void {
    this.addresses.replace(endpoints);
    if (!this.#resolves) this.#log.info('incumbent resolves again', { incumbent: this.name });
    this.#resolves = true;
  }

  #lookupFailed(reason: string): void {
    if (!this.#resolves) return;
    this.#resolves = false;
    const kept = this.addresses.size;
    const code = 'UND_INCUMBENT_UNRESOLVED';
    this.#log.warn('incumbent does not resolve', { code, incumbent: this.name, reason, kept });
  }
}

function makeTls(
  endpoint: Endpoint,
  config: UpstreamTlsConfig,
  incumbent: string,
  log: UpstreamOptions['log'],
): UpstreamTls {
  const host = 'path' in endpoint ? 'localhost' : endpoint.host;
  return new UpstreamTls({ config, host, incumbent, log });
}

function nameOf(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

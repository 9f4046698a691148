/**
 * The data plane of one process: listeners, their connections, the books, and the wire to the mirror. It
 * waits for nothing but the two sockets of a connection, and depends on no other process being alive.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { LIMITS } from '../config/defaults.ts';
import type { Config, Endpoint } from '../config/types.ts';
import { DenseSet } from '../dense-set.ts';
import type { OpaqueReason } from '../framing/opaque-reasons.ts';
import { monotonicMs, wallMs } from '../telemetry/clock.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import type { LoopDelay } from '../telemetry/loop-delay.ts';
import type { SettingsReader } from '../telemetry/settings-reader.ts';
import { drawEpoch } from '../wire/epoch.ts';
import { ExchangeLedger } from '../wire/exchange-ledger.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';
import { SHADOW_HEADER } from '../wire/shadow-header.ts';
import { Doorway, type Entered } from './doorway.ts';
import type { Exchange } from './exchange.ts';
import { ForeignMarkAlarm } from './foreign-mark-alarm.ts';
import { HeldBudget } from './held-bytes.ts';
import { MirrorGate } from './mirror-gate.ts';
import { type NameResolver, SYSTEM_RESOLVER } from './resolve-name.ts';
import { makeResettable, TCP_OPTIONS } from './shared-read.ts';
import { Splice } from './splice.ts';
import type { SpliceContext } from './splice-context.ts';
import type { ConnectionLimit, TimeLimit, TimeLimits } from './time-limits.ts';
import { TurnQueue } from './turn-queue.ts';
import type { Upstream } from './upstream.ts';
import type { Unreachable } from './upstream-error.ts';
import { WireClient } from './wire-client.ts';

/** A descriptor of a bound socket, or an address to bind. */
export type ListenTarget = { readonly fds: readonly number[] } | Endpoint;

export interface GatewayOptions {
  readonly config: Pick<
    Config,
    'instance' | 'listeners' | 'gateway' | 'routes' | 'candidates' | 'mirror'
  >;
  /** `gw0` */
  readonly name: string;
  readonly version: string;
  /** Path of the mirror's wire socket. */
  readonly wireSocket: string;
  /** The experiment's selection secret. */
  readonly secret: string;
  readonly settings: Pick<SettingsReader, 'settings' | 'paused' | 'rateOf' | 'onChange'>;
  readonly log: Pick<LogLines, 'info' | 'warn' | 'dropped'>;
  readonly loopDelay: Pick<LoopDelay, 'recentMaxMs'>;
  /** Given in tests. */
  readonly resolver?: NameResolver;
}

export class Gateway implements SpliceContext {
  readonly #options: GatewayOptions;
  readonly #startedMs = monotonicMs();
  readonly #epoch = drawEpoch();
  readonly #wire: WireClient;
  readonly #servers: Server[] = [];
  readonly #doorways: Doorway[] = [];
  readonly #splices = new DenseSet<Splice>();
  readonly #opaque: Partial<Record<OpaqueReason, number>> = {};
  readonly #limited: Partial<Record<ConnectionLimit, number>> = {};
  readonly #refused: Partial<Record<OpaqueReason, number>> = {};
  #opaqueBytes = 0;
  #connections = 0;
  #sweep: NodeJS.Timeout | undefined;
  #drained: Promise<void> | null = null;
  #warnedMs = Number.NEGATIVE_INFINITY;

  readonly gate: MirrorGate;
  readonly ledger: ExchangeLedger;
  readonly budget: HeldBudget;
  readonly maxRequestBytes: number;
  readonly maxAnswerBytes: number;
  readonly tapLimits: SpliceContext['tapLimits'];
  readonly timeLimits: TimeLimits;
  readonly drainIdleMs: number;
  readonly turn: TurnQueue = new TurnQueue();
  draining = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { config, settings, secret, wireSocket, log } = options;
    const { gateway } = config;
    const alarm = new ForeignMarkAlarm(log);
    this.gate = new MirrorGate({ config, settings, secret, epoch: this.#epoch, alarm });
    this.ledger = new ExchangeLedger(gateway.ledgerHours);
    this.budget = new HeldBudget(gateway.maxHeldBytes);
    this.maxRequestBytes = gateway.maxRequestBytes;
    this.maxAnswerBytes = gateway.maxAnswerBytes;
    this.timeLimits = gateway;
    this.drainIdleMs = gateway.drainIdleMs;
    const { maxHeadBytes, maxPipelined } = gateway;
    const rejects = gateway.ambiguous === 'reject';
    this.turn.inLine = rejects;
    this.tapLimits = { maxHeadBytes, maxPipelined, watchedField: SHADOW_HEADER, rejects };
    this.#wire = new WireClient({
      path: wireSocket,
      instance: this.#instance(),
      epoch: this.#epoch,
      maxWireBytes: gateway.maxWireBytes,
      ledger: this.ledger,
      log,
    });
  }

  /**
   * Starts the wire and listens.
   *
   * @param targets - one a listener, in the order of the configuration
   * @returns the ports, in the same order
   */
  async start(targets: readonly ListenTarget[]): Promise<number[]> {
    this.#wire.start();
    this.#sweep = setInterval(() => this.#lookAtTimes(), LIMITS.timeSweepMs).unref();
    const ports: number[] = [];
    const { config, log, resolver = SYSTEM_RESOLVER } = this.#options;
    const { listeners, gateway } = config;
    for (const [index, listener] of listeners.entries()) {
      const target = targets[index];
      if (target === undefined) throw new Error(`listener ${listener.name} has no socket`);
      const entered = (caller: Entered): void => this.#enter(caller);
      const doorway = new Doorway({ listener, gateway, resolver, log, entered });
      this.#doorways.push(doorway);
      await doorway.start();
      const handles = 'fds' in target ? target.fds.map((fd) => ({ fd })) : [target];
      let port = 0;
      for (const handle of handles) {
        const server = this.#serve(doorway);
        this.#servers.push(server);
        port = await listenOn(server, handle);
      }
      ports.push(port);
    }
    return ports;
  }

  /** Whether new connections are accepted. */
  get ready(): boolean {
    return this.#servers.length > 0 && !this.draining;
  }

  status(): GatewayStatus {
    const { name, version, settings, config, log, loopDelay } = this.#options;
    return {
      process: 'gateway',
      name,
      instance: this.#instance(),
      pid: process.pid,
      version,
      epoch: this.#epoch,
      uptimeMs: monotonicMs() - this.#startedMs,
      settingsVersion: settings.settings.version,
      mirroring: settings.paused === '',
      paused: settings.paused,
      draining: this.draining,
      seen: this.ledger.seen,
      open: this.ledger.open,
      cells: this.ledger.totals(),
      connections: {
        open: this.#splices.size,
        total: this.#connections,
        opaque: { ...this.#opaque },
        opaqueBytes: this.#opaqueBytes,
        limited: { ...this.#limited },
        refused: { ...this.#refused },
      },
      incumbents: this.#doorways.flatMap(({ upstreams }) => upstreams.map((u) => u.status())),
      tls: this.#doorways.flatMap(({ tls }) => tls?.status() ?? []),
      proxy: this.#doorways.flatMap(({ proxy }) => proxy?.status() ?? []),
      wire: {
        connected: this.#wire.connected,
        state: this.#wire.state,
        queuedBytes: this.#wire.queuedBytes,
        maxWireBytes: config.gateway.maxWireBytes,
      },
      heldBytes: this.budget.bytes,
      maxHeldBytes: this.budget.maxBytes,
      loopDelayMaxMs: loopDelay.recentMaxMs(),
      logLinesDropped: log.dropped,
    };
  }

  /**
   * Stops accepting, tells callers to close with the next answer, and resolves when the last connection
   * has ended, or after `drainTimeoutMs`; then the books are final and the mirror has been told.
   */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    const { log, config } = this.#options;
    log.info('draining', { connections: this.#splices.size });
    this.turn.flush();
    this.draining = true;
    this.turn.inLine = true;
    for (const server of this.#servers) server.close();
    const startMs = monotonicMs();
    const deadlineMs = startMs + config.gateway.drainTimeoutMs;
    for (;;) {
      // What the kernel has already is read first: a request that has come is not met by an end.
      await new Promise((resolve) => setImmediate(resolve));
      this.turn.flush();
      const now = monotonicMs();
      for (const splice of this.#splices.members()) splice.drainStep(now);
      // Who is in the middle of a handshake is about to ask; who never ends it is not waited for.
      const isEntering = this.#waiting > 0 && now < startMs + this.drainIdleMs;
      if ((this.#splices.size === 0 && !isEntering) || now >= deadlineMs) break;
      await new Promise((resolve) => setTimeout(resolve, LIMITS.drainSweepMs));
    }
    if (this.#splices.size > 0) log.warn('drain timed out', { connections: this.#splices.size });
    for (const splice of this.#splices.members()) splice.destroy();
    clearInterval(this.#sweep);
    for (const doorway of this.#doorways) doorway.stop();
    await this.#wire.close();
    log.info('drained');
  }

  offer(exchange: Exchange): '' | 'mirror_down' | 'wire_full' {
    return this.#wire.offer(exchange, wallMs());
  }

  countOpaque(reason: OpaqueReason): void {
    this.#opaque[reason] = (this.#opaque[reason] ?? 0) + 1;
  }

  countRefused(reason: OpaqueReason): void {
    this.#refused[reason] = (this.#refused[reason] ?? 0) + 1;
  }

  countOpaqueBytes(bytes: number): void {
    this.#opaqueBytes += bytes;
  }

  /** At most a line a second: the ledger has the count. */
  unreachable(upstream: Upstream, cause: Unreachable): void {
    const now = monotonicMs();
    if (now - this.#warnedMs < 1_000) return;
    this.#warnedMs = now;
    const { code, detail = '' } = cause;
    const details = { incumbent: upstream.name, code, ...(detail && { detail }) };
    this.#options.log.warn('incumbent unreachable', details);
  }

  limited(limit: TimeLimit): void {
    this.#countLimit(limit);
  }

  closed(splice: Splice): void {
    this.#splices.delete(splice);
  }

  /** Connections that read a PROXY header or shake hands. */
  get #waiting(): number {
    return this.#doorways.reduce((sum, each) => sum + each.waiting, 0);
  }

  #lookAtTimes(): void {
    this.turn.flush();
    const now = monotonicMs();
    for (const splice of this.#splices.members()) splice.limitStep(now);
  }

  #countLimit(limit: ConnectionLimit): void {
    this.#limited[limit] = (this.#limited[limit] ?? 0) + 1;
  }

  #instance(): string {
    return `${this.#options.config.instance}/${this.#options.name}`;
  }

  #serve(doorway: Doorway): Server {
    const options = { ...TCP_OPTIONS, pauseOnConnect: true, allowHalfOpen: true };
    const server = createServer(options, (socket) => this.#accept(socket, doorway));
    server.on('error', (error) => {
      this.#options.log.warn('cannot accept', { reason: error.message });
    });
    return server;
  }

  #accept(socket: Socket, doorway: Doorway): void {
    const { maxConnections } = this.#options.config.gateway;
    this.#connections += 1;
    makeResettable(socket);
    if (this.#splices.size + this.#waiting >= maxConnections + LIMITS.refusedConnections) {
      this.#countLimit('overflow');
      socket.resetAndDestroy();
      return;
    }
    doorway.admit(socket);
  }

  #enter(caller: Entered): void {
    const refuse = this.#splices.size >= this.#options.config.gateway.maxConnections;
    if (refuse) this.#countLimit('connections');
    const { upstream, insert } = caller;
    const options = { caller, upstream, insert, refuse };
    this.#splices.add(new Splice((onBytes) => caller.open(onBytes), options, this));
  }
}

/**
 * The backlog is an argument of its own: `listen({ fd, backlog })` silently takes 511, which overflows when
 * many callers connect at once and costs them a second.
 */
function listenOn(server: Server, target: { readonly fd: number } | Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
    if ('fd' in target) server.listen({ fd: target.fd }, LIMITS.listenBacklog);
    else server.listen({ ...target, backlog: LIMITS.listenBacklog });
  });
}

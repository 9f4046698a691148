/** A gateway between raw sockets: what each side really sent and received, byte for byte. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type {
  Config,
  Endpoint,
  HttpCandidateConfig,
  ListenerConfig,
  RouteConfig,
  UpstreamConfig,
} from '../../src/config/types.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { NameResolver } from '../../src/gateway/resolve-name.ts';
import { LogLines } from '../../src/telemetry/log-lines.ts';
import { watchLoopDelay } from '../../src/telemetry/loop-delay.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { SettingsReader } from '../../src/telemetry/settings-reader.ts';
import { WireDecoder, type WireMessage } from '../../src/wire/decoder.ts';
import { type ExchangeCell, exchangeCellId, sumOverHours } from '../../src/wire/exchange-ledger.ts';
import type { GatewayStatus } from '../../src/wire/gateway-status.ts';
import type { ExchangeFrame } from '../../src/wire/messages.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

export { writePieces } from '../support/write-pieces.ts';

export const ROUTE: RouteConfig = {
  name: 'score',
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  path: '/*',
  prediction: DEFAULTS.route.prediction,
  capture: [],
  join: '',
  sampling: DEFAULTS.route.sampling,
  compare: DEFAULTS.route.compare,
  redact: DEFAULTS.route.redact.rules,
};

export function candidate(
  rate: number,
  routes: readonly string[] = ['score'],
): HttpCandidateConfig {
  return {
    ...DEFAULTS.candidate,
    kind: 'http',
    name: 'candidate',
    routes,
    rate,
    prediction: null,
    url: 'http://127.0.0.1:9',
    paths: {},
    host: '',
    allowAddresses: [],
    headers: [],
    tls: null,
  };
}

/** How most incumbents are connected to. */
export const PLAIN_UPSTREAM: UpstreamConfig = { tls: null, proxyProtocol: 'off' };

export function gatewayConfig(
  folder: string,
  incumbentPort: number,
  gateway: Partial<Config['gateway']> = {},
) {
  return {
    instance: 'test',
    runDir: folder,
    listeners: [
      {
        name: 'main',
        address: { host: '127.0.0.1', port: 0 },
        incumbent: { host: '127.0.0.1', port: incumbentPort },
        upstream: PLAIN_UPSTREAM,
        tls: null,
        insert: DEFAULTS.listener.insert,
        proxy: null,
      },
    ] as readonly ListenerConfig[],
    gateway: { ...DEFAULTS.gateway, health: null, ...gateway },
    routes: [ROUTE] as readonly RouteConfig[],
    candidates: [candidate(1)],
    mirror: { ...DEFAULTS.mirror, selectionSecretFile: '' },
  };
}

export type TestConfig = ReturnType<typeof gatewayConfig>;

const log = new LogLines({ process: 'gw0', level: 'error' });

export interface GatewayRig {
  readonly gateway: Gateway;
  readonly port: number;
  readonly folder: string;
  readonly wireSocket: string;
  status(): GatewayStatus;
}

export interface RigOptions {
  readonly gateway?: Partial<Config['gateway']>;
  readonly config?: Partial<TestConfig>;
  readonly folder?: string;
  /** Where it listens; a free port of 127.0.0.1 where not said. */
  readonly listen?: Endpoint;
  readonly resolver?: NameResolver;
}

export async function startGateway(
  incumbentPort: number,
  options: RigOptions = {},
): Promise<GatewayRig> {
  const folder = options.folder ?? tempFolder();
  const config = { ...gatewayConfig(folder, incumbentPort, options.gateway), ...options.config };
  const settings = new SettingsReader(runFolder(folder), config, log);
  settings.start();
  const { wireSocket } = runFolder(folder);
  const gateway = new Gateway({
    config,
    name: 'gw0',
    version: '0.0.0',
    wireSocket,
    secret: 'a secret of a test',
    settings,
    log,
    loopDelay: watchLoopDelay(),
    ...(options.resolver && { resolver: options.resolver }),
  });
  const [port] = await gateway.start([options.listen ?? { host: '127.0.0.1', port: 0 }]);
  onTestFinished(() => settings.stop());
  return { gateway, port: port ?? 0, folder, wireSocket, status: () => gateway.status() };
}

/** The mirror's end of the wire: reads, decodes and keeps everything. */
export class TestMirror {
  readonly frames: ExchangeFrame[] = [];
  readonly messages: WireMessage[] = [];
  readonly sockets: Socket[] = [];
  readonly #server: Server;
  readonly #cells = new Map<string, ExchangeCell>();
  nextSeq = 0;
  reading = true;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
    onTestFinished(() => this.close());
  }

  async listen(path: string): Promise<this> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
    return this;
  }

  /** The ledger as received, cumulative. */
  get cells(): ExchangeCell[] {
    return [...this.#cells.values()];
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    const { maxRequestBytes, maxAnswerBytes } = DEFAULTS.gateway;
    const maxJsonBytes = 1e7;
    const decoder = new WireDecoder({ maxRequestBytes, maxAnswerBytes, maxJsonBytes });
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    if (!this.reading) return;
    socket.on('data', (chunk) => {
      for (const message of decoder.push(chunk)) this.#take(message);
    });
  }

  #take(message: WireMessage): void {
    this.messages.push(message);
    if (message.type === 'exchange') {
      this.frames.push(message.frame);
      return;
    }
    if (message.type === 'oversized') throw new Error('this mirror has the gateway’s own caps');
    const report = message.type === 'hello' ? message.hello : message;
    this.nextSeq = report.nextSeq;
    for (const cell of report.cells) this.#cells.set(exchangeCellId(cell), cell);
  }
}

export async function startMirror(
  rig: Pick<GatewayRig, 'wireSocket' | 'status'>,
): Promise<TestMirror> {
  const mirror = await new TestMirror().listen(rig.wireSocket);
  await until('the wire is up', () => rig.status().wire.connected);
  return mirror;
}

/** What a connection of the origin is to do: called on each read, with all bytes so far. */
export type OriginScript = (socket: Socket, received: Buffer) => void;

export interface TestOrigin {
  readonly port: number;
  /** Bytes received, by connection. */
  readonly received: Buffer[];
  readonly sockets: Socket[];
}

/** A raw server that stands in for the incumbent and records all it is sent. */
export async function startOrigin(
  script: OriginScript,
  listen: Endpoint = { host: '127.0.0.1', port: 0 },
): Promise<TestOrigin> {
  const received: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const index = sockets.push(socket) - 1;
    const pieces: Buffer[] = [];
    received.push(Buffer.alloc(0));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      pieces.push(chunk);
      const all = Buffer.concat(pieces);
      received[index] = all;
      script(socket, all);
    });
  });
  server.listen({ ...listen });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address ? address.port : 0, received, sockets };
}

export interface RawCaller {
  readonly socket: Socket;
  received(): Buffer;
  /** Its length, without joining it. */
  receivedBytes(): number;
  /** `''` while open; `end` after a clean end; an error code after a reset. */
  closed(): string;
}

/** @param to - a port of 127.0.0.1, or an address */
export async function rawCaller(to: number | Endpoint): Promise<RawCaller> {
  const endpoint = typeof to === 'number' ? { port: to, host: '127.0.0.1' } : { ...to };
  const socket = connect({ ...endpoint, noDelay: true, allowHalfOpen: true });
  const record = recordOf(socket);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return { socket, ...record };
}

/** What a caller's socket receives from now on, and how it ends; also of one over TLS. */
export function recordOf(socket: Socket): Omit<RawCaller, 'socket'> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let closed = '';
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    pieces.push(chunk);
  });
  socket.on('end', () => {
    closed = 'end';
  });
  socket.on('error', (error) => {
    closed = String(Reflect.get(error, 'code'));
  });
  return {
    received: () => Buffer.concat(pieces),
    receivedBytes: () => bytes,
    closed: () => closed,
  };
}

export async function untilReceived(caller: RawCaller, bytes: number): Promise<Buffer> {
  await until(`the caller has ${bytes} bytes`, () => caller.receivedBytes() >= bytes);
  return caller.received();
}

/** States and reasons of a ledger with their counts, over routes and hours: `shed(wire_full)`. */
export function countsOf(cells: readonly ExchangeCell[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state, reason, count } of cells) {
    const key = reason === '' ? state : `${state}(${reason})`;
    counts[key] = (counts[key] ?? 0) + count;
  }
  return counts;
}

/**
 * The books are exact: for each route and hour, seen = Σ states + open; nothing open and nothing held once
 * all connections are idle; and the mirror knows the same, frame for frame.
 *
 * @param mirror - one that was connected all the time; leave out where none was
 */
export async function expectExchangesToBalance(
  rig: Pick<GatewayRig, 'status'>,
  mirror?: TestMirror,
): Promise<Record<string, number>> {
  const status = await until('nothing is open', () => {
    const now = rig.status();
    return now.open === 0 && now;
  });
  const seen = new Map<string, number>();
  for (const { route, hour, state, count } of status.cells) {
    const sign = state === 'seen' ? 1 : -1;
    seen.set(`${route}|${hour}`, (seen.get(`${route}|${hour}`) ?? 0) + sign * count);
  }
  for (const [key, rest] of seen) expect(rest, key).toBe(0);
  expect(status.heldBytes).toBe(0);
  const counts = countsOf(status.cells);
  expect(counts.seen ?? 0).toBe(status.seen);
  if (mirror) await expectMirrorToAgree(status, mirror, counts.offered ?? 0);
  return counts;
}

async function expectMirrorToAgree(
  status: GatewayStatus,
  mirror: TestMirror,
  offered: number,
): Promise<void> {
  const sorted = (cells: readonly ExchangeCell[]) =>
    [...cells].sort((a, b) => (exchangeCellId(a) < exchangeCellId(b) ? -1 : 1));
  await until('the mirror has every frame and the ledger', () => {
    expect(mirror.frames.map((frame) => frame.seq)).toEqual(
      Array.from({ length: offered }, (_, i) => i + 1),
    );
    expect(mirror.nextSeq).toBe(offered + 1);
    expect(sorted(sumOverHours(mirror.cells))).toEqual(sorted(status.cells));
    return true;
  });
}

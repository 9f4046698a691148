import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import {
  ANALYSIS_DEFAULTS,
  ANALYSIS_PROFILES,
  GUARDRAIL_PRESETS,
} from '../../src/config/analysis-defaults.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Config, HttpCandidateConfig } from '../../src/config/types.ts';
import { createHttpCandidate } from '../../src/mirror/candidates/http.ts';
import type { MirrorSettings } from '../../src/mirror/legs.ts';
import { Mirror } from '../../src/mirror/mirror.ts';
import { LegLedger } from '../../src/pair/leg-ledger.ts';
import type { CommittedBooks } from '../../src/record/recorder-port.ts';
import type { Log } from '../../src/telemetry/log-lines.ts';
import { runFolder } from '../../src/telemetry/run-folder.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { MemoryRecorder } from './memory-recorder.ts';
import type { WireClient } from './wire-client.ts';

export const SECRET = 'a secret of the test';
export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A mirror's configuration for one route `score` and the given candidates. */
export function mirrorConfig(
  candidates: readonly HttpCandidateConfig[],
  overrides: Partial<Config> = {},
): Config {
  return {
    instance: 'test',
    experiment: 'exp',
    runDir: '/nowhere',
    dataDir: '/nowhere',
    listeners: [],
    gateway: { ...DEFAULTS.gateway, health: null },
    routes: [
      {
        name: 'score',
        methods: ['POST'],
        path: '/v1/score',
        prediction: DEFAULTS.route.prediction,
        capture: [],
        join: '',
        sampling: DEFAULTS.route.sampling,
        compare: DEFAULTS.route.compare,
        redact: DEFAULTS.route.redact.rules,
      },
    ],
    candidates,
    mirror: { ...DEFAULTS.mirror, selectionSecretFile: '' },
    redaction: DEFAULTS.redaction,
    journal: DEFAULTS.journal,
    kafka: null,
    analysis: {
      ...ANALYSIS_DEFAULTS,
      ...ANALYSIS_PROFILES.production,
      margins: GUARDRAIL_PRESETS.replacement,
      labels: null,
      segments: [],
      discover: [],
    },
    admin: { address: DEFAULTS.admin, tokenFile: '' },
    metrics: { address: null },
    log: { level: 'error' },
    ...overrides,
  };
}

export function httpCandidate(
  url: string,
  overrides: Partial<HttpCandidateConfig> = {},
): HttpCandidateConfig {
  return {
    ...DEFAULTS.candidate,
    kind: 'http',
    name: 'cand',
    routes: ['score'],
    warmUpRequests: 0,
    maxInFlight: 8,
    maxAnswerBytes: 65_536,
    prediction: null,
    url,
    paths: {},
    host: '',
    allowAddresses: [],
    headers: [],
    tls: url.startsWith('https:') ? DEFAULTS.peerTls : null,
    ...overrides,
  };
}

/** Settings in the test's hands. */
export class TestSettings implements MirrorSettings {
  readonly #candidates: ReadonlyMap<string, number>;

  constructor(config: Pick<Config, 'candidates'>) {
    this.#candidates = new Map(
      config.candidates.map(({ name, maxRequestsPerSecond }) => [name, maxRequestsPerSecond]),
    );
  }

  readonly settings = { version: 3 };
  paused: MirrorSettings['paused'] = '';
  readonly rates = new Map<string, number>();

  readonly caps = new Map<string, number>();

  requestsPerSecondOf(candidate: string): number {
    return this.caps.get(candidate) ?? this.#candidates.get(candidate) ?? 0;
  }

  rateOf(candidate: string): number {
    return this.rates.get(candidate) ?? 1;
  }
}

export interface Rig {
  readonly mirror: Mirror;
  readonly recorder: MemoryRecorder;
  readonly ledger: LegLedger;
  readonly settings: TestSettings;
  readonly wireSocket: string;
}

/** A running mirror with real http candidates and a real wire socket. */
export async function startMirror(
  config: Config,
  options: {
    committed?: CommittedBooks;
    folder?: string;
    heapUse?: () => number;
    /** Instead of those in the test's hands. */
    settings?: MirrorSettings;
  } = {},
): Promise<Rig> {
  const ledger = new LegLedger();
  const recorder = new MemoryRecorder(ledger, options.committed);
  const settings = new TestSettings(config);
  const { wireSocket } = runFolder(options.folder ?? tempFolder());
  const candidates = new Map(
    config.candidates.flatMap((candidate) =>
      candidate.kind === 'http'
        ? [[candidate.name, createHttpCandidate(candidate, { log: SILENT })] as const]
        : [],
    ),
  );
  const mirror = new Mirror({
    config,
    version: '0',
    wireSocket,
    secret: SECRET,
    settings: options.settings ?? settings,
    candidates,
    recorder,
    ledger,
    log: SILENT,
    ...(options.heapUse === undefined ? {} : { heapUse: options.heapUse }),
  });
  await mirror.start();
  onTestFinished(() => mirror.stop());
  return { mirror, recorder, ledger, settings, wireSocket };
}

/** An HTTP server on a free port; @returns its URL */
export async function serveHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server.address())}`;
}

/** A TCP server on a free port, for what is not HTTP; @returns its URL */
export async function serveTcp(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${portOf(server.address())}`;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

/** Legs of a candidate in one state (and reason), over all epochs. */
export function legsIn(rig: Rig, state: string, reason?: string, candidate = 'cand'): number {
  return rig.mirror
    .status()
    .legs.filter((cell) => cell.candidate === candidate && cell.state === state)
    .filter((cell) => reason === undefined || cell.reason === reason)
    .reduce((sum, { count }) => sum + count, 0);
}

/** Waits until no leg is in flight, and all that the gateway has offered is accounted for. */
export async function settled(rig: Rig, gateway: WireClient): Promise<void> {
  await until('all legs settled', () => {
    const status = rig.mirror.status();
    const epoch = status.epochs.find(({ epoch }) => epoch === gateway.epoch);
    return status.legsInFlight === 0 && epoch?.received === gateway.nextSeq - 1;
  });
}

/**
 * The one assertion after every scenario: for each candidate, what the gateway has offered is what its legs add up
 * to; nothing is held or in flight; the journal's counts are those of the status; each pair is counted once.
 */
export function expectBalancedBooks(rig: Rig, gateway: WireClient): void {
  const status = rig.mirror.status();
  expect(status.legsInFlight).toBe(0);
  expect(status.queuedBytes).toBe(0);
  for (const { name } of status.candidates) {
    const legs = status.legs.filter(
      (cell) => cell.candidate === name && cell.epoch === gateway.epoch,
    );
    const sum = legs.reduce((total, { count }) => total + count, 0);
    expect(sum, `legs of ${name}`).toBe(gateway.ledger.total('offered'));
  }
  const committed = rig.recorder.books.legs.filter(({ count }) => count > 0);
  expect(sorted(committed)).toEqual(sorted(rig.ledger.snapshot()));
  const ids = rig.recorder.entries.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
}

function sorted(cells: readonly object[]): string[] {
  return cells.map((cell) => JSON.stringify(Object.entries(cell).sort())).sort();
}

/** Statuses of a gateway and a mirror, made of the real ledgers. */
import type { LegLedger } from '../../src/pair/leg-ledger.ts';
import type {
  CandidateStatus,
  MirrorStatus,
  ReceivedEpoch,
} from '../../src/record/mirror-status.ts';
import { Histogram } from '../../src/telemetry/histogram.ts';
import type { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import type { GatewayStatus } from '../../src/wire/gateway-status.ts';

export function gatewayStatus(
  epoch: string,
  ledger: ExchangeLedger,
  part: Partial<GatewayStatus> = {},
): GatewayStatus {
  return {
    process: 'gateway',
    name: 'gw0',
    instance: 'test/gw0',
    pid: 1,
    version: '0.1.0',
    epoch,
    uptimeMs: 60_000,
    settingsVersion: 3,
    mirroring: true,
    paused: '',
    draining: false,
    seen: ledger.seen,
    open: ledger.open,
    cells: ledger.snapshot(),
    connections: {
      open: 2,
      total: 9,
      opaque: { garbage: 1 },
      opaqueBytes: 77,
      limited: { head: 3 },
      refused: { host: 3 },
    },
    incumbents: [
      {
        listener: 'main',
        incumbent: 'scoring.internal:9000',
        addresses: 3,
        skippedAddresses: 1,
        addressSkips: 6,
        resolveFailures: 2,
        tlsFault: '',
      },
    ],
    proxy: [{ listener: 'main', headers: { ok: 12, no_header: 1 } }],
    tls: [
      {
        listener: 'main',
        handshakes: { ok: 40, timeout: 2 },
        certificates: [
          { name: '', notAfterMs: 1_800_000_000_000, fault: '', reloads: 1, reloadFailures: 0 },
          { name: 'a.example', notAfterMs: null, fault: 'gone', reloads: 0, reloadFailures: 3 },
        ],
      },
    ],
    wire: { connected: true, state: 'up', queuedBytes: 5, maxWireBytes: 100 },
    heldBytes: 7,
    maxHeldBytes: 1_000,
    loopDelayMaxMs: 12,
    logLinesDropped: 4,
    ...part,
  };
}

export function candidateStatus(name: string, routes: readonly string[]): CandidateStatus {
  const seconds = new Histogram([0.001, 0.01, 0.1]);
  for (const value of [0.0005, 0.004, 0.01, 3]) seconds.record(value);
  return {
    name,
    kind: 'http',
    routes,
    rate: 0.25,
    inFlight: 1,
    maxInFlight: 64,
    queued: 2,
    queuedBytes: 900,
    maxQueuedBytes: 1_000,
    oldestMs: 250,
    maxAgeMs: 5_000,
    answerBytes: { largest: 600, max: 1_300 },
    guard: {
      inFlightCeiling: 12,
      requestsPerSecond: 50,
      requestRateUse: 0.4,
      requestsToday: 321,
      maxRequestsPerDay: 1_000,
      warmUpLeft: 7,
      breaker: { state: 'half_open', opens: 2, brokenMs: 6_500, failureRate: 0.25 },
    },
    warmUps: 13,
    violations: { length: 2, not_json: 1 },
    labelFlips: 3,
    outsideTolerance: 5,
    compared: 9,
    incumbentSeconds: seconds.snapshot(),
    candidateSeconds: seconds.snapshot(),
    queueSeconds: seconds.snapshot(),
    scoreDifference: seconds.snapshot(),
  };
}

export function epochLedger(
  epoch: string,
  ledger: ExchangeLedger,
  part: Partial<ReceivedEpoch> = {},
): ReceivedEpoch {
  const offered = ledger.total('offered');
  return {
    epoch,
    instance: 'test/gw0',
    offered,
    received: offered,
    cells: ledger.snapshot(),
    foldedBefore: 0,
    configured: null,
    receivedAtMs: 1_000,
    state: 'live',
    unreportedMs: null,
    ...part,
  };
}

export function mirrorStatus(
  legs: LegLedger,
  epochs: readonly ReceivedEpoch[],
  part: Partial<MirrorStatus> = {},
): MirrorStatus {
  return {
    process: 'mirror',
    name: 'mirror',
    pid: 2,
    version: '0.1.0',
    uptimeMs: 30_000,
    settingsVersion: 3,
    mirroring: true,
    paused: '',
    legs: legs.snapshot(),
    legsInFlight: legs.inFlight,
    epochs,
    queuedBytes: 10,
    maxQueuedBytes: 64,
    parseBytes: 2_000,
    maxParseBytes: 4_000,
    bodies: {
      requestBytes: { largest: 700, max: 1_000 },
      answerBytes: { largest: 800, max: 1_100 },
      decodedBytes: { largest: 900, max: 1_200 },
      decodedRatio: { largest: 12.5, max: 100 },
    },
    selectionKeysMissing: 3,
    heapUse: 0.775,
    pressureKeep: 0.5,
    candidates: [candidateStatus('v7', ['score'])],
    recorder: {
      state: 'recording',
      error: '',
      pendingBytes: 1,
      maxPendingBytes: 2,
      committedPairs: 42,
      journalBytes: 4_096,
      walBytes: 512,
      maxJournalBytes: 9_999,
      commits: 6,
      idConflicts: 0,
      evicted: 0,
      evictedUnpublished: 0,
      evictedUnanalysed: 0,
      chore: null,
      quarantined: 0,
      restarts: 0,
      publisher: {
        state: 'connected',
        error: '',
        message: '',
        published: 40,
        lag: 2,
        sendErrors: 1,
        deadLetters: 0,
        heldDeadLetters: 0,
        differences: [],
      },
    },
    loopDelayMaxMs: 8,
    wireErrors: 0,
    ...part,
  };
}

/**
 * The books of each gateway epoch, from the freshest source: its own status while it lives, else its
 * ledger as the mirror last received it.
 *
 * Read the mirror's status before the gateways': then no leg is older than the exchange it is held against.
 */
import type { LegCell } from '../pair/leg-states.ts';
import type { MirrorStatus, ReceivedEpoch } from '../record/mirror-status.ts';
import type { ExchangeCell } from '../wire/exchange-ledger.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';

export interface EpochBook {
  readonly epoch: string;
  readonly instance: string;
  /** `live`, and how it ended: `clean` its last ledger is final, `unclean` it is only the last received. */
  readonly state: 'live' | 'clean' | 'unclean';
  readonly cells: readonly ExchangeCell[];
  /** By `participantId`: who gets copies, or did when it ended; `null`: not known. */
  readonly configured: readonly string[] | null;
  readonly seen: number;
  /** Exchanges in a final state, all routes. */
  readonly settled: number;
  /** Exchanges not decided, as its gateway says; `null` where only the mirror's copy of its ledger is known. */
  readonly openReported: number | null;
  /** Offered so far, by all that is known of it. */
  readonly offered: number;
  /** Arrived at the mirror, or booked as lost; `null` while no mirror answers. */
  readonly received: number | null;
  /** When the mirror last heard of it, Unix ms; 0 where it never has. */
  readonly reportedAtMs: number;
  /** Unclean: time between its last report and its end, ms. */
  readonly unreportedMs: number | null;
}

/** One book an epoch, live gateways first. */
export function bookEpochs(
  gateways: readonly GatewayStatus[],
  mirror: MirrorStatus | null,
): EpochBook[] {
  const received = new Map((mirror?.epochs ?? []).map((epoch) => [epoch.epoch, epoch]));
  const books = gateways.map((gateway) =>
    bookGateway(gateway, mirror === null ? null : (received.get(gateway.epoch) ?? undefined)),
  );
  for (const { epoch } of gateways) received.delete(epoch);
  return [...books, ...Array.from(received.values(), bookReceived)];
}

function bookGateway(
  gateway: GatewayStatus,
  received: ReceivedEpoch | null | undefined,
): EpochBook {
  const { epoch, instance, cells } = gateway;
  return {
    epoch,
    instance,
    state: 'live',
    cells,
    configured: received?.configured ?? null,
    seen: sumOf(cells, 'seen'),
    settled: settledOf(cells),
    openReported: gateway.open,
    offered: sumOf(cells, 'offered'),
    received: received === null ? null : (received?.received ?? 0),
    reportedAtMs: received?.receivedAtMs ?? 0,
    unreportedMs: null,
  };
}

function bookReceived(epoch: ReceivedEpoch): EpochBook {
  const { cells, state, received } = epoch;
  return {
    epoch: epoch.epoch,
    instance: epoch.instance,
    state,
    cells,
    configured: epoch.configured,
    seen: sumOf(cells, 'seen'),
    settled: settledOf(cells),
    openReported: null,
    // Exchanges overtake the ledger that counts them by up to its interval.
    offered: Math.max(sumOf(cells, 'offered'), epoch.offered, received),
    received,
    reportedAtMs: epoch.receivedAtMs,
    unreportedMs: epoch.unreportedMs,
  };
}

/** Exchanges of a state, on these routes (all where not given). */
export function sumOf(
  cells: readonly ExchangeCell[],
  state: ExchangeCell['state'],
  route?: string,
): number {
  let sum = 0;
  for (const cell of cells) {
    if (cell.state === state && (route === undefined || cell.route === route)) sum += cell.count;
  }
  return sum;
}

function settledOf(cells: readonly ExchangeCell[]): number {
  let sum = 0;
  for (const cell of cells) if (cell.state !== 'seen') sum += cell.count;
  return sum;
}

/** Settled legs by epoch, then candidate, then route. */
export type LegSums = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, number>>>;

export function sumLegs(legs: readonly LegCell[]): LegSums {
  const sums = new Map<string, Map<string, Map<string, number>>>();
  for (const { epoch, candidate, route, count } of legs) {
    const ofEpoch = sums.get(epoch) ?? new Map<string, Map<string, number>>();
    const ofCandidate = ofEpoch.get(candidate) ?? new Map<string, number>();
    ofCandidate.set(route, (ofCandidate.get(route) ?? 0) + count);
    ofEpoch.set(candidate, ofCandidate);
    sums.set(epoch, ofEpoch);
  }
  return sums;
}

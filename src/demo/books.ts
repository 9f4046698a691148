/** The books of a running instance, from the status sockets of its processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorStatus } from '../record/mirror-status.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { RunFolder } from '../telemetry/run-folder.ts';
import { readStatus } from '../telemetry/status-socket.ts';
import type { ExchangeCell } from '../wire/exchange-ledger.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';

/** Both ledgers, as their owners tell them. */
export interface Books {
  readonly gateway: GatewayStatus;
  readonly mirror: MirrorStatus;
}

/**
 * The demo runs one gateway process. The mirror is asked first: it must not know of exchanges that the
 * gateway's answer does not count yet.
 *
 * @throws {UnderstudyError} `UND_STATUS_UNAVAILABLE`
 */
export async function readBooks(folder: RunFolder): Promise<Books> {
  const mirror = await readStatus<MirrorStatus>(folder.statusSocket('mirror'));
  return { gateway: await readStatus<GatewayStatus>(folder.statusSocket('gw0')), mirror };
}

/** What is not settled yet, in words; empty when every copy has its state, and every pair is on disk. */
export function unsettled({ gateway, mirror }: Books, withKafka: boolean): string[] {
  const epoch = mirror.epochs.find((known) => known.epoch === gateway.epoch);
  const offered = totalOf(gateway.cells, 'offered');
  const open = [
    { what: 'exchanges open at the gateway', count: gateway.open },
    { what: 'copies on their way to the mirror', count: offered - (epoch?.received ?? 0) },
    { what: 'exchanges not yet in the ledger', count: offered - (epoch?.offered ?? 0) },
    { what: 'copies in flight', count: mirror.legsInFlight },
    { what: 'bytes not yet on disk', count: mirror.recorder.pendingBytes },
    { what: describeLag(mirror), count: withKafka ? lagOf(mirror) : 0 },
  ];
  return open.filter(({ count }) => count !== 0).map(({ what, count }) => `${count} ${what}`);
}

function describeLag({ recorder }: MirrorStatus): string {
  const error = recorder.publisher?.error ?? '';
  return `pairs not yet acknowledged by Kafka${error === '' ? '' : ` (${error})`}`;
}

/** Lag is the recorder's count, acknowledgements are the publisher's: both have to have arrived. */
function lagOf({ recorder }: MirrorStatus): number {
  const { lag, published, deadLetters } = recorder.publisher ?? {
    lag: 0,
    published: 0,
    deadLetters: 0,
  };
  return Math.max(lag, recorder.committedPairs - published - deadLetters);
}

/** Sum over all routes, hours and sizes. */
function totalOf(cells: readonly ExchangeCell[], state: ExchangeCell['state']): number {
  return cells.reduce((sum, cell) => sum + (cell.state === state ? cell.count : 0), 0);
}

export interface QuietOptions {
  readonly timeoutMs: number;
  readonly withKafka: boolean;
  readonly signal: AbortSignal;
}

const POLL_MS = 100;

/**
 * Waits until nothing is under way.
 *
 * @returns the books as last read, and what was still under way when the time was over
 * @throws {UnderstudyError} `UND_STATUS_UNAVAILABLE` when a process does not answer
 */
export async function waitForQuiet(
  folder: RunFolder,
  options: QuietOptions,
): Promise<{ books: Books; unsettled: string[] }> {
  const deadline = monotonicMs() + options.timeoutMs;
  for (;;) {
    const books = await readBooks(folder);
    const left = unsettled(books, options.withKafka);
    if (left.length === 0 || options.signal.aborted || monotonicMs() > deadline) {
      return { books, unsettled: left };
    }
    await sleep(POLL_MS);
  }
}

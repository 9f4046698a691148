/** One measurement: start a target afresh, warm it up, load it, let it settle, and read what it cost. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadResult } from './load.ts';
import { machineTicks, peakMiB, processTicks, TICK_MS } from './proc.ts';
import type { RunningTarget } from './targets.ts';

export interface Measurement {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: number;
  /** CPU of the processes in the callers' way, µs a request; `null`: there is none. */
  readonly gatewayCpuUs: number | null;
  /** CPU of all processes of the proxy, what they did after the load included. */
  readonly allCpuUs: number | null;
  /** MiB by process. */
  readonly peakRssMiB: Readonly<Record<string, number>>;
  /** Of the measured time's exchanges; `null`: nothing was to be mirrored. */
  readonly coverage: number | null;
  /** Written to disk during the load. */
  readonly pairsPerSecond: number | null;
  /** By state and reason. */
  readonly losses: Readonly<Record<string, number>>;
  /** Share of the machine's CPU time under load, 0 to 1: taken by the hypervisor, used by others. */
  readonly steal: number;
  readonly foreign: number;
  /** Of its core, CPU of the load generator, 0 to 1. */
  readonly generatorShare: number;
  /** What did not come to rest, or balance; empty: all of it did. */
  readonly unsettled: string;
}

export interface MeasureOptions {
  readonly target: RunningTarget;
  /** Pids of incumbent, candidates and targets that wait for their turn: not foreign. */
  readonly peerPids: readonly number[];
  readonly seconds: number;
  readonly load: (seconds: number) => Promise<LoadResult>;
}

export const WARM_UP_SECONDS = 1;

export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { target, peerPids, seconds, load } = options;
  await load(WARM_UP_SECONDS);
  const warm = await target.settle();
  await sleep(100); // garbage of the settling, not of the load
  const pids = target.processes.map(({ pid }) => pid);
  const gatewayPids = target.processes.filter((one) => one.isGateway).map(({ pid }) => pid);

  const before = await target.counts();
  const atStart = cpuOf(pids, peerPids, gatewayPids);
  const startMs = performance.now();
  const result = await load(seconds);
  const atEnd = cpuOf(pids, peerPids, gatewayPids);
  const afterLoad = await target.counts();
  const loadedSeconds = (performance.now() - startMs) / 1_000;
  const unsettled = [warm, await target.settle()].filter((text) => text !== '').join('; ');
  const settledTicks = sumOf(pids.map((pid) => processTicks(pid).own));
  const after = await target.counts();

  const perRequestUs = (ticks: number): number | null =>
    pids.length === 0 ? null : (ticks * TICK_MS * 1_000) / result.requests;
  const machine = atEnd.machine.total - atStart.machine.total;
  const busy = atEnd.machine.busy - atStart.machine.busy;
  const known = atEnd.known - atStart.known;
  const observed = (after?.observed ?? 0) - (before?.observed ?? 0);
  const lost = (after?.lost ?? 0) - (before?.lost ?? 0);
  const committed = (afterLoad?.committed ?? 0) - (before?.committed ?? 0);
  return {
    requestsPerSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    maxMs: result.maxMs,
    errors: result.errors,
    gatewayCpuUs: perRequestUs(atEnd.gateway - atStart.gateway),
    allCpuUs: perRequestUs(settledTicks - atStart.proxy),
    peakRssMiB: Object.fromEntries(target.processes.map(({ name, pid }) => [name, peakMiB(pid)])),
    coverage: observed + lost > 0 ? observed / (observed + lost) : null,
    pairsPerSecond: observed + lost > 0 ? committed / loadedSeconds : null,
    losses: differences(before?.losses ?? {}, after?.losses ?? {}),
    steal: (atEnd.machine.steal - atStart.machine.steal) / machine,
    foreign: Math.max(0, busy - known) / machine,
    generatorShare: ((atEnd.generator - atStart.generator) * TICK_MS) / 1_000 / loadedSeconds,
    unsettled,
  };
}

function cpuOf(
  pids: readonly number[],
  peerPids: readonly number[],
  gatewayPids: readonly number[],
) {
  const proxy = sumOf(pids.map((pid) => processTicks(pid).own));
  const peers = sumOf(peerPids.map((pid) => processTicks(pid).own));
  // The load generator is a child of ours that has ended when this is read.
  const own = processTicks('self');
  return {
    machine: machineTicks(),
    gateway: sumOf(gatewayPids.map((pid) => processTicks(pid).own)),
    proxy,
    generator: own.children,
    known: proxy + peers + own.own + own.children,
  };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function differences(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const changes = Object.entries(after).map(
    ([name, count]) => [name, count - (before[name] ?? 0)] as const,
  );
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

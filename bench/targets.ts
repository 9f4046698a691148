/** What is compared: no proxy, http-proxy, and Understudy in its ways. Each is started afresh for each run. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peers } from './peers.ts';
import { freePorts, untilAnswers } from './peers.ts';
import { PinnedProcess } from './pinned.ts';
import { type MirrorCounts, startUnderstudy } from './understudy.ts';

/** A proxy that answers. */
export interface RunningTarget {
  /** Where callers connect. */
  readonly port: number;
  /** All of its processes; the one in the callers' way first. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** What its mirror has counted so far; `null` where there is none. */
  counts(): Promise<MirrorCounts | null>;
  /** Waits until nothing is under way any more. @returns what still was at the end of patience */
  settle(): Promise<string>;
  stop(): Promise<void>;
}

export interface TargetContext {
  readonly peers: Peers;
  readonly proxyCore: number | null;
  /** Of the processes behind the gateway. */
  readonly backstageCore: number | null;
  /** A folder of this start's own. */
  readonly folder: string;
  /** Processes of the proxy write a CPU profile there; empty: none. */
  readonly profileFolder: string;
}

export interface Target {
  readonly name: 'direct' | 'http-proxy' | 'off' | 'full' | 'hung' | 'paced';
  readonly title: string;
  /** Requests a second; 0: as fast as answers come. */
  readonly rate: number;
  start(context: TargetContext): Promise<RunningTarget>;
}

/** The first two are what the others are held against. */
export function allTargets(pacedRate: number): readonly Target[] {
  const targets: Target[] = [
    { name: 'direct', title: 'direct', rate: 0, start: startDirect },
    { name: 'http-proxy', title: 'http-proxy', rate: 0, start: startHttpProxy },
    {
      name: 'off',
      title: 'Understudy, mirror off',
      rate: 0,
      start: (context) =>
        startUnderstudy(context, { mirror: false, candidatePort: context.peers.candidatePort }),
    },
    { name: 'full', title: 'Understudy, 100 %', rate: 0, start: startFull },
    {
      name: 'hung',
      title: 'Understudy, 100 %, hung',
      rate: 0,
      start: (context) =>
        startUnderstudy(context, { mirror: true, candidatePort: context.peers.hungPort }),
    },
  ];
  if (pacedRate === 0) return targets;
  const title = `Understudy, 100 %, ${pacedRate}/s`;
  return [...targets, { name: 'paced', title, rate: pacedRate, start: startFull }];
}

function startFull(context: TargetContext): Promise<RunningTarget> {
  return startUnderstudy(context, { mirror: true, candidatePort: context.peers.candidatePort });
}

async function startDirect({ peers }: TargetContext): Promise<RunningTarget> {
  return {
    port: peers.incumbentPort,
    processes: [],
    counts: async () => null,
    settle: async () => '',
    stop: async () => undefined,
  };
}

async function startHttpProxy(context: TargetContext): Promise<RunningTarget> {
  const { peers, proxyCore, folder } = context;
  const [port = 0] = await freePorts(1);
  const program = fileURLToPath(new URL('./peers/plain-proxy.ts', import.meta.url));
  const child = new PinnedProcess({
    command: process.execPath,
    args: [program, String(port), String(peers.incumbentPort)],
    core: proxyCore,
    logFile: join(folder, 'http-proxy.log'),
  });
  try {
    await untilAnswers(port, () => child.ended);
  } catch (cause) {
    await child.stop();
    throw new Error(`http-proxy does not answer: ${child.lastWords()}`, { cause });
  }
  return {
    port,
    processes: [{ name: 'http-proxy', pid: child.pid }],
    counts: async () => null,
    settle: async () => '',
    stop: async () => {
      await child.stop();
    },
  };
}

/** What is compared, each started afresh for each run. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peers } from './peers.ts';
import { freePorts, untilAnswers } from './peers.ts';
import { PinnedProcess } from './pinned.ts';
import { type RivalName, startRival } from './rivals.ts';
import { type MirrorCounts, startUnderstudy } from './understudy.ts';

export interface ProxyProcess {
  readonly name: string;
  readonly pid: number;
  /** It is in the callers' way. */
  readonly isGateway: boolean;
}

/** A proxy that answers. */
export interface RunningTarget {
  /** Where callers connect. */
  readonly port: number;
  /** All of its processes. */
  readonly processes: readonly ProxyProcess[];
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
  /** Gateway processes of Understudy. */
  readonly gateways: number;
  /** A folder of this start's own. */
  readonly folder: string;
  /** Processes of the proxy write a CPU profile there; empty: none. */
  readonly profileFolder: string;
}

export type TargetName = 'direct' | 'http-proxy' | 'off' | 'full' | 'hung' | RivalName;

/** As fast as answers come, connections all at once and again, or requests a second. */
export type Pace = 'full' | 'ramp' | number;

export interface Target {
  /** Unique in a suite. */
  readonly key: string;
  readonly title: string;
  readonly pace: Pace;
  start(context: TargetContext): Promise<RunningTarget>;
}

const TITLES: Readonly<Record<TargetName, string>> = {
  direct: 'direct',
  'http-proxy': 'http-proxy',
  off: 'Understudy, mirror off',
  full: 'Understudy, 100 %',
  hung: 'Understudy, 100 %, hung',
  haproxy: 'HAProxy tcp',
  nginx: 'nginx mirror',
  envoy: 'Envoy mirror',
};

export function target(name: TargetName, pace: Pace = 'full'): Target {
  const isPaced = typeof pace === 'number';
  return {
    key: isPaced ? `${name}@${pace}` : name,
    title: isPaced ? `${TITLES[name]}, ${pace}/s` : TITLES[name],
    pace,
    start: (context) => start(name, context),
  };
}

function start(name: TargetName, context: TargetContext): Promise<RunningTarget> {
  const { candidatePort, hungPort } = context.peers;
  switch (name) {
    case 'direct':
      return startDirect(context);
    case 'http-proxy':
      return startHttpProxy(context);
    case 'off':
      return startUnderstudy(context, { mirror: false, candidatePort });
    case 'full':
      return startUnderstudy(context, { mirror: true, candidatePort });
    case 'hung':
      return startUnderstudy(context, { mirror: true, candidatePort: hungPort });
    default:
      return startRival(name, context);
  }
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
    processes: [{ name: 'http-proxy', pid: child.pid, isGateway: true }],
    counts: async () => null,
    settle: async () => '',
    stop: async () => {
      await child.stop();
    },
  };
}

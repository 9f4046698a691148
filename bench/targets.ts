/** What is compared, each started afresh for each run. */
import type { BenchCertificate } from './certificate.ts';
import type { Peers } from './peers.ts';
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
  /** Gateway processes of Understudy, threads of HAProxy. */
  readonly gateways: number;
  readonly certificate: BenchCertificate;
  /** A folder of this start's own. */
  readonly folder: string;
  /** For all its Node processes: `NODE_OPTIONS`, and what they read. */
  readonly env: Readonly<Record<string, string>>;
}

export type TargetName =
  | 'direct'
  | 'off'
  | 'full'
  | 'hung'
  | 'unbroken'
  | 'off-tls'
  | 'full-tls'
  | RivalName;

/** As fast as answers come, connections all at once and again, or requests a second. */
export type Pace = 'full' | 'ramp' | number;

export interface Target {
  /** Unique in a suite. */
  readonly key: string;
  readonly title: string;
  readonly pace: Pace;
  /** Callers speak TLS. */
  readonly secure: boolean;
  start(context: TargetContext): Promise<RunningTarget>;
}

const TITLES: Readonly<Record<TargetName, string>> = {
  direct: 'direct',
  off: 'Understudy, mirror off',
  full: 'Understudy, 100 %',
  hung: 'Understudy, 100 %, hung',
  unbroken: 'Understudy, hung, no breaker',
  'off-tls': 'Understudy TLS, mirror off',
  'full-tls': 'Understudy TLS, 100 %',
  'http-proxy': 'http-proxy',
  haproxy: 'HAProxy tcp',
  'haproxy-tls': 'HAProxy TLS',
  nginx: 'nginx mirror',
  'nginx-tls': 'nginx TLS',
  envoy: 'Envoy mirror',
};

const SECURE: ReadonlySet<TargetName> = new Set([
  'off-tls',
  'full-tls',
  'haproxy-tls',
  'nginx-tls',
]);

export function target(name: TargetName, pace: Pace = 'full'): Target {
  const isPaced = typeof pace === 'number';
  return {
    key: isPaced ? `${name}@${pace}` : name,
    title: isPaced ? `${TITLES[name]}, ${pace}/s` : TITLES[name],
    pace,
    secure: SECURE.has(name),
    start: (context) => start(name, context),
  };
}

/** With so many gateways, or threads of HAProxy, on all cores where they are more than one. */
export function scaledTarget(name: 'off' | 'haproxy', gateways: number): Target {
  const one = target(name);
  return {
    ...one,
    key: `${name}*${gateways}`,
    title: `${name === 'off' ? 'Understudy, gateways' : 'HAProxy tcp, threads'}: ${gateways}`,
    start: (context) => {
      const proxyCore = gateways === 1 ? (context.proxyCore ?? 1) : null;
      return start(name, { ...context, gateways, proxyCore });
    },
  };
}

function start(name: TargetName, context: TargetContext): Promise<RunningTarget> {
  const { candidatePort, hungPort } = context.peers;
  switch (name) {
    case 'direct':
      return startDirect(context);
    case 'off':
      return startUnderstudy(context, { mirror: false, candidate: urlOf(candidatePort) });
    case 'full':
      return startUnderstudy(context, { mirror: true, candidate: urlOf(candidatePort) });
    case 'hung':
      return startUnderstudy(context, { mirror: true, candidate: urlOf(hungPort) });
    case 'unbroken': {
      const candidate = [...urlOf(hungPort), 'breaker: null'];
      return startUnderstudy(context, { mirror: true, candidate });
    }
    case 'off-tls': {
      const candidate = urlOf(candidatePort);
      return startUnderstudy(context, { mirror: false, candidate, secure: true });
    }
    case 'full-tls': {
      const candidate = urlOf(candidatePort);
      return startUnderstudy(context, { mirror: true, candidate, secure: true });
    }
    default:
      return startRival(name, context);
  }
}

function urlOf(port: number): readonly string[] {
  return [`url: http://127.0.0.1:${port}`];
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

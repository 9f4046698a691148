/** What is measured together, and what it is held against. */
import { isInstalled, RIVALS, type RivalName } from './rivals.ts';
import { scaledTarget, type Target, type TargetName, target } from './targets.ts';

/** A target that others are shown as a ratio of, and how its column is headed. */
export interface Base {
  readonly key: string;
  readonly label: string;
}

export interface Suite {
  readonly name: RoundsSuiteName;
  readonly targets: readonly Target[];
  /** Requests a second are held against these. */
  readonly rateBases: readonly Base[];
  /** CPU a request, of the process in the callers' way and of all processes, is held against these. */
  readonly cpuBases: readonly Base[];
}

export const SUITES = {
  first: 'no proxy, http-proxy, and Understudy: mirror off, at 100 %, candidate hung, paced',
  gateway:
    'HAProxy tcp, the mirrors of nginx and Envoy, Understudy: off, 100 %, hung, hung without breaker',
  tls: 'TLS with callers: HAProxy, nginx, and Understudy: off, 100 %',
  whole: 'all processes of Understudy at 100 %, pairs on disk, beside the mirror of Envoy, paced',
  ramp: 'connections all at once, a request on each, again and again: HAProxy, Understudy off and 100 %',
  sick: 'a candidate sick in the ways M-01 to M-15, in turn with the mirror off, paced',
  tails: 'open loop at a lower rate: p99 at 100 % and hung against mirror off',
  stalls: 'the longest stalls of the gateway at half its capacity, and their causes; no rounds',
  scaling: 'one gateway, --gateways N (default 2) of them, HAProxy with as many threads',
} as const;
export type SuiteName = keyof typeof SUITES;
/** Those that are measured in rounds of all targets; the others: sick.ts, stalls.ts. */
export type RoundsSuiteName = Exclude<SuiteName, 'stalls' | 'sick'>;

export function isSuite(name: string): name is SuiteName {
  return name in SUITES;
}

export interface SuiteOptions {
  /** Requests a second of the paced rows; 0: without them. */
  readonly pacedRate: number;
  /** Of `scaling`. */
  readonly gateways: number;
}

export function createSuite(name: RoundsSuiteName, options: SuiteOptions): Suite {
  const { pacedRate, gateways } = options;
  switch (name) {
    case 'first': {
      const paced = pacedRate === 0 ? [] : [target('full', pacedRate)];
      const names = ['direct', 'http-proxy', 'off', 'full', 'hung'] as const;
      return {
        name,
        targets: [...names.map((one) => target(one)), ...paced],
        rateBases: [base('direct', '×direct'), base('http-proxy', '×h-p')],
        cpuBases: [base('http-proxy', '×h-p')],
      };
    }
    case 'gateway': {
      const names = installed(['haproxy', 'off', 'full', 'hung', 'unbroken', 'nginx', 'envoy']);
      return {
        name,
        targets: names.map((one) => target(one)),
        rateBases: [base('haproxy', '×haproxy'), base('off', '×off')],
        cpuBases: [
          base('haproxy', '×haproxy'),
          base('nginx', '×nginx'),
          base('envoy', '×envoy'),
          base('off', '×off'),
        ],
      };
    }
    case 'tls': {
      const names = installed(['haproxy-tls', 'nginx-tls', 'off-tls', 'full-tls']);
      const bases = [base('haproxy-tls', '×haproxy'), base('nginx-tls', '×nginx')];
      return { name, targets: names.map((one) => target(one)), rateBases: bases, cpuBases: bases };
    }
    case 'scaling': {
      const many = Math.max(2, gateways);
      const targets = (['off', 'haproxy'] as const)
        .filter((one) => one === 'off' || isInstalled(one))
        .flatMap((one) => [scaledTarget(one, 1), scaledTarget(one, many)]);
      const bases = [base('off*1', '×one'), base('haproxy*1', '×one haproxy')];
      return { name, targets, rateBases: bases, cpuBases: bases };
    }
    case 'whole': {
      const names = installed(['haproxy', 'off', 'full', 'envoy']);
      return {
        name,
        targets: names.map((one) => target(one, pacedRate)),
        rateBases: [],
        cpuBases: [base(`haproxy@${pacedRate}`, '×haproxy'), base(`envoy@${pacedRate}`, '×envoy')],
      };
    }
    case 'ramp': {
      const names = installed(['haproxy', 'off', 'full']);
      return {
        name,
        targets: names.map((one) => target(one, 'ramp')),
        rateBases: [base('haproxy', '×haproxy')],
        cpuBases: [base('haproxy', '×haproxy')],
      };
    }
    case 'tails':
      return {
        name,
        targets: (['off', 'full', 'hung'] as const).map((one) => target(one, pacedRate)),
        rateBases: [],
        cpuBases: [base(`off@${pacedRate}`, '×off')],
      };
  }
}

/** @param only - names of targets; empty: all; @throws {Error} where none is left */
export function narrowed(suite: Suite, only: readonly string[]): Suite {
  if (only.length === 0) return suite;
  const isWanted = (key: string): boolean => only.includes(key.replace(/[@*].*/, ''));
  const targets = suite.targets.filter(({ key }) => isWanted(key));
  if (targets.length === 0) throw new Error(`--only ${only.join(',')}: no target of ${suite.name}`);
  const bases = (all: readonly Base[]): Base[] => all.filter(({ key }) => isWanted(key));
  return { ...suite, targets, rateBases: bases(suite.rateBases), cpuBases: bases(suite.cpuBases) };
}

function base(key: string, label: string): Base {
  return { key, label };
}

function installed(names: readonly TargetName[]): TargetName[] {
  return names.filter((name) => !isRival(name) || isInstalled(name));
}

function isRival(name: TargetName): name is RivalName {
  return name in RIVALS;
}

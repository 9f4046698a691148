/** What is measured together, and what it is held against. */
import { isInstalled, RIVALS, type RivalName } from './rivals.ts';
import { type Target, type TargetName, target } from './targets.ts';

/** A target that others are shown as a ratio of, and how its column is headed. */
export interface Base {
  readonly key: string;
  readonly label: string;
}

export interface Suite {
  readonly name: SuiteName;
  readonly targets: readonly Target[];
  /** Requests a second are held against these. */
  readonly rateBases: readonly Base[];
  /** CPU a request, of the process in the callers' way and of all processes, is held against these. */
  readonly cpuBases: readonly Base[];
}

export const SUITES = {
  first: 'no proxy, http-proxy, and Understudy: mirror off, at 100 %, candidate hung, paced',
  gateway: 'HAProxy tcp, the mirrors of nginx and Envoy, and Understudy: off, 100 %, hung',
  whole: 'all processes of Understudy at 100 %, pairs on disk, beside the mirror of Envoy, paced',
  ramp: 'connections all at once, a request on each, again and again: HAProxy, Understudy off and 100 %',
  tails: 'open loop at half the capacity of the slowest: p99 at 100 % and hung against mirror off',
} as const;
export type SuiteName = keyof typeof SUITES;

export function isSuite(name: string): name is SuiteName {
  return name in SUITES;
}

/** @param pacedRate - requests a second of the paced rows; 0: without them */
export function createSuite(name: SuiteName, pacedRate: number): Suite {
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
      const names = installed(['haproxy', 'off', 'full', 'hung', 'nginx', 'envoy']);
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

function base(key: string, label: string): Base {
  return { key, label };
}

function installed(names: readonly TargetName[]): TargetName[] {
  return names.filter((name) => !isRival(name) || isInstalled(name));
}

function isRival(name: TargetName): name is RivalName {
  return name in RIVALS;
}

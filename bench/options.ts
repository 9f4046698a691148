/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { isSuite, SUITES, type SuiteName } from './suites.ts';

export interface BenchOptions {
  readonly suite: SuiteName;
  /** Rounds to keep. */
  readonly rounds: number;
  /** Measured, a run. */
  readonly seconds: number;
  readonly connections: readonly number[];
  /** Requests a second of paced runs; 0: none, or in `tails` and `stalls` as much as can be measured. */
  readonly pacedRate: number;
  /** Targets of the suite to leave the others out; empty: all. */
  readonly only: readonly string[];
  readonly bodyBytes: number;
  /** Each request on a connection of its own. */
  readonly close: boolean;
  /** Gateway processes of Understudy. */
  readonly gateways: number;
  /** Core of mirror, admin and supervisor; `null`: the gateway's. */
  readonly backstageCore: number | null;
  /** Neither nginx nor wrk, even where they are. */
  readonly plain: boolean;
  readonly json: boolean;
  readonly save: boolean;
  /** Profiles Understudy at 100 % instead of comparing. */
  readonly profile: boolean;
  /** No new round begins later, seconds. */
  readonly budget: number;
}

const suiteLines = Object.entries(SUITES).map(([name, what]) => `  ${name.padEnd(8)} ${what}`);

export const HELP = `npm run bench -- [options]

Compares requests a second, latency, CPU and memory of proxies in turn, round after round. Suites:

${suiteLines.join('\n')}

  --suite NAME        what is compared (default first)
  --rounds N          rounds to keep (default 5, sick 3); each measures everything once
  --seconds N         measured seconds of a run, after 1 s of warm-up (default 4, sick 2, stalls 60)
  --connections N,M   keep-alive connections of callers (default 32)
  --paced N           requests a second of paced runs (default: first 1000, whole 5000, sick 500; tails, stalls:
                      half of what the slowest can, or what 40 % of the generator's core give, if that is
                      less; 0 in first: without them)
  --only NAME,NAME    these targets of the suite alone: haproxy, off, full, hung, unbroken, nginx, envoy, …
  --body BYTES        size of a request's JSON (default 400)
  --close             each request on a connection of its own
  --gateways N        gateway processes of Understudy, on all cores where there is more than one
  --backstage-core N  mirror, admin, supervisor on this core (default: the gateway's)
  --budget SECONDS    no round begins that would not end in time (default 350)
  --plain             Node's own server and autocannon, even where nginx and wrk are there
  --json              all measurements as JSON instead of tables
  --save              writes tables and conditions to bench/RESULTS.md as well
  --profile           where the gateway at 100 % spends its time, instead of a comparison
`;

/** @returns `null` when help was asked for; @throws {Error} with one sentence */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string', default: '32' },
      suite: { type: 'string', default: 'first' },
      paced: { type: 'string' },
      only: { type: 'string', default: '' },
      body: { type: 'string', default: '400' },
      close: { type: 'boolean', default: false },
      gateways: { type: 'string', default: '1' },
      'backstage-core': { type: 'string' },
      budget: { type: 'string', default: '350' },
      plain: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const core = values['backstage-core'];
  const { suite } = values;
  if (!isSuite(suite)) {
    throw new Error(`--suite ${suite}: expected one of ${Object.keys(SUITES).join(', ')}`);
  }
  return {
    suite,
    rounds: toNumber('rounds', values.rounds ?? (suite === 'sick' ? '3' : '5'), 1, 100),
    seconds: toNumber('seconds', values.seconds ?? DEFAULT_SECONDS[suite] ?? '4', 1, 600),
    connections: values.connections
      .split(',')
      .map((text) => toNumber('connections', text, 1, 8_000)),
    pacedRate: toNumber('paced', values.paced ?? DEFAULT_PACE[suite], 0, 20_000),
    only: values.only.split(',').filter((name) => name !== ''),
    bodyBytes: toNumber('body', values.body, 1, 1_000_000),
    close: values.close,
    gateways: toNumber('gateways', values.gateways, 1, 64),
    backstageCore: core === undefined ? null : toNumber('backstage-core', core, 0, 1_023),
    budget: toNumber('budget', values.budget, 1, 7_200),
    plain: values.plain,
    json: values.json,
    save: values.save,
    profile: values.profile,
  };
}

const DEFAULT_SECONDS: Readonly<Partial<Record<SuiteName, string>>> = { sick: '2', stalls: '60' };

/** Requests a second of a suite's paced rows. */
export const DEFAULT_PACE: Readonly<Record<SuiteName, string>> = {
  first: '1000',
  gateway: '0',
  whole: '5000',
  ramp: '0',
  sick: '500',
  tails: '0',
  tls: '0',
  stalls: '0',
  scaling: '0',
};

function toNumber(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && text !== '' && number >= min && number <= max) return number;
  throw new Error(`--${name} ${text}: expected a whole number from ${min} to ${max}`);
}

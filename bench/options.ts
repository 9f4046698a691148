/** The command line of the bench. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Rounds to keep. */
  readonly rounds: number;
  /** Measured, a run. */
  readonly seconds: number;
  readonly connections: readonly number[];
  /** Requests a second of the paced run; 0: none. */
  readonly pacedRate: number;
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

export const HELP = `npm run bench -- [options]

Compares requests a second, latency, CPU and memory of: no proxy, http-proxy, and Understudy with its
mirror off, at 100 %, at 100 % with a candidate that hangs, and at 100 % at a paced rate.

  --rounds N          rounds to keep (default 5); each measures everything once
  --seconds N         measured seconds of a run, after 1 s of warm-up (default 4)
  --connections N,M   keep-alive connections of callers (default 32)
  --paced N           requests a second of the paced run (default 1000; 0: without it)
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
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '32' },
      paced: { type: 'string', default: '1000' },
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
  return {
    rounds: toNumber('rounds', values.rounds, 1, 100),
    seconds: toNumber('seconds', values.seconds, 1, 60),
    connections: values.connections
      .split(',')
      .map((text) => toNumber('connections', text, 1, 1_000)),
    pacedRate: toNumber('paced', values.paced, 0, 20_000),
    backstageCore: core === undefined ? null : toNumber('backstage-core', core, 0, 1_023),
    budget: toNumber('budget', values.budget, 1, 7_200),
    plain: values.plain,
    json: values.json,
    save: values.save,
    profile: values.profile,
  };
}

function toNumber(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && text !== '' && number >= min && number <= max) return number;
  throw new Error(`--${name} ${text}: expected a whole number from ${min} to ${max}`);
}

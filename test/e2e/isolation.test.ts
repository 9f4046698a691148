/**
 * M-01 to M-14 of the isolation cases: a candidate sick in one way, under load, then well again. In each: callers get
 * the incumbent's bytes and no exchange fails, every copy ends in the state that the case names, the sums are
 * exact, memory stays bounded, and with the candidate's health the pairs come back by themselves.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { Authority, writeCertificate } from '../support/certificates.ts';
import type { Sickness } from '../support/sick-candidate.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { CandidateProcess, type Certificates } from './candidate-process.ts';
import { Incumbent } from './incumbent.ts';
import {
  exchangesOf,
  expectPairsOf,
  Instance,
  type InstanceOptions,
  legsOf,
  type Sections,
} from './instance.ts';
import { expectServed, Load, type LoadOptions } from './load.ts';
import { MemoryWatch } from './memory-watch.ts';
import { closeWithTest } from './server.ts';

vi.setConfig({ testTimeout: 120_000 });

const MiB = 1024 * 1024;
/** So many copies meet the sickness at least, and so many pairs come after it. */
const SICK_COPIES = 20;
const PAIRS_AFTER = 20;
/** An idle Node has 100 to 130; what the caps of these instances allow comes on top. */
const MAX_GATEWAY_MIB = 320;
const MAX_MIRROR_MIB = 420;

interface Case {
  readonly number: string;
  readonly name: string;
  /** `null`: nobody listens there. */
  readonly sickness: Sickness | null;
  /** What becomes of its copies. */
  readonly states: readonly string[];
  readonly timeoutMs?: number;
  readonly load?: Omit<LoadOptions, 'port'>;
}

/** 1 MiB with its head, the most that is mirrored. */
const upload = (number: number): { body: string } => ({
  body: `{"amount":${number},"pad":"${'x'.repeat(MiB - 4_096)}"}`,
});

/** Each copy makes the candidate pour megabytes into the loopback: on a busy machine many leave nobody any time. */
const POURING = { ratePerSecond: 10 };

const CASES: readonly Case[] = [
  { number: 'M-01', name: 'refuses', sickness: null, states: ['candidate_error(refused)'] },
  {
    number: 'M-02',
    name: 'resets before its head',
    sickness: 'resets',
    states: ['candidate_error(reset)'],
  },
  {
    number: 'M-02',
    name: 'resets after its head',
    sickness: 'resets-after-head',
    states: ['candidate_error(reset)'],
  },
  {
    number: 'M-02',
    name: 'resets in its body',
    sickness: 'resets-in-body',
    states: ['candidate_error(reset)'],
  },
  {
    number: 'M-03',
    name: 'never reads what callers upload, 1 MiB each',
    sickness: 'zero-window',
    states: ['candidate_timeout', 'shed(mirror_memory)', 'shed(queue_age)'],
    timeoutMs: 1_500,
    load: { requestOf: upload, ratePerSecond: 25 },
  },
  {
    number: 'M-04',
    name: 'never answers',
    sickness: 'hangs',
    states: ['candidate_timeout'],
    timeoutMs: 1_500,
  },
  { number: 'M-05', name: 'answers after two seconds', sickness: 'slow', states: ['paired'] },
  {
    number: 'M-06',
    name: 'sends a byte a second',
    sickness: 'drips',
    states: ['candidate_timeout'],
    timeoutMs: 2_500,
  },
  { number: 'M-07', name: 'answers 500', sickness: 'answers-500', states: ['paired'] },
  {
    number: 'M-08',
    name: 'speaks another protocol',
    sickness: 'garbage',
    states: ['candidate_error(malformed)'],
  },
  {
    number: 'M-09',
    name: 'sends headers without end',
    sickness: 'endless-head',
    states: ['candidate_error(malformed)'],
    load: POURING,
  },
  {
    number: 'M-10',
    name: 'answers with a gibibyte',
    sickness: 'gibibyte-body',
    states: ['candidate_error(too_large)'],
    load: POURING,
  },
  { number: 'M-11', name: 'redirects to another host', sickness: 'redirects', states: ['paired'] },
  { number: 'M-14', name: 'is killed', sickness: 'answers', states: ['paired'] },
];

interface Scene {
  readonly incumbent: Incumbent;
  readonly candidate: CandidateProcess;
  readonly instance: Instance;
  readonly memory: MemoryWatch;
}

async function setScene(
  candidate: CandidateProcess,
  section: Sections,
  more: Pick<InstanceOptions, 'hosts' | 'env'> = {},
): Promise<Scene> {
  const incumbent = closeWithTest(await Incumbent.start());
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [
      {
        name: 'cand',
        url: `http://127.0.0.1:${candidate.port}`,
        maxInFlight: 256,
        breaker: null,
        ...section,
      },
    ],
    sections: {
      gateway: { maxHeldBytes: 32 * MiB, maxWireBytes: 16 * MiB, heartbeatTimeoutMs: 120_000 },
      mirror: { maxQueuedBytes: 32 * MiB, maxQueueAgeMs: 60_000 },
    },
    ...more,
  });
  const memory = await MemoryWatch.of(instance, ['gw0', 'mirror']);
  return { incumbent, candidate, instance, memory };
}

/** Copies that have ended, whatever became of them. */
async function ended(instance: Instance): Promise<number> {
  const { legs } = await instance.mirror();
  return legs.reduce((sum, { count }) => sum + count, 0);
}

/** Waits for the sickness to show, heals, waits for pairs, and holds what every case must hold. */
async function expectIsolated(
  { incumbent, instance, memory }: Scene,
  options: {
    readonly load?: Case['load'];
    readonly states: readonly string[];
    readonly heal: () => Promise<unknown>;
  },
): Promise<void> {
  const load = await Load.start({ port: instance.port, ratePerSecond: 60, ...options.load });
  await until('copies have met it', async () => (await ended(instance)) >= SICK_COPIES, 60_000);
  await options.heal();
  const before = await instance.legsIn('paired');
  const pairs = async () => (await instance.legsIn('paired')) >= before + PAIRS_AFTER;
  await until('pairs come back', pairs, 60_000);
  await load.stop();
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path, { timeoutMs: 60_000 });
  const { offered = 0, ...others } = exchangesOf(waterfall);
  const shed = Object.keys(others).filter(
    (state) => !/^shed\((gateway_memory|wire_full)\)$/.test(state),
  );
  expect(shed).toEqual([]);
  const legs = legsOf(waterfall);
  for (const state of options.states) {
    if (!state.startsWith('shed')) expect(legs[state], JSON.stringify(legs)).toBeGreaterThan(0);
  }
  // What was under way when it was healed, by a kill, was cut off or found nobody.
  const allowed = [
    ...options.states,
    'paired',
    'candidate_error(reset)',
    'candidate_error(refused)',
  ];
  expect(Object.keys(legs).filter((state) => !allowed.includes(state))).toEqual([]);
  expect(Object.values(legs).reduce((sum, count) => sum + count, 0)).toBe(offered);
  expectPairsOf(instance, waterfall);
  const [gateway, mirror] = [memory.mostMiB('gw0'), memory.mostMiB('mirror')];
  expect(gateway).toBeLessThan(MAX_GATEWAY_MIB);
  expect(mirror).toBeLessThan(MAX_MIRROR_MIB);
  console.info(`gateway ${gateway} MiB, mirror ${mirror} MiB at most; ${JSON.stringify(legs)}`);
}

test.each(CASES)(
  '$number a candidate that $name',
  async ({ sickness, states, timeoutMs, load }) => {
    const candidate = await CandidateProcess.create();
    if (sickness !== null) await candidate.start(sickness);
    const scene = await setScene(candidate, { timeoutMs: timeoutMs ?? 20_000 });
    await expectIsolated(scene, { states, load, heal: () => candidate.heal() });
  },
);

const canMount = process.getuid?.() === 0;

test.skipIf(!canMount)(
  'M-12 a candidate whose name does not resolve (another hosts file needs root)',
  async () => {
    const candidate = await CandidateProcess.create();
    await candidate.start('answers');
    const hosts = join(tempFolder(), 'hosts');
    writeFileSync(hosts, '127.0.0.1 localhost\n');
    const url = `http://candidate.invalid:${candidate.port}`;
    const scene = await setScene(candidate, { url, timeoutMs: 20_000 }, { hosts });
    await expectIsolated(scene, {
      states: ['candidate_error(unresolved)'],
      heal: async () => writeFileSync(hosts, '127.0.0.1 localhost candidate.invalid\n'),
    });
  },
);

const DAY_MS = 86_400_000;

test.each([
  ['has expired', { names: ['127.0.0.1'], notAfter: new Date(Date.now() - DAY_MS / 2) }],
  ['is of another name', { names: ['elsewhere.example'] }],
])('M-13 a candidate whose certificate %s', async (_, wrong) => {
  const authority = new Authority();
  const folder = tempFolder();
  const certificate = (name: string, options: object): Certificates =>
    writeCertificate(folder, name, authority.issue({ commonName: 'candidate', ...options }));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, authority.cert);
  const candidate = await CandidateProcess.create();
  await candidate.start('answers', certificate('wrong', wrong));
  const section = { url: `https://127.0.0.1:${candidate.port}`, timeoutMs: 20_000 };
  const scene = await setScene(candidate, section, { env: { NODE_EXTRA_CA_CERTS: caFile } });
  await expectIsolated(scene, {
    states: ['candidate_error(tls)'],
    // Each copy is a handshake of its own: milliseconds of the mirror's time.
    load: { ratePerSecond: 10 },
    heal: () => candidate.heal(certificate('right', { names: ['127.0.0.1'] })),
  });
});

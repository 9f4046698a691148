/**
 * Planted regressions through whole processes: callers, a real `understudy serve`, a real candidate, the journal, the
 * verdict and its exit code. Cuts are of event time, so short gates change the wait and nothing else.
 */
import { expect, test, vi } from 'vitest';
import { until } from '../support/until.ts';
import { type Behaviour, TestCandidate } from './candidate.ts';
import { scoreOf } from './exchanges.ts';
import { Incumbent } from './incumbent.ts';
import { type Ended, Instance } from './instance.ts';
import { Load } from './load.ts';
import { headerOf } from './request-reader.ts';
import { closeWithTest } from './server.ts';

const PAIRS = 2_400;
const RATE = 150;

// Whole instances on a busy machine, and some minutes of traffic.
vi.setConfig({ testTimeout: 240_000 });
/** Every fifth exchange is of segment `gold`. */
const isGold = (number: number): boolean => number % 5 === 0;

/** What the candidate answers: as the incumbent, but for what is changed. */
function answering(
  change: (number: number) => {
    readonly score?: string;
    readonly label?: string;
    readonly version?: string;
    readonly delayMs?: number;
  } = () => ({}),
): Behaviour {
  return (socket, { head }) => {
    const number = Number(headerOf(head, 'x-number'));
    const { score, label, version, delayMs = 0 } = change(number);
    const body = `{"score":${score ?? scoreOf(number)},"label":"${label ?? 'good'}","model_version":"${version ?? 'cand-1'}"}`;
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    if (delayMs === 0) socket.write(answer);
    else setTimeout(() => socket.write(answer), delayMs);
  };
}

interface Planted {
  readonly behaviour: Behaviour;
  readonly analysis?: Readonly<Record<string, unknown>>;
  readonly candidate?: Readonly<Record<string, unknown>>;
  readonly pairs?: number;
  readonly ratePerSecond?: number;
  /** Once half of the pairs are there. */
  readonly midway?: (of: { readonly candidate: TestCandidate }) => void;
}

/** Runs the traffic. @returns `understudy verdict --format json` once it is what it will be, or the last one */
async function judge(planted: Planted): Promise<{ ended: Ended; instance: Instance }> {
  const incumbent = closeWithTest(await Incumbent.start());
  const candidate = closeWithTest(await TestCandidate.start());
  candidate.behaviour = planted.behaviour;
  const pairs = planted.pairs ?? PAIRS;
  const analysis = {
    profile: 'demo',
    gates: { minPairs: 1_000, minSegmentPairs: 200, minDurationMs: 2_000 },
    ...{ cutMs: 1_000, windowMs: 10_000, settleMs: 5_000 },
    margins: {
      ...{ errors: 0.1, labelFlips: 0.05, scoreDifference: 0.1, scoreBias: 0.1 },
      ...{ outsideTolerance: 0.05, overObjective: null },
    },
    ...planted.analysis,
  };
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [{ ...candidate.section(), timeoutMs: 20_000, ...planted.candidate }],
    sections: {
      analysis,
      routes: [{ name: 'score', path: '/v1/score', capture: ['/tier'], prediction: PREDICTION }],
      mirror: { maxQueueAgeMs: 40_000 },
    },
  });
  await until('the analysis runs', async () => {
    return ((await instance.admin()).analysis?.verdicts.length ?? 0) > 0;
  });
  const load = await Load.start({
    ...{ port: instance.port, ratePerSecond: planted.ratePerSecond ?? RATE },
    requestOf: (number) => ({
      body: `{"amount":${number},"tier":"${isGold(number) ? 'gold' : 'base'}"}`,
    }),
  });
  await load.answers(Math.floor(pairs / 2), 120_000);
  planted.midway?.({ candidate });
  await load.answers(Math.ceil(pairs / 2), 120_000);
  await load.stop();
  let ended = await instance.cli('verdict', '--format', 'json');
  await until(
    'a verdict that stands',
    async () => {
      ended = await instance.cli('verdict', '--format', 'json');
      return ended.code !== 13 && ended.code !== 1;
    },
    90_000,
  ).catch(() => undefined);
  // What the books say stands beside a verdict that is not the expected one.
  const books = (await instance.cli('status')).stdout;
  return { ended: { ...ended, stderr: `${ended.stdout}\n${books}` }, instance };
}

const PREDICTION = { score: '/score', label: '/label', modelVersion: '/model_version' };
const GOLD = { segments: [{ name: 'gold', pointer: '/tier', value: 'gold' }] };

/** What decided it: FAIL's sentences, INVALID's gates. */
function told({ stdout }: Ended): { verdict: string; drivers: string[]; reasons: string[] } {
  const [{ verdict, drivers, gates }] = JSON.parse(stdout).verdicts;
  return { verdict, drivers, reasons: gates.map(({ reason }: { reason: string }) => reason) };
}

test('the identical candidate passes, segment and all', async () => {
  const { ended, instance } = await judge({ behaviour: answering(), analysis: GOLD });
  expect(ended.code, ended.stderr).toBe(0);
  expect(told(ended)).toMatchObject({ verdict: 'PASS', reasons: [] });
  const report = await instance.cli('report', '--format', 'json');
  const [{ segments, examples }] = JSON.parse(report.stdout).reports;
  expect(segments).toMatchObject([{ name: '' }, { name: 'gold', flips: 0 }]);
  expect(examples).toEqual([]);
});

test('2 % of flips in one named segment are a FAIL that names it', async () => {
  const margins = { ...{ labelFlips: 0.004, scoreDifference: 0.1, scoreBias: 0.1 }, errors: 0.1 };
  const { ended } = await judge({
    // One in fifty of the segment: 2 % there, 0.4 % of all.
    behaviour: answering((number) => (number % 250 === 0 ? { label: 'bad' } : {})),
    analysis: { ...GOLD, margins: { ...margins, outsideTolerance: null, overObjective: null } },
    pairs: 6_000,
  });
  expect(ended.code, ended.stderr).toBe(10);
  expect(told(ended).drivers).toEqual([expect.stringMatching(/^in segment gold: flips .* over/)]);
});

test('a candidate that is 3 ms slower is a FAIL of latency alone', async () => {
  const margins = { ...{ errors: 0.1, labelFlips: 0.05, scoreDifference: 0.1, scoreBias: 0.1 } };
  const { ended } = await judge({
    behaviour: answering(() => ({ delayMs: 3 })),
    analysis: {
      slowerByMs: 1,
      // On a machine that is slow itself, single pairs say anything.
      margins: { ...margins, outsideTolerance: 0.05, overObjective: null, slower: 0.2 },
    },
  });
  expect(ended.code, ended.stderr).toBe(10);
  expect(told(ended).drivers).toEqual([expect.stringMatching(/^answers slower by 1 ms/)]);
});

test('NaN once in 50,000 is a FAIL by the contract', async () => {
  let copies = 0;
  const { ended } = await judge({
    behaviour: answering(() => {
      copies += 1;
      return copies === 33_333 ? { score: 'NaN' } : {};
    }),
    pairs: 50_000,
    ratePerSecond: 700,
  });
  expect(ended.code, ended.stderr).toBe(10);
  const [first = ''] = told(ended).drivers;
  const [, pairs = ''] = /^1 of ([\d,]+) pairs broke the contract, none may$/.exec(first) ?? [];
  expect(Number(pairs.replaceAll(',', '')), first).toBeGreaterThan(33_000);
});

test('a model that is swapped midway makes it INVALID', async () => {
  const { ended } = await judge({
    behaviour: answering(),
    midway: ({ candidate }) => {
      candidate.behaviour = answering(() => ({ version: 'cand-2' }));
    },
  });
  // It may have passed before: the PASS is withdrawn, and INVALID stands.
  expect(ended.code, ended.stderr).toBe(11);
  expect(told(ended).reasons).toContain('model_version_changed');
});

test('a tenth of the copies lost makes it INVALID, whatever the pairs say', async () => {
  const { ended } = await judge({
    behaviour: answering(),
    // Fewer copies a second than requests: the rest is shed, and counted.
    candidate: { maxRequestsPerSecond: RATE * 0.8 },
  });
  expect(ended.code, ended.stderr).toBe(11);
  expect(told(ended).reasons).toContain('coverage');
});

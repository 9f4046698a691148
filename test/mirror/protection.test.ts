import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import type { HttpCandidateConfig } from '../../src/config/types.ts';
import { drawnNumber } from '../../src/wire/selection.ts';
import { until } from '../support/until.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  type Rig,
  SECRET,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { WireClient } from './wire-client.ts';

const BODY = '{"score":0.5,"label":"bad"}';
const BREAKER = {
  failureRate: 0.5,
  minRequests: 5,
  windowMs: 60_000,
  openMs: 50,
  maxOpenMs: 50,
  probes: 2,
};

async function connected(rig: Rig): Promise<WireClient> {
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  return gateway;
}

/** A candidate whose answer the test decides, and a mirror in front of it. */
async function start(
  candidate: Partial<HttpCandidateConfig>,
  answer: (response: ServerResponse, count: number) => void = (response) => response.end(BODY),
  heapUse?: () => number,
) {
  let count = 0;
  const url = await serveHttp((request, response) => {
    request.resume();
    count += 1;
    answer(response, count);
  });
  const config = mirrorConfig([httpCandidate(url, candidate)]);
  const rig = await startMirror(config, heapUse === undefined ? {} : { heapUse });
  return { rig, gateway: await connected(rig), calls: () => count };
}

const guardOf = (rig: Rig) => {
  const guard = rig.mirror.status().candidates[0]?.guard;
  if (guard === undefined) throw new Error('no candidate');
  return guard;
};

describe('what protects a candidate', () => {
  it('sends no more copies a second than its cap, and sheds the rest as request_rate', async () => {
    const { rig, gateway, calls } = await start({ maxRequestsPerSecond: 0.001 });
    for (let i = 0; i < 50; i++) gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'shed', 'request_rate')).toBe(49);
    expect(calls()).toBe(1);
    expect(guardOf(rig)).toMatchObject({ requestsPerSecond: 0.001 });
    expect(guardOf(rig).requestRateUse).toBeCloseTo(1);
    expectBalancedBooks(rig, gateway);
  });

  it('sends no more copies a day than its budget, over restarts too', async () => {
    const { rig, gateway, calls } = await start({ maxRequestsPerDay: 7 });
    for (let i = 0; i < 10; i++) gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'shed', 'daily_budget')).toBe(3);
    expect(calls()).toBe(7);
    expect(guardOf(rig)).toMatchObject({ requestsToday: 7, maxRequestsPerDay: 7 });
    expectBalancedBooks(rig, gateway);
    const again = await startMirror(
      mirrorConfig([httpCandidate('http://127.0.0.1:9', { maxRequestsPerDay: 7 })]),
      { committed: rig.recorder.books },
    );
    expect(guardOf(again).requestsToday).toBe(7);
  });

  it('flags its first copies as warm_up, shows them, and leaves them out of latencies', async () => {
    const { rig, gateway } = await start({ warmUpRequests: 3, maxInFlight: 1 });
    for (let i = 0; i < 5; i++) gateway.offer();
    await settled(rig, gateway);
    const flags = rig.recorder.pairs.map((pair) => pair.flags.includes('warm_up'));
    expect(flags).toEqual([true, true, true, false, false]);
    const [candidate] = rig.mirror.status().candidates;
    expect(candidate?.warmUps).toBe(3);
    expect(candidate?.guard.warmUpLeft).toBe(0);
    expect(candidate?.candidateSeconds.count).toBeLessThanOrEqual(2);
  });

  it('pauses a candidate that fails, tries it with live copies, and resumes by itself', async () => {
    let isSick = true;
    const { rig, gateway, calls } = await start(
      { breaker: BREAKER, maxInFlight: 1, warmUpRequests: 1 },
      (response) => {
        response.statusCode = isSick ? 500 : 200;
        response.end(BODY);
      },
    );
    for (let i = 0; i < 20; i++) gateway.offer();
    await settled(rig, gateway);
    expect(guardOf(rig).breaker).toMatchObject({ state: 'open', opens: 1, failureRate: 1 });
    expect(calls()).toBe(5);
    expect(legsIn(rig, 'breaker_open')).toBe(15);
    expect(legsIn(rig, 'paired')).toBe(5);
    isSick = false;
    await until('closed', () => {
      gateway.offer();
      return guardOf(rig).breaker?.state === 'closed';
    });
    await settled(rig, gateway);
    expect(guardOf(rig).breaker?.brokenMs).toBeGreaterThanOrEqual(50);
    const wellAgain = rig.recorder.pairs.slice(7);
    gateway.offer();
    await settled(rig, gateway);
    // It has probably been started again, so it warms up again.
    expect([...wellAgain, ...rig.recorder.pairs.slice(7)][0]?.flags).toContain('warm_up');
    expectBalancedBooks(rig, gateway);
  });

  it('sheds what was too old or over the budget anyway, though the breaker is open', async () => {
    const breaker = { ...BREAKER, openMs: 60_000, maxOpenMs: 60_000 };
    const { rig, gateway } = await start(
      { breaker, maxRequestsPerDay: 9, maxInFlight: 1 },
      (response) => response.destroy(),
    );
    for (let i = 0; i < 6; i++) gateway.offer();
    await settled(rig, gateway);
    gateway.offer({}, { endMs: performance.now() - 1e9 });
    for (let i = 0; i < 6; i++) gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'candidate_error')).toBe(5);
    expect(legsIn(rig, 'shed', 'queue_age')).toBe(1);
    expect(legsIn(rig, 'breaker_open')).toBe(4);
    expect(legsIn(rig, 'shed', 'daily_budget')).toBe(3);
    expectBalancedBooks(rig, gateway);
  });

  it('spares the sick one of two candidates, and sends the other all copies as before', async () => {
    const sick = await serveHttp((_request, response) => {
      response.statusCode = 503;
      response.end();
    });
    const well = await serveHttp((_request, response) => response.end(BODY));
    const breaker = { ...BREAKER, openMs: 60_000, maxOpenMs: 60_000 };
    const rig = await startMirror(
      mirrorConfig([
        httpCandidate(sick, { name: 'sick', breaker, maxInFlight: 1 }),
        httpCandidate(well, { name: 'well', breaker, maxRequestsPerDay: 1_000 }),
      ]),
    );
    const gateway = await connected(rig);
    for (let i = 0; i < 60; i++) gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired', '', 'well')).toBe(60);
    expect(legsIn(rig, 'breaker_open', '', 'sick')).toBe(55);
    const [first, second] = rig.mirror.status().candidates;
    expect([first?.guard.breaker?.state, second?.guard.breaker?.state]).toEqual(['open', 'closed']);
    expectBalancedBooks(rig, gateway);
  });

  it('takes no offence at errors that the incumbent gives to the same requests', async () => {
    const { rig, gateway } = await start({ breaker: BREAKER }, (response) => {
      response.statusCode = 500;
      response.end('boom');
    });
    for (let i = 0; i < 50; i++) gateway.offer({ status: i % 2 === 0 ? 503 : 422 });
    await settled(rig, gateway);
    expect(guardOf(rig).breaker).toMatchObject({ state: 'closed', failureRate: 0 });
    expect(legsIn(rig, 'paired')).toBe(50);
    for (let i = 0; i < 5; i++) gateway.offer({ status: 200 });
    await settled(rig, gateway);
    expect(guardOf(rig).breaker?.state).toBe('open');
    expectBalancedBooks(rig, gateway);
  });

  it('opens on timeouts, and refuses what waits behind them', async () => {
    const { rig, gateway } = await start(
      {
        breaker: { ...BREAKER, openMs: 60_000, maxOpenMs: 60_000 },
        timeoutMs: 100,
        maxInFlight: 5,
      },
      () => {},
    );
    for (let i = 0; i < 30; i++) gateway.offer();
    await settled(rig, gateway);
    // Each of the first four that end lets another one in.
    expect(legsIn(rig, 'candidate_timeout')).toBe(9);
    expect(legsIn(rig, 'breaker_open')).toBe(21);
    expectBalancedBooks(rig, gateway);
  });

  it('lets copies in flight follow a latency objective, and sheds the rest as adaptive_limit', async () => {
    const held: ServerResponse[] = [];
    const { rig, gateway } = await start(
      { adaptive: { latencyMs: 1_000, minInFlight: 2 }, maxInFlight: 64 },
      (response) => held.push(response),
    );
    for (let i = 0; i < 20; i++) gateway.offer();
    await until('shed', () => legsIn(rig, 'shed', 'adaptive_limit') === 16);
    await until('two at the candidate', () => held.length === 2);
    expect(guardOf(rig).inFlightCeiling).toBe(2);
    for (let done = 0; done < 4; ) {
      for (const response of held.splice(0)) {
        response.end(BODY);
        done += 1;
      }
      await until('the next', () => held.length > 0 || done === 4);
    }
    await settled(rig, gateway);
    expect(guardOf(rig).inFlightCeiling).toBeGreaterThan(2);
    expectBalancedBooks(rig, gateway);
  });

  it('under memory pressure sends less, and only what it would have sent without', async () => {
    let use = 0.775;
    const { rig, gateway } = await start({}, undefined, () => use);
    await until('seen', () => rig.mirror.status().heapUse === use);
    expect(rig.mirror.status().pressureKeep).toBeCloseTo(0.5);
    for (let i = 0; i < 200; i++) gateway.offer();
    await settled(rig, gateway);
    const sent = rig.recorder.pairs.map(({ selection }) => selection.u);
    expect(sent.every((u) => u < 0.5)).toBe(true);
    const drawn = Array.from({ length: 200 }, (_, i) =>
      drawnNumber(SECRET, `${gateway.epoch}.${i + 101}`),
    );
    expect(sent).toHaveLength(drawn.filter((u) => u < 0.5).length);
    expect(legsIn(rig, 'shed', 'memory_pressure')).toBe(200 - sent.length);
    expect(rig.recorder.pairs.every(({ selection }) => selection.probability === 1)).toBe(true);
    use = 0.9;
    await until('full', () => rig.mirror.status().pressureKeep === 0);
    for (let i = 0; i < 10; i++) gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'shed', 'memory_pressure')).toBe(210 - sent.length);
    expectBalancedBooks(rig, gateway);
  });

  it('shows how near single bodies come to the caps that hold for each', async () => {
    const noise = Array.from({ length: 8_000 }, (_, i) => drawnNumber(SECRET, `${i}`));
    const pad = noise.map((u) => u.toString(36).slice(2, 12)).join('');
    const plain = Buffer.from(`{"score":0.5,"label":"bad","pad":"${pad}"}`);
    const packed = gzipSync(plain);
    const { rig, gateway } = await start({}, (response) => {
      response.setHeader('content-encoding', 'gzip').end(packed);
    });
    expect(rig.mirror.status().bodies.decodedBytes.largest).toBe(0);
    gateway.offer();
    await settled(rig, gateway);
    const { bodies, candidates } = rig.mirror.status();
    expect(bodies.decodedBytes.largest).toBe(plain.length);
    expect(bodies.decodedRatio.largest).toBeCloseTo(plain.length / packed.length, 6);
    expect(bodies.requestBytes.largest).toBeGreaterThan(50);
    expect(bodies.answerBytes.largest).toBeGreaterThan(50);
    for (const { largest, max } of Object.values(bodies)) expect(largest).toBeLessThan(max);
    expect(candidates[0]?.answerBytes).toMatchObject({ largest: packed.length });
    expectBalancedBooks(rig, gateway);
  });

  it('parses no more at once than the parse budget has room for', async () => {
    const held: ServerResponse[] = [];
    const url = await serveHttp((request, response) => {
      request.resume();
      held.push(response);
    });
    const config = mirrorConfig([httpCandidate(url, { maxInFlight: 64 })]);
    const maxParseBytes = 100 * LIMITS.parseFactor;
    const rig = await startMirror({ ...config, mirror: { ...config.mirror, maxParseBytes } });
    const gateway = await connected(rig);
    const answer = (bytes: number) => ({
      answer: `{"score":1,"label":"${'x'.repeat(bytes - 22)}"}`,
    });
    expect(answer(25).answer).toHaveLength(25);
    for (let i = 0; i < 10; i++) gateway.offer(answer(25));
    gateway.offer(answer(26));
    await until('four are held', () => held.length === 4);
    await until('the rest is shed', () => legsIn(rig, 'shed', 'parse_budget') === 6);
    await until('too large', () => legsIn(rig, 'undecodable', 'parse_budget') === 1);
    expect(rig.mirror.status()).toMatchObject({ parseBytes: maxParseBytes, maxParseBytes });
    for (const response of held) response.end(BODY);
    await settled(rig, gateway);
    expect(rig.mirror.status().parseBytes).toBe(0);
    expect(rig.recorder.pairs.map(({ candidate }) => candidate.error)).toEqual(
      new Array(4).fill('parse_budget'),
    );
    expectBalancedBooks(rig, gateway);
  });

  it('reads no bomb: of the incumbent it is undecodable, of a candidate an error with its code', async () => {
    const bomb = gzipSync(Buffer.alloc(3_000_000, 0x20));
    const { rig, gateway } = await start({}, (response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(bomb);
    });
    gateway.offer({ answer: bomb, answerHeaders: ['Content-Encoding: gzip'] });
    gateway.offer();
    await settled(rig, gateway);
    expect(legsIn(rig, 'undecodable', 'ratio')).toBe(1);
    expect(rig.recorder.pairs.map(({ candidate }) => candidate.error)).toEqual(['decoded_ratio']);
    expectBalancedBooks(rig, gateway);
  });
});

import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config/defaults.ts';
import type { Config } from '../../src/config/types.ts';
import { until } from '../support/until.ts';
import {
  expectBalancedBooks,
  httpCandidate,
  legsIn,
  mirrorConfig,
  type Rig,
  serveHttp,
  settled,
  startMirror,
} from './rig.ts';
import { WireClient } from './wire-client.ts';

const BODY = '{"score":0.5,"label":"bad"}';

/** A candidate that holds its answers until it is told to give them. */
async function holding(): Promise<{ url: string; held: ServerResponse[]; release(): void }> {
  const held: ServerResponse[] = [];
  let isReleased = false;
  const url = await serveHttp((request, response) => {
    request.resume();
    if (isReleased) response.end(BODY);
    else held.push(response);
  });
  return {
    url,
    held,
    release() {
      isReleased = true;
      for (const response of held.splice(0)) response.end(BODY);
    },
  };
}

function withMirror(base: Config, mirror: Partial<Config['mirror']>): Config {
  return { ...base, mirror: { ...base.mirror, ...mirror } };
}

async function connected(rig: Rig): Promise<WireClient> {
  const gateway = new WireClient();
  await gateway.connect(rig.wireSocket);
  return gateway;
}

describe('caps of the mirror', () => {
  it('keeps at most maxInFlight requests at a candidate, the rest waits in order', async () => {
    const { url, held, release } = await holding();
    const rig = await startMirror(mirrorConfig([httpCandidate(url, { maxInFlight: 3 })]));
    const gateway = await connected(rig);
    for (let i = 0; i < 20; i++) gateway.offer();
    await until('three at the candidate', () => held.length === 3);
    await until('the rest waits', () => rig.mirror.status().candidates[0]?.queued === 17);
    expect(rig.mirror.status().candidates[0]).toMatchObject({ inFlight: 3, maxInFlight: 3 });
    expect(held).toHaveLength(3);
    release();
    await settled(rig, gateway);
    expect(rig.recorder.pairs.map(({ seq }) => seq)).toHaveLength(20);
    expectBalancedBooks(rig, gateway);
  });

  it('holds no more bytes than maxQueuedBytes, and sheds the rest as mirror_memory', async () => {
    const { url, release } = await holding();
    const config = withMirror(mirrorConfig([httpCandidate(url)]), { maxQueuedBytes: 100_000 });
    const rig = await startMirror(config);
    const gateway = await connected(rig);
    for (let i = 0; i < 50; i++) gateway.offer({ body: 'x'.repeat(10_000) });
    await until('shed', () => legsIn(rig, 'shed', 'mirror_memory') === 41);
    const { queuedBytes, maxQueuedBytes } = rig.mirror.status();
    expect(maxQueuedBytes).toBe(100_000);
    expect(queuedBytes).toBeLessThanOrEqual(100_000);
    expect(queuedBytes).toBeGreaterThan(90_000);
    release();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(9);
    expectBalancedBooks(rig, gateway);
  });

  it('sheds what has waited longer than maxQueueAgeMs, though no place gets free', async () => {
    const { url, release } = await holding();
    const candidate = httpCandidate(url, { maxInFlight: 1, timeoutMs: 20_000 });
    const rig = await startMirror(withMirror(mirrorConfig([candidate]), { maxQueueAgeMs: 200 }));
    const gateway = await connected(rig);
    for (let i = 0; i < 10; i++) gateway.offer();
    await until('shed by age', () => legsIn(rig, 'shed', 'queue_age') === 9);
    release();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });

  it('sheds at once what was too old when it came: a mirror that was stopped does not replay', async () => {
    const { url, held } = await holding();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer({}, { endMs: performance.now() - 1e9 });
    await settled(rig, gateway);
    expect(legsIn(rig, 'shed', 'queue_age')).toBe(1);
    expect(held).toHaveLength(0);
    expectBalancedBooks(rig, gateway);
  });

  it('lets at most LIMITS.waitingLegs wait for one candidate', async () => {
    const { url, release } = await holding();
    const candidate = httpCandidate(url, { maxInFlight: 1, timeoutMs: 60_000 });
    const rig = await startMirror(withMirror(mirrorConfig([candidate]), { maxQueueAgeMs: 60_000 }));
    const gateway = await connected(rig);
    for (let i = 0; i < LIMITS.waitingLegs + 11; i++) gateway.offer();
    await until('shed', () => legsIn(rig, 'shed', 'in_flight') === 10);
    rig.settings.paused = 'operator'; // what waits is not sent any more, either
    release();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paired')).toBe(1);
    expect(legsIn(rig, 'paused', 'operator')).toBe(LIMITS.waitingLegs);
    expectBalancedBooks(rig, gateway);
  });

  it('never lets a hung candidate delay or starve another', async () => {
    const hung = await holding();
    const quick = await serveHttp((_request, response) => response.end(BODY));
    const config = withMirror(
      mirrorConfig([
        httpCandidate(hung.url, { name: 'hung', maxInFlight: 1, timeoutMs: 60_000 }),
        httpCandidate(quick, { name: 'quick' }),
      ]),
      { maxQueuedBytes: 200_000, maxQueueAgeMs: 60_000 },
    );
    const rig = await startMirror(config);
    const gateway = await connected(rig);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 5; i++) gateway.offer({ body: 'x'.repeat(10_000) });
      await until(
        'the quick one is done',
        () => legsIn(rig, 'paired', '', 'quick') === (round + 1) * 5,
      );
    }
    expect(legsIn(rig, 'shed', 'mirror_memory', 'quick')).toBe(0);
    expect(legsIn(rig, 'shed', 'mirror_memory', 'hung')).toBe(41);
    hung.release();
    await settled(rig, gateway);
    expectBalancedBooks(rig, gateway);
  });

  it('sends nothing that waited when mirroring is switched off', async () => {
    const { url, held, release } = await holding();
    const rig = await startMirror(mirrorConfig([httpCandidate(url, { maxInFlight: 1 })]));
    const gateway = await connected(rig);
    gateway.offer();
    gateway.offer();
    await until('one at the candidate', () => held.length === 1);
    rig.settings.paused = 'mirror_off';
    release();
    await settled(rig, gateway);
    expect(legsIn(rig, 'paused', 'mirror_off')).toBe(1);
    expect(legsIn(rig, 'paired')).toBe(1);
    expectBalancedBooks(rig, gateway);
  });

  it('flags pairs measured while its own loop was late, and keeps them out of latencies', async () => {
    const { url, held, release } = await holding();
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer();
    await until('at the candidate', () => held.length === 1);
    const end = performance.now() + LIMITS.mirrorBusyTickMs + LIMITS.mirrorBusyMs + 50;
    while (performance.now() < end); // the fault: a loop that is blocked
    release();
    await settled(rig, gateway);
    expect(rig.recorder.pairs[0]?.flags).toEqual(['mirror_busy']);
    expect(rig.mirror.status().candidates[0]?.candidateSeconds.count).toBe(0);
    expect(rig.mirror.status().candidates[0]?.queueSeconds.count).toBe(1);
  });

  it.each([
    [1, ['early']],
    [2, ['downstream_paused']],
    [3, ['early', 'downstream_paused']],
    [4, []],
  ])("passes on the frame's flags %d as %j", async (flags, expected) => {
    const url = await serveHttp((_request, response) => response.end(BODY));
    const rig = await startMirror(mirrorConfig([httpCandidate(url)]));
    const gateway = await connected(rig);
    gateway.offer({}, { flags });
    await settled(rig, gateway);
    expect(rig.recorder.pairs[0]?.flags.filter((flag) => flag !== 'mirror_busy')).toEqual(expected);
  });
});

/** A candidate that is sick, in whatever way: no caller notices, and each copy is counted for what it met. */
import { describe, expect, test } from 'vitest';
import { expectBooksToBalance } from '../support/books.ts';
import { until } from '../support/until.ts';
import { BEHAVIOURS, TestCandidate } from './candidate.ts';
import { Incumbent } from './incumbent.ts';
import { exchangesOf, expectPairsOf, Instance, legsOf } from './instance.ts';
import { expectServed, Load, runLoad } from './load.ts';
import { closeWithTest } from './server.ts';

interface Scene {
  readonly incumbent: Incumbent;
  readonly candidate: TestCandidate;
  readonly instance: Instance;
}

async function setScene(candidate: TestCandidate, timeoutMs = 20_000): Promise<Scene> {
  const incumbent = closeWithTest(await Incumbent.start());
  closeWithTest(candidate);
  const instance = await Instance.start({
    incumbent: incumbent.address,
    candidates: [candidate.section('cand', { timeoutMs })],
  });
  return { incumbent, candidate, instance };
}

/** A load with the candidate as it is; @returns legs by state, and how many exchanges there were. */
async function mirrorLoad(scene: Scene): Promise<{ legs: Record<string, number>; count: number }> {
  const { incumbent, instance } = scene;
  const load = await runLoad({ port: instance.port });
  expectServed(load, incumbent);
  const waterfall = await expectBooksToBalance(instance.run.path);
  const count = load.sent.size;
  expect(exchangesOf(waterfall)).toEqual({ offered: count });
  const pairs = expectPairsOf(instance, waterfall);
  expect(pairs.length).toBe(count);
  return { legs: legsOf(waterfall), count };
}

test('callers have all their answers before the candidate has given one', async () => {
  const { incumbent, candidate, instance } = await setScene(await TestCandidate.start());
  const held: (() => void)[] = [];
  candidate.behaviour = (socket, request) => {
    held.push(() => BEHAVIOURS.answers(socket, request));
  };
  const load = await runLoad({ port: instance.port });
  expectServed(load, incumbent);
  const count = load.sent.size;
  // Each caller asks again only when it was answered, and not one copy has been.
  await until('all copies are held', () => held.length === count);
  const { legsInFlight } = await instance.mirror();
  expect(legsInFlight).toBe(count);
  for (const answer of held) answer();
  const waterfall = await expectBooksToBalance(instance.run.path);
  expect(legsOf(waterfall)).toEqual({ paired: count });
});

describe('callers get the incumbent’s bytes, and each copy is counted, when the candidate', () => {
  test.each([
    ['hangs', 'candidate_timeout'],
    ['resets', 'candidate_error(reset)'],
    ['resetsAfterHead', 'candidate_error(reset)'],
    ['resetsInBody', 'candidate_error(reset)'],
    ['closesInBody', 'candidate_error(reset)'],
    ['answersGarbage', 'candidate_error(malformed)'],
    ['sendsHeadersWithoutEnd', 'candidate_error(malformed)'],
    ['answers500', 'paired'],
    ['answers', 'paired'],
  ] as const)('%s: %s', async (behaviour, state) => {
    const timeoutMs = behaviour === 'hangs' ? 2_000 : 20_000;
    const scene = await setScene(await TestCandidate.start(), timeoutMs);
    scene.candidate.behaviour = BEHAVIOURS[behaviour];
    const { legs, count } = await mirrorLoad(scene);
    expect(legs).toEqual({ [state]: count });
    // A scoring request is sent once, whatever comes of it; of late ones the time may be over before.
    if (behaviour === 'hangs') expect(scene.candidate.copies.length).toBeLessThanOrEqual(count);
    else expect(scene.candidate.copies.length).toBe(count);
    const statuses = new Set(scene.instance.pairs().map(({ candidate }) => candidate.status));
    if (state === 'paired') expect([...statuses]).toEqual([behaviour === 'answers' ? 200 : 500]);
  });

  test('refuses connections, and then is there: candidate_error(refused), then paired', async () => {
    const scene = await setScene(await TestCandidate.closed());
    const { legs, count } = await mirrorLoad(scene);
    expect(legs).toEqual({ 'candidate_error(refused)': count });
    await scene.candidate.open();
    const load = await runLoad({ port: scene.instance.port });
    expectServed(load, scene.incumbent);
    const after = legsOf(await expectBooksToBalance(scene.instance.run.path));
    expect(after).toEqual({ 'candidate_error(refused)': count, paired: load.sent.size });
  });

  test('is found sick: the breaker spares it, tries it, and closes by itself', async () => {
    const incumbent = closeWithTest(await Incumbent.start());
    const candidate = closeWithTest(await TestCandidate.start());
    const breaker = { minRequests: 10, openMs: 200, maxOpenMs: 400, probes: 2 };
    const instance = await Instance.start({
      incumbent: incumbent.address,
      candidates: [candidate.section('cand', { breaker })],
    });
    candidate.behaviour = BEHAVIOURS.answers500;
    const load = await Load.start({ port: instance.port });
    await until('copies are spared', async () => (await instance.legsIn('breaker_open')) > 20);
    candidate.behaviour = BEHAVIOURS.answers;
    const spared = candidate.copies.length;
    await until('copies are sent again', () => candidate.copies.length > spared + 50);
    await load.stop();
    expectServed(load, incumbent);
    const {
      breaker_open = 0,
      paired = 0,
      ...rest
    } = legsOf(await expectBooksToBalance(instance.run.path));
    expect(rest).toEqual({});
    expect(breaker_open + paired).toBe(load.sent.size);
    expect(candidate.copies.length).toBe(paired);
  });

  test('goes away under load and comes back: each copy is refused, reset or paired', async () => {
    const { instance, incumbent, candidate } = await setScene(await TestCandidate.start());
    const load = await Load.start({ port: instance.port });
    await load.answers(50);
    candidate.close();
    await until('copies are refused', async () => (await instance.legsIn('candidate_error')) > 20);
    const pairedBefore = await instance.legsIn('paired');
    await candidate.open();
    await until('pairs', async () => (await instance.legsIn('paired')) > pairedBefore + 20);
    await load.stop();
    expectServed(load, incumbent);
    const legs = legsOf(await expectBooksToBalance(instance.run.path));
    const { paired = 0, 'candidate_error(refused)': refused = 0, ...others } = legs;
    const { 'candidate_error(reset)': reset = 0, ...rest } = others;
    expect(rest).toEqual({});
    expect(paired + refused + reset).toBe(load.sent.size);
    // Reset is what was under way when it went, and that depends on how far behind its load the mirror was.
    expect(refused).toBeGreaterThan(0);
  });
});

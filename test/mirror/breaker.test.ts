import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BreakerConfig } from '../../src/config/types.ts';
import { Breaker, type Verdict } from '../../src/mirror/breaker.ts';

const CONFIG: BreakerConfig = {
  failureRate: 0.5,
  minRequests: 10,
  windowMs: 1_000,
  openMs: 500,
  maxOpenMs: 1_500,
  probes: 2,
};

/** Sends one copy that ends at once; @returns whether it could be sent */
function run(breaker: Breaker, verdict: Verdict, nowMs: number): boolean {
  if (!breaker.allows(nowMs)) return false;
  breaker.record(breaker.send(), verdict, nowMs);
  return true;
}

function opened(nowMs = 0): Breaker {
  const breaker = new Breaker(CONFIG);
  for (let i = 0; i < 10; i++) run(breaker, 'failure', nowMs);
  expect(breaker.state).toBe('open');
  return breaker;
}

describe('Breaker', () => {
  it('opens at the share of failures, and not before the window has enough verdicts', () => {
    const breaker = new Breaker(CONFIG);
    for (let i = 0; i < 9; i++) run(breaker, 'failure', 0);
    expect(breaker.state).toBe('closed');
    run(breaker, 'failure', 0);
    expect(breaker.state).toBe('open');
    expect(breaker.opens).toBe(1);
    expect(run(breaker, 'success', 499)).toBe(false);
  });

  it('stays closed below the share, and forgets what is older than the window', () => {
    const breaker = new Breaker(CONFIG);
    for (let i = 0; i < 100; i++) run(breaker, i % 100 < 49 ? 'success' : 'neutral', 0);
    for (let i = 0; i < 48; i++) run(breaker, 'failure', 0);
    expect(breaker.state).toBe('closed');
    expect(breaker.failureRate(0)).toBeCloseTo(48 / 97);
    for (let i = 0; i < 9; i++) run(breaker, 'failure', 1_100);
    expect(breaker.failureRate(1_100)).toBe(1);
    expect(breaker.state).toBe('closed');
  });

  it('says nothing of neutral verdicts, however many', () => {
    const breaker = new Breaker(CONFIG);
    for (let i = 0; i < 1_000; i++) run(breaker, 'neutral', 0);
    for (let i = 0; i < 9; i++) run(breaker, 'failure', 0);
    expect(breaker.state).toBe('closed');
  });

  it('tries live copies after its pause, closes when all succeed, and says how long it was broken', () => {
    const breaker = opened();
    expect(breaker.allows(500)).toBe(true);
    expect(breaker.state).toBe('half_open');
    const periods = [breaker.send(), breaker.send()];
    expect(breaker.allows(510)).toBe(false); // as many as there are probes
    expect(breaker.record(periods[0] ?? 0, 'success', 520)).toBe(false);
    expect(breaker.allows(530)).toBe(false);
    expect(breaker.record(periods[1] ?? 0, 'success', 540)).toBe(true);
    expect(breaker.state).toBe('closed');
    expect(breaker.brokenMs(99_999)).toBe(540);
    expect(breaker.failureRate(541)).toBe(0);
  });

  it('opens again when a probe fails, for twice as long each time, up to the longest pause', () => {
    const breaker = opened();
    expect(run(breaker, 'failure', 500)).toBe(true);
    expect(run(breaker, 'failure', 1_499)).toBe(false);
    expect(run(breaker, 'failure', 1_500)).toBe(true);
    expect(run(breaker, 'failure', 2_999)).toBe(false);
    expect(run(breaker, 'failure', 3_000)).toBe(true);
    expect(run(breaker, 'failure', 4_499)).toBe(false);
    expect(breaker.opens).toBe(1); // it has never been well in between
    expect(breaker.brokenMs(4_500)).toBe(4_500);
  });

  it('gives the place of a neutral probe to the next copy: bad input neither heals nor harms', () => {
    const breaker = opened();
    for (let i = 0; i < 20; i++) expect(run(breaker, 'neutral', 500)).toBe(true);
    expect(breaker.state).toBe('half_open');
    run(breaker, 'success', 500);
    run(breaker, 'success', 500);
    expect(breaker.state).toBe('closed');
  });

  it('does not count what was sent before it opened, when that ends later', () => {
    const breaker = new Breaker(CONFIG);
    const before = breaker.send();
    for (let i = 0; i < 10; i++) run(breaker, 'failure', 0);
    breaker.record(before, 'success', 10);
    expect(breaker.allows(500)).toBe(true);
    breaker.record(before, 'failure', 510);
    expect(breaker.state).toBe('half_open');
  });

  it('keeps its invariants under any course of events', () => {
    const event = fc.record({
      waitMs: fc.integer({ min: 0, max: 400 }),
      act: fc.constantFrom('send', 'success', 'failure', 'neutral'),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300, size: 'max' }), (events) => {
        const breaker = new Breaker(CONFIG);
        const underWay: number[] = [];
        let nowMs = 0;
        let brokenMs = 0;
        let sentInPause = 0;
        for (const { waitMs, act } of events) {
          nowMs += waitMs;
          if (act === 'send') {
            if (!breaker.allows(nowMs)) continue;
            if (breaker.state === 'open') sentInPause += 1;
            underWay.push(breaker.send());
          } else {
            const period = underWay.shift();
            if (period !== undefined) breaker.record(period, act as Verdict, nowMs);
          }
          expect(breaker.brokenMs(nowMs)).toBeGreaterThanOrEqual(brokenMs);
          brokenMs = breaker.brokenMs(nowMs);
          expect(brokenMs).toBeLessThanOrEqual(nowMs);
        }
        expect(sentInPause).toBe(0);
      }),
    );
  });
});

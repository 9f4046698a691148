import { describe, expect, it } from 'vitest';
import { CandidateGuard } from '../../src/mirror/candidate-guard.ts';
import type { LegCell } from '../../src/pair/leg-states.ts';
import { monotonicMs, wallMs } from '../../src/telemetry/clock.ts';

const BREAKER = {
  ...{ failureRate: 0.5, minRequests: 5, windowMs: 600_000 },
  ...{ openMs: 60_000, maxOpenMs: 60_000, probes: 2 },
};
type GuardConfig = ConstructorParameters<typeof CandidateGuard>[0];

/** A guard that is asked at moments that the test decides. */
class Asked {
  readonly nowMs = monotonicMs();
  readonly counts: Record<string, number> = {};
  readonly guard: CandidateGuard;

  constructor(change: Partial<GuardConfig>) {
    this.guard = new CandidateGuard({
      ...{ maxInFlight: 8, maxRequestsPerSecond: 0, maxRequestsPerDay: 0, warmUpRequests: 0 },
      ...{ adaptive: null, breaker: BREAKER, ...change },
    });
  }

  /** @param afterMs - since the test's beginning */
  ask(afterMs: number, isWell = false): string {
    const atMs = this.nowMs + afterMs;
    const refusal = this.guard.refuses(atMs);
    const what = refusal === null ? 'sent' : refusal.reason || refusal.state;
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    if (refusal !== null) return what;
    const outcome = isWell
      ? ({ kind: 'answer', status: 200, endMs: atMs } as const)
      : ({ kind: 'error', reason: 'reset', endMs: atMs } as const);
    const beside = { incumbentStatus: 200, inFlight: 1 };
    this.guard.judge(this.guard.send(atMs), outcome as never, beside);
    return what;
  }
}

describe('a copy that a cap and the breaker would both refuse', () => {
  it('is shed for the cap: the breaker keeps back no more than could have been sent', () => {
    const asked = new Asked({ maxRequestsPerSecond: 10 });
    // Thirty seconds with 1,000 a second: ten of each may go, whoever refuses them.
    for (let ms = 0; ms < 30_000; ms++) asked.ask(ms);
    expect(asked.guard.status().breaker?.state).toBe('open');
    const { sent = 0, breaker_open = 0, request_rate = 0 } = asked.counts;
    expect(sent).toBe(5);
    expect(sent + breaker_open).toBeGreaterThan(295);
    expect(sent + breaker_open).toBeLessThanOrEqual(301);
    expect(sent + breaker_open + request_rate).toBe(30_000);
  });

  it('is kept back within the budget of the day, and takes nothing of what may be sent', () => {
    const asked = new Asked({ maxRequestsPerDay: 50 });
    for (let i = 0; i < 1_000; i++) asked.ask(i / 1_000);
    expect(asked.counts).toEqual({ sent: 5, breaker_open: 45, daily_budget: 950 });
    expect(asked.guard.status().requestsToday).toBe(5);
    expect(asked.ask(120_000, true)).toBe('sent');
  });

  it('is known of from earlier mirrors of the day', () => {
    const asked = new Asked({ maxRequestsPerDay: 50 });
    const of = { epoch: 'e', candidate: 'c', route: 'r', sizeClass: 'le_1k', reason: '' } as const;
    const hour = Math.floor(wallMs() / 3_600_000);
    const cells: LegCell[] = [
      { ...of, hour, state: 'breaker_open', count: 40 },
      { ...of, hour: hour - 24, state: 'breaker_open', count: 1_000 },
    ];
    asked.guard.restore(cells);
    for (let i = 0; i < 1_000; i++) asked.ask(i / 1_000);
    expect(asked.counts).toEqual({ sent: 5, breaker_open: 5, daily_budget: 990 });
  });

  it('does not starve the trial: the first place after the pause is a probe', () => {
    const asked = new Asked({ maxRequestsPerSecond: 0.5 });
    for (let ms = 0; ms < 120_000; ms += 100) asked.ask(ms, ms > 60_000);
    expect(asked.guard.status().breaker?.state).toBe('closed');
  });
});

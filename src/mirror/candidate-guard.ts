/**
 * What protects one candidate, in one place: the breaker, copies a second, copies a day, the adaptive ceiling,
 * and the count of its first copies. Each copy is asked for (`refuses`), then sent (`send`), then judged
 * (`judge`), or given up without an outcome (`forget`).
 */
import type { CandidateConfig } from '../config/types.ts';
import type { LegCell, LegState } from '../pair/leg-states.ts';
import type { GuardStatus } from '../record/mirror-status.ts';
import { monotonicMs, wallMs } from '../telemetry/clock.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { Breaker, type Verdict } from './breaker.ts';
import type { CandidateOutcome } from './candidates/candidate.ts';
import { DailyBudget } from './daily-budget.ts';
import { TokenBucket } from './token-bucket.ts';

type GuardConfig = Pick<
  CandidateConfig,
  | 'maxInFlight'
  | 'maxRequestsPerSecond'
  | 'maxRequestsPerDay'
  | 'warmUpRequests'
  | 'adaptive'
  | 'breaker'
>;

/** Why a copy is not sent: a state and its reason. */
export interface Refusal {
  readonly state: Extract<LegState, 'shed' | 'breaker_open'>;
  readonly reason: '' | 'request_rate' | 'daily_budget';
}

const BREAKER_OPEN: Refusal = { state: 'breaker_open', reason: '' };
const REQUEST_RATE: Refusal = { state: 'shed', reason: 'request_rate' };
const DAILY_BUDGET: Refusal = { state: 'shed', reason: 'daily_budget' };

/** A copy that is under way. */
export interface Sent {
  readonly period: number;
  readonly isWarmUp: boolean;
  readonly dispatchMs: number;
}

export class CandidateGuard {
  readonly #config: GuardConfig;
  readonly #rate: TokenBucket;
  readonly #day: DailyBudget;
  readonly #breaker: Breaker | null;
  readonly #adaptive: AdaptiveLimit | null;
  #warm = 0;

  constructor(config: GuardConfig) {
    this.#config = config;
    this.#rate = new TokenBucket(config.maxRequestsPerSecond, monotonicMs());
    this.#day = new DailyBudget(config.maxRequestsPerDay, wallMs());
    this.#breaker = config.breaker === null ? null : new Breaker(config.breaker);
    this.#adaptive =
      config.adaptive === null ? null : new AdaptiveLimit(config.adaptive, config.maxInFlight);
  }

  /** Copies in flight at most, now. */
  get maxInFlight(): number {
    return this.#adaptive?.limit ?? this.#config.maxInFlight;
  }

  /**
   * Copies that may wait: with an adaptive ceiling one more round of it, since what it holds back is more than
   * the candidate is meant to get, and would only grow old.
   */
  get maxWaiting(): number {
    return this.#adaptive?.limit ?? Number.POSITIVE_INFINITY;
  }

  /** @param perSecond - cap in force, ≥ 0; 0: none */
  setRequestsPerSecond(perSecond: number): void {
    this.#rate.set(perSecond, monotonicMs());
  }

  /** Takes up what earlier mirrors sent today: cells of this candidate alone. */
  restore(cells: readonly LegCell[]): void {
    this.#day.restore(cells, wallMs());
  }

  /**
   * Why a copy is not sent now, once a copy; `null` where it may be. Our caps come first: what they would have shed
   * is no failure of the candidate. A copy that the breaker keeps back takes its place in them as if it had been
   * sent, so that no more of them are kept back than could have been sent.
   */
  refuses(nowMs: number): Refusal | null {
    if (!this.#rate.has(nowMs)) return REQUEST_RATE;
    if (!this.#day.has(wallMs())) return DAILY_BUDGET;
    if (this.#breaker === null || this.#breaker.allows(nowMs)) return null;
    if (!this.#day.keepBack(wallMs())) return DAILY_BUDGET;
    this.#rate.take();
    return BREAKER_OPEN;
  }

  /** A copy is sent now, after `refuses` has said null. */
  send(dispatchMs: number): Sent {
    this.#rate.take();
    this.#day.take(wallMs());
    this.#warm += 1;
    return {
      period: this.#breaker?.send() ?? 0,
      isWarmUp: this.#warm <= this.#config.warmUpRequests,
      dispatchMs,
    };
  }

  /**
   * @param incumbentStatus - HTTP status of the same exchange at the incumbent
   * @param inFlight - copies in flight, this one included
   */
  judge(
    sent: Sent,
    outcome: CandidateOutcome,
    { incumbentStatus, inFlight }: { incumbentStatus: number; inFlight: number },
  ): void {
    const verdict = verdictOf(outcome, incumbentStatus);
    const isFailure = verdict === 'failure';
    const { dispatchMs } = sent;
    this.#adaptive?.record({ dispatchMs, endMs: outcome.endMs, inFlight, isFailure });
    const isWellAgain = this.#breaker?.record(sent.period, verdict, monotonicMs()) === true;
    // Whoever was sick has probably been started again: fresh, like at the first copy.
    if (isWellAgain) this.#warm = 0;
  }

  /** A copy that was sent and whose outcome nobody waits for any more. */
  forget(sent: Sent): void {
    this.#breaker?.record(sent.period, 'neutral', monotonicMs());
  }

  status(): GuardStatus {
    const nowMs = monotonicMs();
    return {
      inFlightCeiling: this.maxInFlight,
      requestsPerSecond: this.#rate.perSecond,
      requestRateUse: this.#rate.use(nowMs),
      requestsToday: this.#day.used(wallMs()),
      maxRequestsPerDay: this.#day.max,
      warmUpLeft: Math.max(0, this.#config.warmUpRequests - this.#warm),
      breaker:
        this.#breaker === null
          ? null
          : {
              state: this.#breaker.state,
              opens: this.#breaker.opens,
              brokenMs: this.#breaker.brokenMs(nowMs),
              failureRate: this.#breaker.failureRate(nowMs),
            },
    };
  }
}

/**
 * Beside the incumbent: an error counts against the candidate only where the incumbent did not answer the same
 * request with one, since real model servers answer bad input with 500. No answer at all always counts.
 */
export function verdictOf(outcome: CandidateOutcome, incumbentStatus: number): Verdict {
  if (outcome.kind !== 'answer') return 'failure';
  if (isSuccess(outcome.status)) return 'success';
  return isSuccess(incumbentStatus) ? 'failure' : 'neutral';
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

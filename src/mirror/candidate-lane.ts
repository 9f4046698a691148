/**
 * The lane of one candidate: legs wait in order, at most `maxInFlight` are under way. Lanes share nothing but
 * the process, so a slow candidate delays no other; each has its own share of the mirror's memory.
 *
 *   offer ──► waiting (bytes, count, age: all capped) ──► in flight ──► complete
 *     └──► settle(shed, breaker_open)  └──► the same         └──► settle, if it cannot be sent
 *
 * Invariant: each leg offered leaves by exactly one call of `complete` or `settle`, and gives its bytes back then.
 */
import { LIMITS } from '../config/defaults.ts';
import { DenseSet, type Placed } from '../dense-set.ts';
import type { LegState } from '../pair/leg-states.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { CandidateGuard, Sent } from './candidate-guard.ts';
import type { Candidate, CandidateOutcome, CandidateRequest } from './candidates/candidate.ts';
import type { Leg } from './leg.ts';
import { LegQueue } from './leg-queue.ts';

/** How a leg went that was sent. */
export interface LegOutcome {
  readonly outcome: CandidateOutcome;
  readonly sent: Sent;
  /** Legs in flight when it was done, itself included. */
  readonly inFlight: number;
}

/** A leg that has been sent. */
interface Flight extends Placed {
  readonly leg: Leg;
  readonly sent: Sent;
}

/** Whom a lane works for. */
export interface LaneOwner {
  /** Last look before dispatch: the copy, or null when the owner has settled the leg. */
  prepare(leg: Leg): CandidateRequest | null;
  complete(lane: CandidateLane, leg: Leg, done: LegOutcome): void;
  settle(leg: Leg, state: LegState, reason: string): void;
  /** The lane holds the leg's exchange no more. */
  release(leg: Leg): void;
}

export interface LaneLimits {
  /** Bytes of exchanges, waiting and in flight. */
  readonly maxBytes: number;
  /** From the exchange's end at the gateway to dispatch. */
  readonly maxAgeMs: number;
}

type DropReason = 'mirror_memory' | 'in_flight' | 'adaptive_limit' | 'queue_age' | 'mirror_exit';

export class CandidateLane {
  readonly candidate: Candidate;
  readonly guard: CandidateGuard;
  readonly limits: LaneLimits;
  readonly #owner: LaneOwner;
  readonly #waiting = new LegQueue<Leg>();
  readonly #inFlight = new DenseSet<Flight>();
  #bytes = 0;
  #isStopped = false;
  #isPumping = false;

  constructor(
    parts: { readonly candidate: Candidate; readonly guard: CandidateGuard },
    limits: LaneLimits,
    owner: LaneOwner,
  ) {
    this.candidate = parts.candidate;
    this.guard = parts.guard;
    this.limits = limits;
    this.#owner = owner;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Bytes of exchanges, waiting and in flight. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Age of the leg that has waited longest, ms since its exchange ended; 0 where none waits. */
  get oldestMs(): number {
    const leg = this.#waiting.peek();
    return leg === undefined ? 0 : Math.max(0, monotonicMs() - leg.exchange.frame.endMs);
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** Takes a leg that is selected: sends it now, lets it wait, or sheds it. */
  offer(leg: Leg): void {
    this.#bytes += leg.exchange.bytes;
    const reason = this.#capOver(leg);
    if (reason !== null) this.#drop(leg, reason);
    else if (!this.#isRefused(leg)) {
      this.#waiting.push(leg);
      this.#pump();
    }
  }

  /** Sheds what has waited too long: called now and then, since a hung candidate frees no place. */
  sweep(): void {
    const oldest = monotonicMs() - this.limits.maxAgeMs;
    for (;;) {
      const leg = this.#waiting.peek();
      if (leg === undefined || leg.exchange.frame.endMs >= oldest) return;
      this.#waiting.shift();
      this.#drop(leg, 'queue_age');
    }
  }

  /** Sheds what waits, and takes nothing more. What is in flight goes on. */
  stop(): void {
    this.#isStopped = true;
    for (let leg = this.#waiting.shift(); leg !== undefined; leg = this.#waiting.shift()) {
      this.#drop(leg, 'mirror_exit');
    }
  }

  /** Sheds what is in flight, too: an outcome that still comes is ignored. */
  abandon(): void {
    for (const flight of this.#inFlight.members()) {
      this.#inFlight.delete(flight);
      this.guard.forget(flight.sent);
      this.#drop(flight.leg, 'mirror_exit');
    }
  }

  /** Not re-entered: an outcome may come while a leg is being dispatched. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#inFlight.size < this.guard.maxInFlight) {
      const leg = this.#waiting.shift();
      if (leg === undefined) break;
      this.#send(leg);
    }
    this.#isPumping = false;
  }

  #send(leg: Leg): void {
    if (this.#isOld(leg)) {
      this.#drop(leg, 'queue_age');
      return;
    }
    // Before it is decoded: what is not sent should cost nothing.
    if (this.#isRefused(leg)) return;
    const request = this.#owner.prepare(leg);
    if (request === null) {
      this.#giveBack(leg);
      return;
    }
    const sent = this.guard.send(monotonicMs());
    const flight: Flight = { leg, sent, place: -1 };
    this.#inFlight.add(flight);
    this.candidate.dispatch(request, (outcome) => {
      const inFlight = this.#inFlight.size;
      if (!this.#inFlight.delete(flight)) return; // abandoned
      this.#owner.complete(this, leg, { outcome, sent, inFlight });
      this.#giveBack(leg);
      this.#pump();
    });
  }

  /** Why the lane has no room for a leg, whose bytes are counted; `null`: it has. Asked before the breaker is. */
  #capOver(leg: Leg): DropReason | null {
    if (this.#isStopped) return 'mirror_exit';
    if (this.#isOld(leg)) return 'queue_age';
    if (this.#bytes > this.limits.maxBytes) return 'mirror_memory';
    if (this.#waiting.length >= LIMITS.waitingLegs) return 'in_flight';
    return this.#isOverAdaptive() ? 'adaptive_limit' : null;
  }

  #isOld(leg: Leg): boolean {
    return monotonicMs() - leg.exchange.frame.endMs > this.limits.maxAgeMs;
  }

  /** Settles a leg that the candidate must not get now. */
  #isRefused(leg: Leg): boolean {
    const refusal = this.guard.refuses(monotonicMs());
    if (refusal === null) return false;
    this.#owner.settle(leg, refusal.state, refusal.reason);
    this.#giveBack(leg);
    return true;
  }

  #isOverAdaptive(): boolean {
    const { maxInFlight, maxWaiting } = this.guard;
    return this.#inFlight.size >= maxInFlight && this.#waiting.length >= maxWaiting;
  }

  #drop(leg: Leg, reason: DropReason): void {
    this.#owner.settle(leg, 'shed', reason);
    this.#giveBack(leg);
  }

  #giveBack(leg: Leg): void {
    this.#bytes -= leg.exchange.bytes;
    this.#owner.release(leg);
  }
}

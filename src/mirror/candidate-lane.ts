/**
 * The lane of one candidate: legs wait in order, at most `maxInFlight` are under way. Lanes share nothing but
 * the process, so a slow candidate delays no other; each has its own share of the mirror's memory.
 *
 *   offer ──► waiting (bytes, count, age: all capped) ──► in flight ──► complete
 *               └──► settle(shed …)                          └──► settle, if it cannot be sent
 *
 * Invariant: each leg offered leaves by exactly one call of `complete` or `settle`, and gives its bytes back then.
 */
import { LIMITS } from '../config/defaults.ts';
import type { LegState } from '../pair/leg-states.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { Candidate, CandidateOutcome, CandidateRequest } from './candidates/candidate.ts';
import type { Leg } from './leg.ts';
import { LegQueue } from './leg-queue.ts';

/** Whom a lane works for. */
export interface LaneOwner {
  /** Last look before dispatch: the copy, or null when the owner has settled the leg. */
  prepare(leg: Leg): CandidateRequest | null;
  complete(lane: CandidateLane, leg: Leg, outcome: CandidateOutcome, dispatchMs: number): void;
  settle(leg: Leg, state: LegState, reason: string): void;
  /** The lane holds the leg's exchange no more. */
  release(leg: Leg): void;
}

export interface LaneLimits {
  readonly maxInFlight: number;
  /** Bytes of exchanges, waiting and in flight. */
  readonly maxBytes: number;
  /** From the exchange's end at the gateway to dispatch. */
  readonly maxAgeMs: number;
}

export class CandidateLane {
  readonly candidate: Candidate;
  readonly limits: LaneLimits;
  readonly #owner: LaneOwner;
  readonly #waiting = new LegQueue<Leg>();
  readonly #inFlight = new Set<Leg>();
  #bytes = 0;
  #isStopped = false;
  #isPumping = false;

  constructor(candidate: Candidate, limits: LaneLimits, owner: LaneOwner) {
    this.candidate = candidate;
    this.limits = limits;
    this.#owner = owner;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** Takes a leg that is selected: sends it now, lets it wait, or sheds it. */
  offer(leg: Leg): void {
    const { bytes } = leg.exchange;
    this.#bytes += bytes;
    if (this.#isStopped) this.#drop(leg, 'mirror_exit');
    else if (this.#bytes > this.limits.maxBytes) this.#drop(leg, 'mirror_memory');
    else if (this.#waiting.length >= LIMITS.waitingLegs) this.#drop(leg, 'in_flight');
    else {
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
    for (const leg of this.#inFlight) this.#drop(leg, 'mirror_exit');
    this.#inFlight.clear();
  }

  /** Not re-entered: an outcome may come while a leg is being dispatched. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#inFlight.size < this.limits.maxInFlight) {
      const leg = this.#waiting.shift();
      if (leg === undefined) break;
      this.#send(leg);
    }
    this.#isPumping = false;
  }

  #send(leg: Leg): void {
    if (monotonicMs() - leg.exchange.frame.endMs > this.limits.maxAgeMs) {
      this.#drop(leg, 'queue_age');
      return;
    }
    const request = this.#owner.prepare(leg);
    if (request === null) {
      this.#giveBack(leg);
      return;
    }
    this.#inFlight.add(leg);
    const dispatchMs = monotonicMs();
    this.candidate.dispatch(request, (outcome) => {
      if (!this.#inFlight.delete(leg)) return; // abandoned
      this.#owner.complete(this, leg, outcome, dispatchMs);
      this.#giveBack(leg);
      this.#pump();
    });
  }

  #drop(leg: Leg, reason: 'mirror_memory' | 'in_flight' | 'queue_age' | 'mirror_exit'): void {
    this.#owner.settle(leg, 'shed', reason);
    this.#giveBack(leg);
  }

  #giveBack(leg: Leg): void {
    this.#bytes -= leg.exchange.bytes;
    this.#owner.release(leg);
  }
}

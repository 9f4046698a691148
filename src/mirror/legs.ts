/**
 * From an offered exchange to the settled legs of its candidates: select, hold within caps, decode and redact
 * once, dispatch, compare, record.
 *
 * Invariants
 * - Each exchange opens one leg for each candidate of its route, and each leg is settled once in the ledger:
 *   here, or for an observed one when the recorder says that it is on disk (`onRecorded`).
 * - Held bytes = Σ bytes of exchanges with a leg that waits or is in flight ≤ maxQueuedBytes.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Config } from '../config/types.ts';
import { buildPair, exchangeId, toPairJson } from '../pair/build-pair.ts';
import type { LegLedger } from '../pair/leg-ledger.ts';
import type { LegCell, LegKey, LegState } from '../pair/leg-states.ts';
import type { PairFlag } from '../pair/pair.ts';
import type { CandidateStatus } from '../record/mirror-status.ts';
import type { Recorder } from '../record/recorder-port.ts';
import type { OversizedExchange } from '../wire/decoder.ts';
import { hourOf, sizeClassOf } from '../wire/exchange-states.ts';
import { type ExchangeFrame, FLAG_DOWNSTREAM_PAUSED, FLAG_EARLY } from '../wire/messages.ts';
import { drawnNumber } from '../wire/selection.ts';
import { BodySizes } from './body-sizes.ts';
import type { BusyWatch } from './busy-watch.ts';
import type { Sent } from './candidate-guard.ts';
import type { CandidateLane, LaneOwner, LegOutcome } from './candidate-lane.ts';
import { type CandidateSide, createSides } from './candidate-side.ts';
import type { Candidate, CandidateRequest } from './candidates/candidate.ts';
import { comparePair } from './compare-pair.ts';
import type { DecodeLimits } from './content-coding.ts';
import { type CompiledRoute, compileRoute, decodeExchange } from './decode-exchange.ts';
import type { Pressure } from './heap-pressure.ts';
import type { HeldExchange, Leg } from './leg.ts';
import { observeCandidate } from './observe.ts';
import { ParseBudget } from './parse-budget.ts';
import { compileHeaderPolicy, type HeaderPolicy } from './prepare-copy.ts';
import type { CurrentKey } from './redaction/redaction.ts';
import { DEFAULT_RULE, type Sample, toPairKey } from './sampling.ts';
import { createShadowMarker, type ShadowMarker } from './shadow-mark.ts';

/** What the mirror reads of the run-time settings. */
export interface MirrorSettings {
  readonly settings: { readonly version: number };
  /** Why nothing is mirrored; `''` while mirroring is on. */
  readonly paused: '' | 'operator' | 'mirror_off';
  /** 0 to 1. */
  rateOf(candidate: string): number;
  /** Cap of copies a second, 0: none. */
  requestsPerSecondOf(candidate: string): number;
}

export interface LegsOptions {
  readonly config: Pick<Config, 'experiment' | 'routes' | 'candidates' | 'mirror' | 'redaction'>;
  /** One for each configured candidate, by name. */
  readonly candidates: ReadonlyMap<string, Candidate>;
  readonly settings: MirrorSettings;
  /** The experiment's selection secret. */
  readonly secret: string;
  readonly ledger: LegLedger;
  readonly recorder: Pick<Recorder, 'record' | 'count'>;
  readonly busy: Pick<BusyWatch, 'wasBusySince'>;
  readonly pressure: Pressure;
  readonly keys: CurrentKey;
}

/** The gateway whose exchange it is. */
interface Origin {
  readonly epoch: string;
  readonly instance: string;
}

export class Legs implements LaneOwner {
  readonly #options: LegsOptions;
  readonly #routes: ReadonlyMap<string, CompiledRoute>;
  readonly #sides: readonly CandidateSide[];
  readonly #sidesByRoute = new Map<string, CandidateSide[]>();
  readonly #sidesByLane = new Map<CandidateLane, CandidateSide>();
  readonly #markOf: ShadowMarker;
  readonly #sweeper: NodeJS.Timeout;
  readonly #budget: ParseBudget;
  readonly #limits: DecodeLimits;
  readonly #headers: HeaderPolicy;
  /** Of single bodies. */
  readonly sizes = new BodySizes();
  #heldBytes = 0;
  #keysMissing = 0;

  /** @throws {UnderstudyError} `UND_POINTER_SYNTAX` */
  constructor(options: LegsOptions) {
    this.#options = options;
    const { config } = options;
    const { maxParseBytes, maxDecodedBytes, maxDecodedRatio } = config.mirror;
    this.#budget = new ParseBudget(maxParseBytes);
    this.#limits = { maxBytes: maxDecodedBytes, maxRatio: maxDecodedRatio, sizes: this.sizes };
    const { tolerance } = config.mirror;
    const { keys } = options;
    const reading = { limits: this.#limits, budget: this.#budget, tolerance, keys };
    this.#headers = compileHeaderPolicy(config.redaction);
    this.#routes = new Map(
      config.routes.map((route) => [route.name, compileRoute(route, reading)]),
    );
    this.#sides = createSides(config, {
      candidates: options.candidates,
      routes: this.#routes,
      owner: this,
    });
    for (const side of this.#sides) {
      this.#sidesByLane.set(side.lane, side);
      for (const route of side.config.routes) {
        const sides = this.#sidesByRoute.get(route);
        if (sides === undefined) this.#sidesByRoute.set(route, [side]);
        else sides.push(side);
      }
    }
    this.#markOf = createShadowMarker(options.secret);
    this.#sweeper = setInterval(() => this.#sweep(), LIMITS.queueSweepMs).unref();
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Bytes charged for parsed bodies. */
  get parseBytes(): number {
    return this.#budget.held;
  }

  /** Exchanges without the value that their route is drawn by. */
  get keysMissing(): number {
    return this.#keysMissing;
  }

  /** Takes up what earlier mirrors have sent today. */
  restore(cells: readonly LegCell[]): void {
    for (const { config, lane } of this.#sides) {
      lane.guard.restore(cells.filter(({ candidate }) => candidate === config.name));
    }
  }

  get inFlight(): number {
    return this.#sides.reduce((sum, { lane }) => sum + lane.inFlight, 0);
  }

  /** Opens the legs of an exchange that has arrived. */
  offer(origin: Origin, frame: ExchangeFrame): void {
    this.#open(origin, frame, { requestBytes: frame.request.length, tooLarge: '' });
  }

  /** Opens and settles the legs of an exchange that is over the mirror's caps, and came without its bytes. */
  shed(origin: Origin, exchange: OversizedExchange): void {
    const { frame, requestBytes, reason } = exchange;
    this.#open(origin, frame, { requestBytes, tooLarge: reason });
  }

  #open(
    origin: Origin,
    frame: ExchangeFrame,
    size: Pick<OversizedExchange, 'requestBytes'> & Pick<HeldExchange, 'tooLarge'>,
  ): void {
    const sides = this.#sidesByRoute.get(frame.route);
    if (sides === undefined) return; // no candidate, no leg
    this.sizes.exchange(frame.request.length, frame.answer.length);
    const { epoch, instance } = origin;
    const exchange: HeldExchange = {
      frame,
      epoch,
      instance,
      route: frame.route,
      bytes: frame.request.length + frame.answer.length,
      tooLarge: size.tooLarge,
      sample: null,
      u: frame.u,
      decoded: null,
      parseCost: 0,
      holders: 0,
    };
    const hour = hourOf(frame.wallMs - Math.max(0, frame.endMs - frame.startMs));
    const sizeClass = sizeClassOf(size.requestBytes);
    for (const { config, lane } of sides) {
      const key = { epoch, candidate: config.name, route: frame.route, hour, sizeClass };
      this.#options.ledger.open(key);
      this.#select(lane, key, exchange);
    }
  }

  prepare(leg: Leg): CandidateRequest | null {
    const { paused } = this.#options.settings;
    if (paused !== '') {
      this.settle(leg, 'paused', paused);
      return null;
    }
    const decoded = this.#decode(leg.exchange);
    if ('copy' in decoded) return decoded.copy;
    this.settle(leg, decoded.state, decoded.reason);
    return null;
  }

  complete(lane: CandidateLane, leg: Leg, done: LegOutcome): void {
    const { outcome, sent, inFlight } = done;
    const { dispatchMs } = sent;
    const side = this.#sidesByLane.get(lane);
    const decoded = leg.exchange.decoded;
    const read = side?.readers.get(leg.exchange.route);
    const route = this.#route(leg.exchange);
    if (side === undefined || read === undefined || decoded === null || !('facts' in decoded)) {
      throw new Error('invariant: a leg in flight has a candidate and a decoded exchange');
    }
    const { recorder } = this.#options;
    const { frame } = leg.exchange;
    const { facts } = decoded;
    const state = OBSERVED[outcome.kind];
    const incumbentStatus = facts.incumbent.status ?? 0;
    if (outcome.kind === 'answer') side.answerBytes.note(outcome.body.length);
    lane.guard.judge(sent, outcome, { incumbentStatus, inFlight });
    const candidate = observeCandidate(outcome, {
      name: side.config.name,
      endMs: frame.endMs,
      dispatchMs,
      limits: this.#limits,
      budget: this.#budget,
      read,
      redact: route.redaction?.answers ?? null,
    });
    const flags = this.#flags(frame, sent);
    const { probability, exchange } = leg;
    const rule = exchange.sample?.rule ?? DEFAULT_RULE;
    const pair = buildPair(
      facts,
      { probability, rule, flags, candidate: candidate.observation, state },
      comparePair(decoded.incumbent, candidate, route.compare),
    );
    side.counters.count(pair);
    recorder.record({
      leg: leg.key,
      state,
      reason: outcome.kind === 'error' ? outcome.reason : '',
      id: pair.id,
      key: pair.key,
      experiment: pair.experiment,
      timeMs: frame.wallMs,
      json: toPairJson(pair),
    });
  }

  settle(leg: Pick<Leg, 'key'>, state: LegState, reason: string): void {
    this.#options.ledger.settle(leg.key, state, reason);
    this.#options.recorder.count(leg.key, state, reason, 1);
  }

  release({ exchange }: Leg): void {
    exchange.holders -= 1;
    if (exchange.holders > 0) return;
    this.#heldBytes -= exchange.bytes;
    this.#budget.giveBack(exchange.parseCost);
    exchange.parseCost = 0;
  }

  /** Sheds what waits; then waits for what is in flight, at most `timeoutMs`, and sheds the rest. */
  async stop(timeoutMs: number): Promise<void> {
    clearInterval(this.#sweeper);
    for (const { lane } of this.#sides) lane.stop();
    const until = performance.now() + timeoutMs;
    while (this.inFlight > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const { lane } of this.#sides) lane.abandon();
  }

  status(): CandidateStatus[] {
    return this.#sides.map(({ config, lane, counters, answerBytes }) => ({
      name: config.name,
      kind: config.kind,
      routes: config.routes,
      rate: this.#options.settings.rateOf(config.name),
      inFlight: lane.inFlight,
      maxInFlight: config.maxInFlight,
      queued: lane.queued,
      queuedBytes: lane.bytes,
      maxQueuedBytes: lane.limits.maxBytes,
      oldestMs: lane.oldestMs,
      maxAgeMs: lane.limits.maxAgeMs,
      answerBytes: { largest: answerBytes.value, max: config.maxAnswerBytes },
      guard: lane.guard.status(),
      ...counters.snapshot(),
    }));
  }

  /** The rules in the order in which they are decided: paused, not selected, caps. */
  #select(lane: CandidateLane, key: LegKey, exchange: HeldExchange): void {
    const { paused } = this.#options.settings;
    if (paused !== '') {
      this.settle({ key }, 'paused', paused);
      return;
    }
    const { share } = this.#sample(exchange);
    const ownRate = this.#options.settings.rateOf(key.candidate);
    const probability = Math.min(exchange.frame.rate, ownRate * share);
    // u is below 1: where all are selected, it is drawn only for a copy that is made.
    if (probability < 1 && !(this.#drawn(exchange) < probability)) {
      this.settle({ key }, 'not_selected', '');
      return;
    }
    if (exchange.tooLarge !== '') {
      this.settle({ key }, 'shed', exchange.tooLarge);
      return;
    }
    const { keep } = this.#options.pressure;
    // Scaled by u, not drawn anew: what is still sent is nested in what was sent before.
    if (keep < 1 && !(this.#drawn(exchange) < probability * keep)) {
      this.settle({ key }, 'shed', 'memory_pressure');
      return;
    }
    exchange.holders += 1;
    if (exchange.holders === 1) this.#heldBytes += exchange.bytes;
    lane.offer({ key, exchange, probability });
  }

  #sample(exchange: HeldExchange): Sample {
    if (exchange.sample !== null) return exchange.sample;
    const sample = this.#route(exchange).sampling(exchange.frame.request);
    if (sample.isKeyMissing) this.#keysMissing += 1;
    exchange.sample = sample;
    // A gateway draws by exchange ids; a value of the body decides here alone.
    if (sample.value !== null) exchange.u = Number.NaN;
    return sample;
  }

  #drawn(exchange: HeldExchange): number {
    const { value } = this.#sample(exchange);
    if (Number.isNaN(exchange.u)) {
      const id = exchangeId(exchange.epoch, exchange.frame.number);
      exchange.u = drawnNumber(this.#options.secret, value ?? id);
    }
    return exchange.u;
  }

  #decode(exchange: HeldExchange): NonNullable<HeldExchange['decoded']> {
    if (exchange.decoded !== null) return exchange.decoded;
    const { epoch, instance, frame } = exchange;
    const { experiment } = this.#options.config;
    const { secret } = this.#options;
    const id = exchangeId(epoch, frame.number);
    const { value } = this.#sample(exchange);
    const key = value === null ? id : toPairKey(secret, value);
    const decoded = decodeExchange(frame, this.#route(exchange), {
      origin: {
        instance,
        epoch,
        experiment,
        u: this.#drawn(exchange),
        key,
        mark: this.#markOf(id),
      },
      limits: this.#limits,
      budget: this.#budget,
      headers: this.#headers,
    });
    // What does not fit now may fit when the next candidate's leg asks.
    if (!('state' in decoded && decoded.state === 'shed')) exchange.decoded = decoded;
    if ('copy' in decoded) exchange.parseCost = decoded.parseCost;
    return decoded;
  }

  #route({ route: name }: HeldExchange): CompiledRoute {
    const route = this.#routes.get(name);
    if (route === undefined) throw new Error('invariant: a leg has a configured route');
    return route;
  }

  #flags(frame: ExchangeFrame, { dispatchMs, isWarmUp }: Sent): PairFlag[] {
    const flags: PairFlag[] = [];
    if (frame.flags & FLAG_EARLY) flags.push('early');
    if (frame.flags & FLAG_DOWNSTREAM_PAUSED) flags.push('downstream_paused');
    if (this.#options.busy.wasBusySince(dispatchMs)) flags.push('mirror_busy');
    if (isWarmUp) flags.push('warm_up');
    return flags;
  }

  #sweep(): void {
    for (const { config, lane } of this.#sides) {
      lane.guard.setRequestsPerSecond(this.#options.settings.requestsPerSecondOf(config.name));
      lane.sweep();
    }
  }
}

const OBSERVED = {
  answer: 'paired',
  error: 'candidate_error',
  timeout: 'candidate_timeout',
} as const;

/**
 * Where every exchange and every copy of it went, with the sums that must hold:
 *
 *   exchanges seen = Σ exchange states + open (+ undecided when an unclean epoch ended)
 *   legs of a candidate: offered exchanges of its routes = Σ leg states + open
 *   legs open, all candidates = in flight in the mirror + in transit to it
 */
import { LEG_COVERAGE, LEG_STATES, type LegCell } from '../pair/leg-states.ts';
import type { MirrorStatus } from '../record/mirror-status.ts';
import { participantId } from '../record/recorder-port.ts';
import type { ExchangeCell } from '../wire/exchange-ledger.ts';
import { EXCHANGE_STATES } from '../wire/exchange-states.ts';
import type { GatewayStatus } from '../wire/gateway-status.ts';
import { bookEpochs, type EpochBook, type LegSums, sumLegs, sumOf } from './epoch-books.ts';

export interface StateCount {
  readonly state: string;
  /** `''` where the state says all. */
  readonly reason: string;
  readonly count: number;
}

/** Two counts that must be equal. */
export interface Sum {
  readonly what: string;
  readonly left: number;
  readonly right: number;
  readonly ok: boolean;
}

export interface CandidateWaterfall {
  readonly name: string;
  /** Exchanges offered on its routes. */
  readonly offered: number;
  readonly states: readonly StateCount[];
  /** Legs in flight in the mirror or in transit to it. */
  readonly open: number;
  readonly observed: number;
  /** Legs and, before they became legs, exchanges that were lost. */
  readonly lost: number;
  /** observed / (observed + lost); `null` while there is neither. */
  readonly coverage: number | null;
}

/** A gateway's life that ended without a farewell: what is known of it is its last report. */
export interface UncleanEpoch {
  readonly epoch: string;
  readonly instance: string;
  /** Unix ms of the last report. */
  readonly reportedAtMs: number;
  /** Exchanges not decided at the last report. */
  readonly undecided: number;
  /** From the last report to the end, ms: what was counted in it is not known; `null`: neither is it. */
  readonly unreportedMs: number | null;
}

export interface Waterfall {
  /** Gateways that answered. */
  readonly gateways: number;
  readonly mirrorUp: boolean;
  readonly exchanges: {
    readonly seen: number;
    readonly states: readonly StateCount[];
    readonly open: number;
    /** Not decided when their gateway was killed. */
    readonly undecided: number;
  };
  readonly candidates: readonly CandidateWaterfall[];
  readonly legsInFlight: number;
  /** Exchanges offered and not yet arrived at the mirror; `null` while no mirror answers. */
  readonly inTransit: number | null;
  readonly uncleanEpochs: readonly UncleanEpoch[];
  readonly sums: readonly Sum[];
  /** Whether all sums hold. */
  readonly ok: boolean;
}

/**
 * @param gateways - statuses read *after* the mirror's
 * @param mirror - `null` when none answers: then only exchanges are shown
 */
export function buildWaterfall(
  gateways: readonly GatewayStatus[],
  mirror: MirrorStatus | null,
): Waterfall {
  const books = bookEpochs(gateways, mirror);
  const exchanges = countExchanges(books);
  const legs = sumLegs(mirror?.legs ?? []);
  const candidates = namesOf(mirror).map((name) => countLegs(name, { books, legs, mirror }));
  const legsInFlight = mirror?.legsInFlight ?? 0;
  const inTransit = mirror === null ? null : transitOf(books);
  const sums = [
    ...exchangeSums(books, gateways),
    ...candidates.map((candidate) => legSum(candidate)),
    ...(mirror === null || inTransit === null ? [] : [openSum({ candidates, mirror, inTransit })]),
  ];
  return {
    gateways: gateways.length,
    mirrorUp: mirror !== null,
    exchanges,
    candidates,
    legsInFlight,
    inTransit,
    uncleanEpochs: books.filter(({ state }) => state === 'unclean').map(toUnclean),
    sums,
    ok: sums.every(({ ok }) => ok),
  };
}

function countExchanges(books: readonly EpochBook[]): Waterfall['exchanges'] {
  const cells = books.flatMap((book) => book.cells);
  const left = (state: EpochBook['state']): number =>
    books.reduce((sum, book) => sum + (book.state === state ? book.seen - book.settled : 0), 0);
  return {
    seen: sumOf(cells, 'seen'),
    states: countStates(cells.filter(isSettled), EXCHANGE_STATES),
    open: left('live'),
    undecided: left('unclean'),
  };
}

function isSettled(cell: ExchangeCell): boolean {
  return cell.state !== 'seen';
}

/** Counts by state and reason, in the order of `states`, the largest reason first. */
function countStates(
  cells: readonly (ExchangeCell | LegCell)[],
  states: readonly string[],
): StateCount[] {
  const counts = new Map<string, { state: string; reason: string; count: number }>();
  for (const { state, reason, count } of cells) {
    const key = `${state}|${reason}`;
    const found = counts.get(key);
    if (count === 0) continue;
    if (found === undefined) counts.set(key, { state, reason, count });
    else found.count += count;
  }
  return [...counts.values()].sort(
    (a, b) => states.indexOf(a.state) - states.indexOf(b.state) || b.count - a.count,
  );
}

interface Books {
  readonly books: readonly EpochBook[];
  readonly legs: LegSums;
  readonly mirror: MirrorStatus | null;
}

function countLegs(name: string, all: Books): CandidateWaterfall {
  const cells = (all.mirror?.legs ?? []).filter(({ candidate }) => candidate === name);
  const states = countStates(cells, LEG_STATES);
  let offered = 0;
  let lost = 0;
  for (const book of all.books) {
    const { legs, expected } = epochOf(name, book, all);
    for (const route of new Set([...expected, ...legs.keys()])) {
      const told = sumOf(book.cells, 'offered', route);
      const had = legs.get(route) ?? 0;
      // Configured no more: it gets no copies of what is offered since. Otherwise the last report of an ended
      // epoch may be older than its last exchanges.
      if (!expected.includes(route)) offered += had;
      else offered += book.state === 'live' ? told : Math.max(told, had);
      lost += sumOf(book.cells, 'shed', route);
    }
  }
  let observed = 0;
  let settled = 0;
  for (const { state, count } of cells) {
    settled += count;
    if (LEG_COVERAGE[state] === 'observed') observed += count;
    if (LEG_COVERAGE[state] === 'lost') lost += count;
  }
  const coverage = observed + lost === 0 ? null : observed / (observed + lost);
  return { name, offered, states, open: offered - settled, observed, lost, coverage };
}

/**
 * What a candidate has to do with an epoch: its legs there, and the routes it gets copies of. In an epoch that has
 * ended these are the ones it got, or was to get. Where that was not noted, a candidate without legs there had
 * nothing to do with it, if others have some.
 */
function epochOf(
  name: string,
  book: EpochBook,
  all: Books,
): { legs: ReadonlyMap<string, number>; expected: readonly string[] } {
  const ofEpoch = all.legs.get(book.epoch);
  const legs = ofEpoch?.get(name) ?? new Map<string, number>();
  const routes = all.mirror?.candidates.find((candidate) => candidate.name === name)?.routes ?? [];
  if (book.state === 'live') return { legs, expected: routes };
  const { configured } = book;
  if (configured === null) {
    return { legs, expected: legs.size > 0 || ofEpoch === undefined ? routes : [] };
  }
  const expected = routes.filter(
    (route) => legs.has(route) || configured.includes(participantId(name, route)),
  );
  return { legs, expected };
}

/** Configured candidates, then those that only the journal remembers. */
function namesOf(mirror: MirrorStatus | null): string[] {
  if (mirror === null) return [];
  const names = mirror.candidates.map(({ name }) => name);
  return [...new Set([...names, ...mirror.legs.map(({ candidate }) => candidate)])];
}

function transitOf(books: readonly EpochBook[]): number {
  return books.reduce((sum, book) => sum + book.offered - (book.received ?? 0), 0);
}

function toUnclean(book: EpochBook): UncleanEpoch {
  const { epoch, instance, reportedAtMs, unreportedMs, seen, settled } = book;
  return { epoch, instance, reportedAtMs, undecided: seen - settled, unreportedMs };
}

function exchangeSums(books: readonly EpochBook[], gateways: readonly GatewayStatus[]): Sum[] {
  const seenReported = new Map(gateways.map(({ epoch, seen }) => [epoch, seen]));
  let left = 0;
  let right = 0;
  let ok = true;
  for (const { epoch, state, seen, settled, openReported } of books) {
    left += seen;
    // Of a clean end nothing is open; otherwise what is left over must be said, or cannot be negative.
    const open = state === 'clean' ? 0 : (openReported ?? Math.max(0, seen - settled));
    right += settled + open;
    if (seen !== settled + open || (seenReported.get(epoch) ?? seen) !== seen) ok = false;
  }
  return [{ what: 'exchanges: seen = states + open', left, right, ok }];
}

function legSum({ name, offered, open, states }: CandidateWaterfall): Sum {
  const right = states.reduce((sum, { count }) => sum + count, 0) + Math.max(0, open);
  const what = `legs of ${name}: offered = states + open`;
  return { what, left: offered, right, ok: offered === right };
}

/** Equal where all candidates get all routes; otherwise what is in transit goes to some of them. */
function openSum(of: {
  candidates: readonly CandidateWaterfall[];
  mirror: MirrorStatus;
  inTransit: number;
}): Sum {
  const { mirror, inTransit } = of;
  const left = of.candidates.reduce((sum, { open }) => sum + open, 0);
  const routes = new Set(mirror.candidates.flatMap((candidate) => candidate.routes));
  const isUniform = mirror.candidates.every((c) => new Set(c.routes).size === routes.size);
  const most = mirror.legsInFlight + inTransit * mirror.candidates.length;
  const ok = inTransit >= 0 && left <= most && left >= (isUniform ? most : mirror.legsInFlight);
  const what = 'legs open = in flight + in transit';
  return { what, left, right: isUniform ? most : Math.min(left, most), ok };
}

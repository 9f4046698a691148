/** A candidate with all that its legs need: made once, at the mirror's start. */
import type { CandidateConfig, Config } from '../config/types.ts';
import { type AnswerReader, compileAnswerReader } from '../prediction/read-predictions.ts';
import { RecentMax } from '../telemetry/recent-max.ts';
import { CandidateCounters } from './candidate-counters.ts';
import { CandidateGuard } from './candidate-guard.ts';
import { CandidateLane, type LaneOwner } from './candidate-lane.ts';
import type { Candidate } from './candidates/candidate.ts';
import { type CompiledRoute, isExact } from './decode-exchange.ts';

export interface CandidateSide {
  readonly config: CandidateConfig;
  readonly lane: CandidateLane;
  readonly counters: CandidateCounters;
  /** Of bodies, as they came. */
  readonly answerBytes: RecentMax;
  /** By route: the candidate's own reader of answers, or the route's. */
  readonly readers: ReadonlyMap<string, AnswerReader>;
}

/**
 * One side for each configured candidate, with an equal share of the mirror's memory: a hung one cannot take the
 * others'.
 *
 * @throws {UnderstudyError} `UND_POINTER_SYNTAX`
 */
export function createSides(
  config: Pick<Config, 'candidates' | 'mirror'>,
  parts: {
    readonly candidates: ReadonlyMap<string, Candidate>;
    readonly routes: ReadonlyMap<string, CompiledRoute>;
    readonly owner: LaneOwner;
  },
): CandidateSide[] {
  const { maxQueuedBytes, maxQueueAgeMs } = config.mirror;
  const maxBytes = Math.floor(maxQueuedBytes / Math.max(1, config.candidates.length));
  const sides: CandidateSide[] = [];
  for (const own of config.candidates) {
    const candidate = parts.candidates.get(own.name);
    if (candidate === undefined) continue;
    const guard = new CandidateGuard(own);
    const limits = { maxBytes, maxAgeMs: maxQueueAgeMs };
    const lane = new CandidateLane({ candidate, guard }, limits, parts.owner);
    const readers = createReaders(own, parts.routes);
    const counters = new CandidateCounters();
    sides.push({ config: own, lane, counters, answerBytes: new RecentMax(), readers });
  }
  return sides;
}

function createReaders(
  config: CandidateConfig,
  routes: ReadonlyMap<string, CompiledRoute>,
): Map<string, AnswerReader> {
  const readers = new Map<string, AnswerReader>();
  for (const name of config.routes) {
    const route = routes.get(name);
    if (route === undefined) continue;
    const own = config.prediction;
    const options = { isExact: isExact(route.compare) };
    readers.set(name, own === null ? route.read : compileAnswerReader(own, options));
  }
  return readers;
}

/**
 * Reads an exchange's raw bytes, within limits: the copy for the candidates, and what its pairs will say.
 */
import type { RouteConfig } from '../config/types.ts';
import { parseAnswer, parseRequest } from '../framing/message.ts';
import type { ExchangeFacts } from '../pair/build-pair.ts';
import type { LegState } from '../pair/leg-states.ts';
import { type AnswerReader, compileAnswerReader } from '../prediction/read-predictions.ts';
import type { ExchangeFrame } from '../wire/messages.ts';
import type { CandidateRequest } from './candidates/candidate.ts';
import { compileCapture, type FieldCapture, NOTHING_CAPTURED } from './capture-fields.ts';
import { type CompiledCompare, compileCompare, type Observed } from './compare-pair.ts';
import { type DecodeLimits, decodeContent } from './content-coding.ts';
import { headerOf } from './header-of.ts';
import { observeIncumbent } from './observe.ts';
import type { ParseBudget } from './parse-budget.ts';
import { type CallerRequest, isMarked, prepareCopy } from './prepare-copy.ts';
import { compileSampling, type Sampling } from './sampling.ts';

/** A route with its pointers compiled. */
export interface CompiledRoute {
  readonly name: string;
  /** The path's template. */
  readonly path: string;
  readonly read: AnswerReader;
  readonly capture: FieldCapture;
  readonly compare: CompiledCompare;
  readonly sampling: Sampling;
}

/** What all routes share. */
export interface RouteReading {
  readonly limits: DecodeLimits;
  readonly budget: ParseBudget;
  /** `mirror.tolerance` */
  readonly tolerance: number;
}

/** @throws {UnderstudyError} `UND_POINTER_SYNTAX` */
export function compileRoute(route: RouteConfig, reading: RouteReading): CompiledRoute {
  const { name, path } = route;
  const compare = compileCompare(route, reading.tolerance);
  return {
    name,
    path,
    read: compileAnswerReader(route.prediction, { isExact: isExact(compare) }),
    capture: compileCapture(route),
    compare,
    sampling: compileSampling(route, reading),
  };
}

/** Without any tolerance the digits of scores decide, not their doubles. */
export function isExact({ tolerance }: CompiledCompare): boolean {
  return tolerance.absolute === 0 && tolerance.relative === 0;
}

/** Which exchange, and with what it was selected. */
export interface ExchangeOrigin {
  readonly instance: string;
  readonly epoch: string;
  readonly experiment: string;
  /** Drawn number in [0, 1). */
  readonly u: number;
  /** Selection key as the pair carries it. */
  readonly key: string;
  /** Value of the shadow mark. */
  readonly mark: string;
}

export type DecodedExchange =
  | {
      readonly copy: CandidateRequest;
      readonly facts: ExchangeFacts;
      readonly incumbent: Observed;
      /** What it takes of the parse budget, to be given back. */
      readonly parseCost: number;
    }
  | RefusedExchange;

/** A state for all legs of the exchange; `shed` for those that wait for it now. */
export interface RefusedExchange {
  readonly state: Extract<LegState, 'undecodable' | 'ineligible' | 'shed'>;
  readonly reason: string;
}

/** Media type: type "/" subtype, of RFC 9110's token characters that pairs allow. */
const MEDIA_TYPE = /^[!#$&^_.+a-z0-9-]+\/[!#$&^_.+a-z0-9-]+$/;
const MEDIA_TYPE_CHARACTERS = 100;

/**
 * Never throws. `undecodable(malformed)` where a message is not readable, `(encoding)` where the answer's
 * content-encoding is unknown or broken, `(too_large)`, `(ratio)` where a body is over one of the limits,
 * `(parse_budget)` where one alone is over its share; `shed(parse_budget)` where it does not fit now.
 */
export function decodeExchange(
  frame: ExchangeFrame,
  route: CompiledRoute,
  options: {
    readonly origin: ExchangeOrigin;
    readonly limits: DecodeLimits;
    readonly budget: ParseBudget;
  },
): DecodedExchange {
  const { origin, limits, budget } = options;
  const request = parseRequest(frame.request);
  if (request === null) return { state: 'undecodable', reason: 'malformed' };
  const answer = parseAnswer(frame.answer, request.method);
  if (answer === null) return { state: 'undecodable', reason: 'malformed' };
  if (isMarked(request)) return { state: 'ineligible', reason: 'foreign_mark' };
  if (request.body.length > limits.maxBytes) return { state: 'undecodable', reason: 'too_large' };
  const encoding = headerOf(answer.headers, 'content-encoding');
  const decoded = decodeContent(answer.body, encoding, limits);
  if ('error' in decoded) return { state: 'undecodable', reason: decoded.error };
  const captured = route.capture === null ? NO_BODY : decodeRequestBody(request, limits);
  if (!budget.allows(decoded.body.length) || !budget.allows(captured.length)) {
    return { state: 'undecodable', reason: 'parse_budget' };
  }
  const parseCost = budget.take(decoded.body.length + captured.length);
  if (parseCost < 0) return { state: 'shed', reason: 'parse_budget' };

  const incumbent = observeIncumbent(
    frame,
    { status: answer.status, body: decoded.body },
    { read: route.read, keepsText: route.compare.structure !== null },
  );
  return {
    parseCost,
    incumbent,
    copy: prepareCopy(request, origin.mark),
    facts: {
      instance: origin.instance,
      epoch: origin.epoch,
      seq: frame.seq,
      number: frame.number,
      key: origin.key,
      wallMs: frame.wallMs,
      experiment: origin.experiment,
      route: route.name,
      method: request.method,
      path: route.path,
      contentType: mediaTypeOf(request),
      requestBytes: request.body.length,
      ...captureOf(captured, route.capture),
      u: origin.u,
      settingsVersion: frame.settingsVersion,
      incumbent: incumbent.observation,
    },
  };
}

const NO_BODY = Buffer.alloc(0);

/** A body that cannot be decoded captures nothing: its pair shows that by what is missing. */
function decodeRequestBody(request: CallerRequest, limits: DecodeLimits): Buffer {
  const encoding = headerOf(request.headers, 'content-encoding');
  const decoded = decodeContent(request.body, encoding, limits);
  return 'error' in decoded ? NO_BODY : decoded.body;
}

function captureOf(body: Buffer, capture: FieldCapture) {
  if (capture === null || body.length === 0) return NOTHING_CAPTURED;
  return capture(body.toString('utf8'));
}

function mediaTypeOf(request: CallerRequest): string {
  const [type = ''] = headerOf(request.headers, 'content-type').split(';', 1);
  const text = type.trim().toLowerCase();
  return text.length <= MEDIA_TYPE_CHARACTERS && MEDIA_TYPE.test(text) ? text : '';
}

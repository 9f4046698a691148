/**
 * Reads an exchange's raw bytes, within limits: the copy for the candidates, and what its pairs will say.
 */
import { isUtf8 } from 'node:buffer';
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
import { isDoubtfulType } from './doubtful-type.ts';
import { headerOf } from './header-of.ts';
import { observeIncumbent } from './observe.ts';
import type { ParseBudget } from './parse-budget.ts';
import { type CallerRequest, type HeaderPolicy, isMarked, prepareCopy } from './prepare-copy.ts';
import { type CurrentKey, compileRedaction, type Redaction } from './redaction/redaction.ts';
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
  /** `null`: the route hides nothing. */
  readonly redaction: Redaction | null;
}

/** What all routes share. */
export interface RouteReading {
  readonly limits: DecodeLimits;
  readonly budget: ParseBudget;
  /** `mirror.tolerance` */
  readonly tolerance: number;
  readonly keys: CurrentKey;
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
    redaction: compileRedaction(route, reading.keys),
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
 * `(parse_budget)` where one alone is over its share, `(redaction)` where it cannot be told what must be hidden;
 * `shed(parse_budget)` where it does not fit now.
 */
export function decodeExchange(
  frame: ExchangeFrame,
  route: CompiledRoute,
  options: {
    readonly origin: ExchangeOrigin;
    readonly limits: DecodeLimits;
    readonly budget: ParseBudget;
    readonly headers: HeaderPolicy;
  },
): DecodedExchange {
  const { origin, limits, budget } = options;
  const { redaction } = route;
  const request = parseRequest(frame.request);
  if (request === null) return { state: 'undecodable', reason: 'malformed' };
  const answer = parseAnswer(frame.answer, request.method);
  if (answer === null) return { state: 'undecodable', reason: 'malformed' };
  if (isMarked(request)) return { state: 'ineligible', reason: 'foreign_mark' };
  if (request.body.length > limits.maxBytes) return { state: 'undecodable', reason: 'too_large' };
  const encoding = headerOf(answer.headers, 'content-encoding');
  const decoded = decodeContent(answer.body, encoding, limits);
  if ('error' in decoded) return { state: 'undecodable', reason: decoded.error };
  const readable = decodeRequestBody(request, route, limits);
  if ('state' in readable) return readable;
  if (!budget.allows(decoded.body.length) || !budget.allows(readable.length)) {
    return { state: 'undecodable', reason: 'parse_budget' };
  }
  const parseCost = budget.take(decoded.body.length + readable.length);
  if (parseCost < 0) return { state: 'shed', reason: 'parse_budget' };
  const body = readRequestBody(request, route, readable);
  if ('state' in body) {
    budget.giveBack(parseCost);
    return body;
  }

  const incumbent = observeIncumbent(
    frame,
    { status: answer.status, body: decoded.body },
    {
      read: route.read,
      redact: redaction?.answers ?? null,
      keepsText: route.compare.structure !== null,
    },
  );
  return {
    parseCost,
    incumbent,
    copy: prepareCopy(request, {
      mark: origin.mark,
      headers: options.headers,
      query: redaction?.query ?? null,
      body: body.sent,
    }),
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
      ...captureOf(body.recorded, route.capture),
      u: origin.u,
      settingsVersion: frame.settingsVersion,
      incumbent: incumbent.observation,
    },
  };
}

/** What is read of a request's body, beside the copy. */
interface RequestBody {
  /** Instead of the caller's body; `null`: that one. */
  readonly sent: Buffer | null;
  /** What may be captured; empty: nothing. */
  readonly recorded: string;
}

const NOTHING = Buffer.alloc(0);
const IN_DOUBT: RefusedExchange = { state: 'undecodable', reason: 'redaction' };

/** @returns what is read of the body, decoded; empty: nothing is */
function decodeRequestBody(
  request: CallerRequest,
  { capture, redaction }: CompiledRoute,
  limits: DecodeLimits,
): Buffer | RefusedExchange {
  if (redaction?.isReady === false) return IN_DOUBT;
  const sent = redaction?.sent ?? null;
  if (capture === null && sent === null) return NOTHING;
  const encoding = headerOf(request.headers, 'content-encoding');
  const decoded = decodeContent(request.body, encoding, limits);
  if ('body' in decoded) return decoded.body;
  return sent === null ? NOTHING : { state: 'undecodable', reason: decoded.error };
}

/**
 * A body of which something must be hidden from candidates is sent only where it can be told what. One that is
 * only captured from, and cannot be read, captures nothing: its pair shows that by what is missing.
 *
 * @param readable - as `decodeRequestBody` returns it
 */
function readRequestBody(
  request: CallerRequest,
  { capture, redaction }: CompiledRoute,
  readable: Buffer,
): RequestBody | RefusedExchange {
  const sent = redaction?.sent ?? null;
  if (readable.length === 0 && (request.body.length === 0 || sent === null)) {
    return { sent: null, recorded: '' };
  }
  if (sent !== null && !isUtf8(readable)) return IN_DOUBT;
  if (sent !== null && isDoubtfulType(headerOf(request.headers, 'content-type'))) return IN_DOUBT;
  const text = readable.toString('utf8');
  const hidden = sent === null ? text : sent(text);
  if (hidden === null) return IN_DOUBT;
  // An encoded body is not sent as it came: another decoder may read more of it.
  const isEncoded = headerOf(request.headers, 'content-encoding') !== '';
  const isAsItCame = sent === null || (hidden === text && !isEncoded);
  const record = redaction?.recorded ?? null;
  const isSame = record === null || record === sent;
  const recorded = capture === null ? '' : isSame ? hidden : (record(text) ?? '');
  return { sent: isAsItCame ? null : Buffer.from(hidden), recorded };
}

function captureOf(body: string, capture: FieldCapture) {
  return capture === null || body === '' ? NOTHING_CAPTURED : capture(body);
}

function mediaTypeOf(request: CallerRequest): string {
  const [type = ''] = headerOf(request.headers, 'content-type').split(';', 1);
  const text = type.trim().toLowerCase();
  return text.length <= MEDIA_TYPE_CHARACTERS && MEDIA_TYPE.test(text) ? text : '';
}

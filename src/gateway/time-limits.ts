/**
 * How long a connection may take for what it is at: one look at each connection every LIMITS.timeSweepMs,
 * and no timer, no stamp and no work in between. So a limit is passed by up to two looks before it bites.
 *
 *   idle ── first byte ──► head ── complete ──► body ── complete ──► answer ── its head ──► relay ──► idle
 *                                                                    (504)       (slow reader)
 *   opaque from anywhere ──► tunnel
 *
 * A later request of a pipeline has no limit of its own while an earlier one is owed its answer: what would
 * end it would cost the earlier one, too.
 */
import type { GatewayConfig } from '../config/types.ts';

/** What passed its limit; a metric label. `connections`, `overflow`: the caps on their number. */
export const CONNECTION_LIMITS = [
  'idle',
  'head',
  'body',
  'answer',
  'reader',
  'tunnel',
  'connections',
  'overflow',
] as const;
export type ConnectionLimit = (typeof CONNECTION_LIMITS)[number];
export type TimeLimit = Exclude<ConnectionLimit, 'connections' | 'overflow'>;

/** Milliseconds each; 0: no limit. */
export type TimeLimits = Pick<
  GatewayConfig,
  | 'idleTimeoutMs'
  | 'headTimeoutMs'
  | 'bodyTimeoutMs'
  | 'bodyMinBytesPerSecond'
  | 'answerTimeoutMs'
  | 'slowReaderTimeoutMs'
  | 'tunnelTimeoutMs'
>;

/** What a connection's books know. */
export interface Progress {
  /** Exchanges owed an answer, or the rest of one. */
  readonly open: number;
  /** The head of a request is complete and its body is not. */
  readonly bodyPartial: boolean;
  /** Of that body no byte has come, and the caller rightly waits for 100 (RFC 9110, 10.1.1): neither has. */
  readonly awaitsContinue: boolean;
  /** Bytes so far of that request. */
  readonly partialBytes: number;
  /** Requests seen, and answers complete: they tell one request from the next. */
  readonly requests: number;
  readonly answers: number;
  /** The head of the final answer that is owed next has come. */
  readonly answering: boolean;
}

/** What its sockets know. */
export interface Flow {
  /** A request head has begun and is not complete. */
  readonly headPartial: boolean;
  /** Last byte read from either side. Host's monotonic clock, ms. */
  readonly lastByteMs: number;
  /** Bytes that wait for the incumbent: it does not read, or is not connected yet. */
  readonly upstreamBytes: number;
  /** Bytes that wait for the caller; while it reads nothing, their number stays. */
  readonly downstreamBytes: number;
}

/** Of one connection. */
export class TimeWatch {
  #phase: TimeLimit = 'idle';
  #mark = 0;
  #sinceMs = 0;
  #lookedMs = 0;

  /**
   * @param progress - `null`: the connection is opaque
   * @returns the limit that is passed; empty: none
   */
  look(nowMs: number, progress: Progress | null, flow: Flow, limits: TimeLimits): TimeLimit | '' {
    const phase = progress === null ? 'tunnel' : phaseOf(progress, flow, limits);
    const mark = progress === null ? 0 : markOf(phase, progress, flow);
    if (phase !== this.#phase || mark !== this.#mark || this.#lookedMs === 0) {
      this.#phase = phase;
      this.#mark = mark;
      this.#sinceMs = nowMs;
    } else if (isHeldUp(phase, flow)) {
      // Not the doing of the side whose time it is.
      this.#sinceMs += nowMs - this.#lookedMs;
    }
    this.#lookedMs = nowMs;
    const allowedMs = allowanceOf(phase, progress, limits);
    const fromMs = phase === 'idle' || phase === 'tunnel' ? flow.lastByteMs : this.#sinceMs;
    return allowedMs > 0 && nowMs - fromMs >= allowedMs ? phase : '';
  }
}

function phaseOf(progress: Progress, flow: Flow, limits: TimeLimits): TimeLimit {
  const { open, bodyPartial, answering } = progress;
  const { headPartial, downstreamBytes } = flow;
  if (open === 0 && (bodyPartial || headPartial)) return bodyPartial ? 'body' : 'head';
  // The end of its answer waits for the caller: that is no pause between two requests.
  if (open === 0) return downstreamBytes > 0 ? 'reader' : 'idle';
  if (answering) return 'reader';
  if (open > 1 || !bodyPartial) return 'answer';
  // The incumbent is the slow one. Without a limit for it the body's stays: nobody is to wait for 100 for ever.
  return progress.awaitsContinue && limits.answerTimeoutMs > 0 ? 'answer' : 'body';
}

/** Another mark: the phase has begun anew, or there was progress in it. */
function markOf(phase: TimeLimit, progress: Progress, flow: Flow): number {
  if (phase === 'head' || phase === 'body') return progress.requests;
  if (phase === 'answer') return progress.answers;
  return phase === 'reader' ? flow.downstreamBytes : 0;
}

function isHeldUp(phase: TimeLimit, flow: Flow): boolean {
  if (phase === 'reader') return flow.downstreamBytes === 0;
  return phase === 'body' && flow.upstreamBytes > 0;
}

function allowanceOf(phase: TimeLimit, progress: Progress | null, limits: TimeLimits): number {
  switch (phase) {
    case 'idle':
      return idleAllowance(progress?.requests ?? 0, limits);
    case 'head':
      return limits.headTimeoutMs;
    case 'body':
      return bodyAllowance(progress?.partialBytes ?? 0, limits);
    case 'answer':
      return limits.answerTimeoutMs;
    case 'reader':
      return limits.slowReaderTimeoutMs;
    case 'tunnel':
      return limits.tunnelTimeoutMs;
  }
}

/** Who has asked nothing yet has the time of a head: connections that never speak must not fill the cap. */
function idleAllowance(requests: number, { idleTimeoutMs, headTimeoutMs }: TimeLimits): number {
  if (requests > 0 || headTimeoutMs === 0) return idleTimeoutMs;
  return idleTimeoutMs === 0 ? headTimeoutMs : Math.min(idleTimeoutMs, headTimeoutMs);
}

/** A fixed time, and a second more for each so many bytes that have come: big uploads are not slow ones. */
function bodyAllowance(bytes: number, limits: TimeLimits): number {
  const { bodyTimeoutMs, bodyMinBytesPerSecond } = limits;
  if (bodyTimeoutMs === 0 || bodyMinBytesPerSecond === 0) return bodyTimeoutMs;
  return bodyTimeoutMs + (1_000 * bytes) / bodyMinBytesPerSecond;
}

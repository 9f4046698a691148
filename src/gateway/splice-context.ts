/** What a splice is given: of its process, and of its own. */
import type { TapLimits } from '../framing/connection-tap.ts';
import type { CallerInfo } from './caller-info.ts';
import type { CaptureContext } from './capture.ts';
import type { InsertFields } from './insert-fields.ts';
import type { TimeLimit, TimeLimits } from './time-limits.ts';
import type { TurnQueue, TurnReader } from './turn-queue.ts';
import type { Upstream } from './upstream.ts';
import type { Unreachable } from './upstream-error.ts';

/** What the connections of a process share. */
export interface SpliceContext extends CaptureContext {
  readonly tapLimits: TapLimits;
  readonly timeLimits: TimeLimits;
  /** While draining: a connection is ended when it has been idle for so long. */
  readonly drainIdleMs: number;
  /** Answers carry `Connection: close` from now on. */
  readonly draining: boolean;
  readonly turn: TurnQueue;
  countOpaqueBytes(bytes: number): void;
  unreachable(upstream: Upstream, cause: Unreachable): void;
  limited(limit: TimeLimit): void;
  closed(splice: TurnReader): void;
}

export interface SpliceOptions {
  readonly caller: CallerInfo;
  readonly upstream: Upstream;
  /** Fields for the heads of its requests; only with `ambiguous: reject`. */
  readonly insert: InsertFields | null;
  /** The gateway is at its connection cap: the first request is answered 503. */
  readonly refuse: boolean;
}

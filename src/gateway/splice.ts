/**
 * One caller's connection and its own connection to the incumbent: bytes read on one side are written to
 * the other. Nothing else decides their pace: back-pressure is between these two sockets alone, each
 * direction ends by itself (half-close), and a reset is passed on as a reset.
 *
 *   caller ──read, copied──► upstream      the same copy goes to the tap, after the write
 *   caller ◄──read, copied── upstream      (when: turn-queue.ts)
 *
 * The upstream connection is opened on the caller's first byte. The tap only watches; what it decides is
 * whether an answer of the gateway's own may be written, and, while it drains, where `Connection: close`
 * goes.
 *
 * With `ambiguous: reject` the tap stands in the line: of the caller's bytes only those go on that it has
 * found clear (`Capture.onClear`). A request in doubt is answered 400 when all that was asked before it has
 * been answered; where a byte of its own answer was relayed already, the connection just ends.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Placed } from '../dense-set.ts';
import { ConnectionTap } from '../framing/connection-tap.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import { type AuthoredCode, authoredAnswer } from './authored-answer.ts';
import type { ByteConnection, ByteSink, OnBytes } from './byte-connection.ts';
import { Capture } from './capture.ts';
import { resetWhenWritten } from './reset-when-written.ts';
import type { SpliceContext, SpliceOptions } from './splice-context.ts';
import { type TimeLimit, TimeWatch } from './time-limits.ts';
import type { TurnReader } from './turn-queue.ts';
import { toBreak, toTlsUnreachable, type Unreachable } from './upstream-error.ts';

const CLOSE_LINE: Buffer = Buffer.from('Connection: close\r\n');
const NOTHING: Buffer = Buffer.alloc(0);

export class Splice implements TurnReader, Placed {
  place = -1;
  readonly #context: SpliceContext;
  readonly #options: SpliceOptions;
  readonly #caller: ByteConnection;
  readonly #capture: Capture;
  readonly #tap: ConnectionTap;
  /** A `Dial` until it is open, then the connection itself. */
  #upstream: ByteSink | null = null;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** The gateway has ended this connection with bytes or an end of its own: what still comes is let go. */
  #over = false;
  #closeSent = false;
  #callerEnded = false;
  #upstreamEnded = false;
  /** Its connection broke: nothing can be written to it any more. */
  #upstreamBroken = false;
  #lastByteMs = monotonicMs();
  readonly #watch = new TimeWatch();
  /** The upstream takes more: what the last `#forward` of a read said. */
  #more = true;

  /** @param openCaller - begins to read the caller's connection */
  constructor(
    openCaller: (onBytes: OnBytes) => ByteConnection,
    options: SpliceOptions,
    context: SpliceContext,
  ) {
    this.#context = context;
    this.#options = options;
    this.#capture = new Capture(context);
    this.#tap = new ConnectionTap(this.#capture, context.tapLimits);
    this.#caller = openCaller((bytes) => context.turn.add(this, bytes, true));
    this.#caller.on('drain', () => this.#upstream?.resume());
    this.#caller.on('end', () => this.#onCallerEnd());
    this.#caller.on('error', () => this.#onCallerError());
    this.#caller.on('close', () => this.#onCallerClose());
    if (options.refuse) this.#linger();
    else if (context.tapLimits.rejects) {
      this.#capture.onClear = (clear) => this.#forward(clear);
      this.#capture.insert = options.insert;
    }
  }

  /** Looks whether a draining connection may end: nothing under way, and told so or idle. */
  drainStep(nowMs: number): void {
    if (this.#over || this.#tap.opaque !== '' || !this.#isAtRest) return;
    // The end of an answer waits here for a caller that reads slowly.
    if (this.#caller.writableLength > 0) return;
    if (this.#closeSent || nowMs - this.#lastByteMs >= this.#context.drainIdleMs) this.#endBoth();
  }

  /** Looks whether what the connection is at has taken too long. */
  limitStep(nowMs: number): void {
    if (this.#over || this.#options.refuse) return;
    const flow = {
      headPartial: this.#tap.requestPartial,
      lastByteMs: this.#lastByteMs,
      upstreamBytes: this.#upstream?.writableLength ?? 0,
      downstreamBytes: this.#caller.writableLength,
    };
    const progress = this.#tap.opaque === '' ? this.#capture : null;
    const limit = this.#watch.look(nowMs, progress, flow, this.#context.timeLimits);
    if (limit !== '') this.#endAtLimit(limit);
  }

  /** Ends the connection now; exchanges under way are `shed(gateway_exit)`, and an answer that is cut shows. */
  destroy(): void {
    const isCut = !this.#over && (this.#tap.answerPartial || this.#caller.writableLength > 0);
    this.#capture.close('shed', 'gateway_exit');
    this.#upstream?.destroy();
    if (isCut) this.#caller.resetAndDestroy();
    else this.#caller.destroy();
  }

  pass(bytes: Buffer, fromCaller: boolean, nowMs: number): void {
    this.#lastByteMs = nowMs;
    if (this.#over) return;
    if (!fromCaller) {
      if (!this.#caller.write(bytes)) this.#upstream?.pause();
    } else if (this.#options.refuse) {
      this.#refuse(bytes);
    } else if (!this.#upstreamBroken && !(this.#upstream ?? this.#connect()).write(bytes)) {
      this.#caller.pause();
    }
  }

  look(bytes: Buffer, fromCaller: boolean, nowMs: number): void {
    if (this.#over || this.#options.refuse) return;
    if (this.#tap.opaque !== '') {
      if (!fromCaller) this.#lingerTimer?.refresh();
      this.#context.countOpaqueBytes(bytes.length);
      return;
    }
    const capture = this.#capture;
    capture.nowMs = nowMs;
    if (fromCaller) {
      capture.upstreamPending = (this.#upstream?.writableLength ?? 0) > 0;
      this.#tap.request(bytes);
      if (this.#upstreamBroken) this.#onUpstreamReset('reset');
      else this.#askWhenWritten();
    } else {
      capture.downstreamPaused = this.#caller.writableNeedDrain;
      this.#tap.answer(bytes);
      this.#endIfRefused();
      this.#endUpstream();
    }
  }

  passInLine(bytes: Buffer, fromCaller: boolean, nowMs: number): void {
    const { draining, tapLimits } = this.#context;
    const { opaque } = this.#tap;
    this.#lastByteMs = nowMs;
    if (this.#over) return;
    if (fromCaller && tapLimits.rejects && opaque !== 'upgrade' && !this.#options.refuse) {
      this.#passClear(bytes, nowMs);
    } else if (!fromCaller && draining && opaque === '') {
      this.#passDraining(bytes, nowMs);
    } else {
      this.pass(bytes, fromCaller, nowMs);
      this.look(bytes, fromCaller, nowMs);
    }
  }

  /** Shows the bytes to the tap first: it hands what is clear to `#forward`. */
  #passClear(bytes: Buffer, nowMs: number): void {
    if (this.#tap.refused !== '') return;
    if (this.#tap.opaque !== '') {
      // The answers cannot be followed any more, so what this is cannot be told: it does not go on, and
      // the connection ends when the incumbent has been silent for a while.
      this.#linger();
      return;
    }
    this.#capture.nowMs = nowMs;
    this.#more = true;
    this.#tap.request(bytes);
    if (this.#upstreamBroken) {
      this.#onUpstreamReset('reset');
      return;
    }
    this.#askWhenWritten();
    if (!this.#more) this.#caller.pause();
    this.#endIfRefused();
  }

  #forward(clear: Buffer): void {
    if (this.#upstreamBroken) return;
    this.#more = (this.#upstream ?? this.#connect()).write(clear);
    this.#capture.upstreamPending = (this.#upstream?.writableLength ?? 0) > 0;
  }

  #askWhenWritten(): void {
    const capture = this.#capture;
    if (capture.awaitsWrite) this.#upstream?.write(NOTHING, () => capture.written());
  }

  /** The rest of a refused request must never be taken for another: its upstream ends with a reset. */
  #endIfRefused(): void {
    if (this.#over || this.#tap.refused === '') return;
    if (this.#tap.opaque !== '' || this.#tap.earlierOwed > 0) return;
    this.#upstream?.resetAndDestroy();
    const isAnswered = this.#tap.requestPartial && this.#capture.open === 0;
    if (!isAnswered && !this.#capture.answerBegun) {
      this.#author('UND_REQUEST_AMBIGUOUS', this.#tap.refusedMethod);
      return;
    }
    this.#over = true;
    if (isAnswered) this.#caller.end();
    else this.#caller.resetAndDestroy();
    this.#linger();
  }

  /** The one change to bytes: the last answer that is owed says that its connection closes. */
  #passDraining(bytes: Buffer, nowMs: number): void {
    const capture = this.#capture;
    capture.nowMs = nowMs;
    capture.answerHeadEnd = 0;
    capture.answerIsLast = false;
    this.#tap.answer(bytes);
    // Before the head's empty line, where that has not been relayed already.
    const at = capture.answerHeadEnd - 2;
    let more: boolean;
    if (capture.answerIsLast && at >= 0) {
      this.#closeSent = true;
      this.#caller.write(bytes.subarray(0, at));
      this.#caller.write(CLOSE_LINE);
      more = this.#caller.write(bytes.subarray(at));
    } else {
      more = this.#caller.write(bytes);
    }
    capture.downstreamPaused = !more;
    if (!more) this.#upstream?.pause();
    this.#endIfRefused();
    this.#endUpstream();
    if (this.#closeSent) this.drainStep(nowMs);
  }

  #connect(): ByteSink {
    const { upstream, caller } = this.#options;
    const dial = upstream.open(caller, {
      onBytes: (bytes) => this.#context.turn.add(this, bytes, false),
      connected: (connection) => this.#onConnected(connection),
      drained: () => this.#caller.resume(),
      failed: (cause) => this.#unreachable(cause),
    });
    this.#upstream = dial;
    return dial;
  }

  #onConnected(connection: ByteConnection): void {
    this.#upstream = connection;
    connection.on('drain', () => this.#caller.resume());
    connection.on('end', () => this.#onUpstreamEnd());
    connection.on('error', (error) => this.#onUpstreamBreak(error));
  }

  #unreachable(cause: Unreachable): void {
    this.#context.turn.flush();
    if (this.#over || this.#caller.destroyed) return;
    this.#context.unreachable(this.#options.upstream, cause);
    const method = this.#tap.owedMethod;
    this.#capture.close('incumbent_unreachable', cause.reason);
    this.#author(cause.code, method);
  }

  /** Over the cap: counts what it is asked, and says that it is busy. */
  #refuse(bytes: Buffer): void {
    this.#tap.request(bytes);
    const isInDoubt = this.#tap.opaque !== '' || this.#tap.refused !== '';
    if (isInDoubt) this.#author('UND_GATEWAY_BUSY', '');
    if (this.#capture.open === 0) return;
    const method = this.#tap.owedMethod;
    this.#capture.close('refused', 'busy');
    this.#author('UND_GATEWAY_BUSY', method);
  }

  /** Bytes of the gateway's own end the connection. To what is not HTTP it only hangs up. */
  #author(code: AuthoredCode, method: string): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#tap.opaque !== '') {
      this.#caller.resetAndDestroy();
      return;
    }
    this.#caller.write(authoredAnswer(code, method));
    this.#caller.end();
    this.#caller.resume();
    this.#linger();
  }

  /** Says so where no byte of that answer was relayed; ends quietly where nothing was under way. */
  #endAtLimit(limit: TimeLimit): void {
    this.#context.limited(limit);
    if (limit === 'idle' || limit === 'tunnel') {
      this.#endBoth();
      return;
    }
    const isUnanswered = this.#capture.open > 0 && !this.#capture.answerBegun;
    const mayAuthor = limit === 'head' || (limit !== 'reader' && isUnanswered);
    const method = this.#tap.owedMethod;
    if (limit === 'answer') this.#capture.close('incumbent_abort', 'timeout');
    else if (limit === 'body' && mayAuthor) this.#capture.close('refused', 'body_timeout');
    else this.#capture.close('client_abort', 'timeout');
    this.#upstream?.resetAndDestroy();
    if (mayAuthor) {
      this.#author(limit === 'answer' ? 'UND_INCUMBENT_SLOW' : 'UND_REQUEST_TIMEOUT', method);
    } else {
      this.#over = true;
      this.#caller.resetAndDestroy();
    }
  }

  #endBoth(): void {
    this.#over = true;
    this.#caller.end();
    this.#upstream?.end();
    this.#linger();
  }

  #linger(): void {
    if (this.#lingerTimer !== undefined) return;
    this.#lingerTimer = setTimeout(() => this.destroy(), LIMITS.lingerMs);
  }

  #onCallerEnd(): void {
    this.#context.turn.flush();
    this.#callerEnded = true;
    this.#capture.requestEof();
    if (this.#upstream === null) this.#caller.end();
    else this.#endUpstream();
  }

  /** Where the caller has ended: not before what stands behind a request to upgrade has gone on. */
  #endUpstream(): void {
    const upstream = this.#upstream;
    if (!this.#callerEnded || upstream === null || upstream.writableEnded) return;
    if (!this.#context.tapLimits.rejects || !this.#tap.waiting) upstream.end();
  }

  #onUpstreamEnd(): void {
    this.#context.turn.flush();
    this.#upstreamEnded = true;
    this.#capture.nowMs = monotonicMs();
    this.#tap.answerEof();
    this.#capture.answerEof();
    if (!this.#over) this.#caller.end();
  }

  #onCallerError(): void {
    this.#context.turn.flush();
    this.#capture.close('client_abort', 'reset');
    this.#upstream?.resetAndDestroy();
  }

  /** Cut with nothing under way, nothing can be missing: that is an end (RFC 9112, 9.8). */
  #onUpstreamBreak(error: Error): void {
    this.#context.turn.flush();
    const how = toBreak(error);
    if (how === 'cut' && this.#tap.opaque === '' && this.#tap.idle) this.#onUpstreamEnd();
    else if (how === 'alert' && this.#isUnanswered)
      this.#unreachable(toTlsUnreachable(error, false));
    else this.#onUpstreamReset(how === 'cut' ? 'truncated' : 'reset');
    // Who asks all the same after an end meets a reset, as in plain.
    this.#upstreamBroken = true;
  }

  /** Nothing is under way; nor is what an incumbent that has ended cannot answer, when it has been sent. */
  get #isAtRest(): boolean {
    return this.#tap.idle || (this.#upstreamEnded && !this.#capture.bodyPartial);
  }

  /** Not a byte has come from the incumbent. */
  get #isUnanswered(): boolean {
    return this.#tap.opaque === '' && this.#capture.answers === 0 && !this.#capture.answerBegun;
  }

  /** What the incumbent sent before its reset is the caller's; then it sees the same reset. */
  #onUpstreamReset(reason: 'reset' | 'truncated'): void {
    this.#capture.close('incumbent_abort', reason);
    const caller = this.#caller;
    if (this.#over || caller.destroyed) return;
    this.#over = true;
    resetWhenWritten(caller);
  }

  #onCallerClose(): void {
    this.#context.turn.flush();
    clearTimeout(this.#lingerTimer);
    const upstreamFirst = this.#upstreamEnded && !this.#callerEnded;
    this.#capture.close(upstreamFirst ? 'incumbent_abort' : 'client_abort', 'truncated');
    const upstream = this.#upstream;
    if (upstream?.writableEnded === false) upstream.destroy();
    // It knows that nobody asks any more. One that goes on all the same is not waited for.
    else if (upstream && !this.#upstreamEnded)
      setTimeout(() => upstream.destroy(), LIMITS.lingerMs);
    this.#context.closed(this);
  }
}

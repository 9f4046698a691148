/**
 * One HTTP/1.1 client for all kinds of candidates: undici's pool, one request a connection at a time, never a
 * redirect, never a retry. Each call ends once, at the latest at its deadline.
 */
import { type Dispatcher, Pool } from 'undici';
import { LIMITS } from '../../config/defaults.ts';
import { monotonicMs } from '../../telemetry/clock.ts';
import type { CandidateOutcome } from './candidate.ts';
import { toFailure } from './classify-error.ts';
import { connectInSlices, type NetworkOptions } from './connect-in-slices.ts';

export interface HttpClientOptions {
  /** `http://host:port` or `https://host:port`, nothing behind it. */
  readonly origin: string;
  /** Unix socket to connect to instead of the origin's address. */
  readonly socketPath?: string;
  /** Missing: a Unix socket. */
  readonly network?: NetworkOptions;
  /** From `dispatch` to the last answer byte; at it the connection is closed. */
  readonly timeoutMs: number;
  /** Connections at most. Calls beyond it wait, and their deadline runs. */
  readonly maxInFlight: number;
  /** Bytes of an answer's body; one byte more is `too_large`. */
  readonly maxAnswerBytes: number;
}

export interface HttpCall {
  readonly method: string;
  /** Path and query, beginning with `/`. */
  readonly path: string;
  /** Names and values in turn. No Content-Length: it is the body's. */
  readonly headers: string[];
  readonly body: Buffer;
}

type Done = (outcome: CandidateOutcome) => void;

export class HttpClient {
  readonly #pool: Pool;
  readonly #timeoutMs: number;

  constructor(options: HttpClientOptions) {
    const { timeoutMs, maxInFlight, maxAnswerBytes, socketPath } = options;
    this.#timeoutMs = timeoutMs;
    this.#pool = new Pool(options.origin, {
      allowH2: false,
      pipelining: 1,
      connections: maxInFlight,
      // undici's own timers are a backstop: coarse (500 ms), and they restart with each body chunk.
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: maxAnswerBytes,
      keepAliveTimeout: LIMITS.candidateKeepAliveMs,
      keepAliveMaxTimeout: LIMITS.candidateKeepAliveMs,
      connect: connectInSlices(
        {
          allowH2: false,
          timeout: timeoutMs,
          ...(socketPath === undefined ? {} : { socketPath }),
        },
        options.network,
      ),
    });
  }

  /** Sends now. `done` is called once; it may be called before this returns. Never throws. */
  dispatch(call: HttpCall, done: Done): void {
    const handler = new CallHandler(this.#timeoutMs, done);
    try {
      this.#pool.dispatch(
        {
          method: call.method,
          path: call.path,
          headers: call.headers,
          body: call.body.length === 0 ? null : call.body,
          // A GET that undici took for idempotent would be sent again on a new connection.
          idempotent: false,
        },
        handler,
      );
    } catch (error) {
      handler.fail(error);
    }
  }

  /** Closes all connections; calls in flight end as errors. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** The one state of a call: whichever event comes first ends it, the rest is ignored. */
class CallHandler implements Dispatcher.DispatchHandler {
  readonly #done: Done;
  readonly #deadline: NodeJS.Timeout;
  #ended = false;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #contentType = '';
  #contentEncoding = '';
  #firstByteMs = 0;
  #chunks: Buffer[] = [];

  constructor(timeoutMs: number, done: Done) {
    this.#done = done;
    this.#deadline = setTimeout(onDeadline, timeoutMs, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Its deadline came while it waited for a connection: nothing may be sent any more.
    if (this.#ended) controller.abort(new Error('deadline'));
    else this.#controller = controller;
  }

  onResponseStarted(): void {
    this.#firstByteMs = monotonicMs();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#contentType = firstValue(headers['content-type']);
    this.#contentEncoding = allValues(headers['content-encoding']);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    this.#end({
      kind: 'answer',
      status: this.#status,
      contentType: this.#contentType,
      contentEncoding: this.#contentEncoding,
      body: this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks),
      firstByteMs: this.#firstByteMs,
      endMs: monotonicMs(),
    });
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    const endMs = monotonicMs();
    const reason = toFailure(error);
    this.#end(reason === 'timeout' ? { kind: 'timeout', endMs } : { kind: 'error', reason, endMs });
  }

  expire(): void {
    this.#end({ kind: 'timeout', endMs: monotonicMs() });
    this.#controller?.abort(new Error('deadline'));
  }

  #end(outcome: CandidateOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#chunks = [];
    this.#done(outcome);
  }
}

function onDeadline(handler: CallHandler): void {
  handler.expire();
}

function firstValue(value: string | string[] | undefined): string {
  return Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
}

function allValues(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

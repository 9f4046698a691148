/**
 * Callers: keep-alive connections at a fixed, bounded rate. Each answer is held against the bytes that the
 * incumbent sends for that exchange. Speed is measured by the benchmark, not here.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { until } from '../support/until.ts';
import { answerOf, drawNumber, type RequestOptions, requestOf } from './exchanges.ts';
import type { Incumbent } from './incumbent.ts';

export interface LoadOptions {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 150. */
  readonly ratePerSecond?: number;
  /** Default 8. */
  readonly connections?: number;
  readonly requestOf?: (number: number) => RequestOptions;
  /** The gateway is going to drain: an answer may say `Connection: close`, and then nobody connects again. */
  readonly drains?: boolean;
  /** With `drains`: who was told connects again, to the gateway that came after. */
  readonly reconnects?: boolean;
}

/** The one line that a draining gateway adds to an answer. */
const CLOSE_LINE = 'Connection: close\r\n';

/** No test sends more: a load that nobody stops ends by itself. */
const MAX_REQUESTS = 60_000;
const TICK_MS = 5;

/** One connection of a load. */
class Caller {
  readonly socket: Socket;
  /** The exchange under way; 0: none. */
  number = 0;
  expected: Buffer = Buffer.alloc(0);
  pieces: Buffer[] = [];
  bytes = 0;
  /** It was told that its connection closes: nothing more is sent on it (RFC 9112 §9.6). */
  isClosing = false;

  constructor({ port, host = '127.0.0.1' }: LoadOptions) {
    this.socket = connect({ port, host, noDelay: true });
  }
}

export class Load {
  readonly #options: LoadOptions;
  readonly #callers = new Set<Caller>();
  readonly #startedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  /** Requests by number, as they were sent. */
  readonly sent = new Map<number, Buffer>();
  /** Complete answers. */
  answered = 0;
  /** What was not as it must be, in words. */
  readonly faults: string[] = [];
  /** Connections that ended, whatever was under way on them. */
  lostConnections = 0;
  /** Exchanges without a complete answer because their connection ended. */
  lostExchanges = 0;
  /** Connections that ended without the answer before having said so. */
  unannounced = 0;

  private constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Connects all callers, one after the other, and begins to send. */
  static async start(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    onTestFinished(() => load.#end());
    for (let i = 0; i < (options.connections ?? 8); i++) await load.connect();
    load.#timer = setInterval(() => load.#tick(), TICK_MS);
    return load;
  }

  /** Waits until so many more answers have come. */
  async answers(count: number, timeoutMs = 30_000): Promise<void> {
    const target = this.answered + count;
    await until(`${count} more answers`, () => this.answered >= target, timeoutMs);
  }

  /** Stops sending, waits for what is under way, and closes the connections. */
  async stop(): Promise<this> {
    clearInterval(this.#timer);
    const isIdle = () => [...this.#callers].every(({ number }) => number === 0);
    await until('answers to all requests', isIdle).catch(() => {
      for (const { number } of this.#callers) if (number) this.faults.push(`${number}: no answer`);
    });
    this.#end();
    return this;
  }

  #end(): void {
    clearInterval(this.#timer);
    for (const { socket } of this.#callers) {
      socket.removeAllListeners('close');
      socket.destroy();
    }
    this.#callers.clear();
  }

  /** One caller more. */
  async connect(): Promise<void> {
    const caller = new Caller(this.#options);
    const { socket } = caller;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(caller, chunk));
    socket.on('close', () => this.#lose(caller));
    this.#callers.add(caller);
    await once(socket, 'connect');
  }

  #tick(): void {
    const rate = this.#options.ratePerSecond ?? 150;
    const due = Math.min(MAX_REQUESTS, ((performance.now() - this.#startedMs) * rate) / 1000);
    for (const caller of this.#callers) {
      if (this.#due >= due) return;
      if (caller.number !== 0 || caller.isClosing || !isOpen(caller.socket)) continue;
      this.#due += 1;
      this.#send(caller);
    }
    // All callers wait for an answer: what is due is not sent later in a burst.
    this.#due = Math.max(this.#due, due);
  }

  #send(caller: Caller): void {
    const number = drawNumber();
    const bytes = requestOf(number, this.#options.requestOf?.(number));
    this.sent.set(number, bytes);
    // The next one goes to the caller that has waited longest.
    this.#callers.delete(caller);
    this.#callers.add(caller);
    caller.number = number;
    caller.expected = answerOf(number);
    caller.pieces = [];
    caller.bytes = 0;
    caller.socket.write(bytes);
  }

  #receive(caller: Caller, chunk: Buffer): void {
    caller.pieces.push(chunk);
    caller.bytes += chunk.length;
    if (caller.bytes < caller.expected.length) return;
    const received = Buffer.concat(caller.pieces);
    const expected = this.#options.drains ? withLineOf(received, caller.expected) : caller.expected;
    if (caller.bytes < expected.length) return;
    if (!received.equals(expected)) {
      const got = received.subarray(0, 200).toString('latin1');
      this.faults.push(`${caller.number}: not the incumbent's bytes: ${JSON.stringify(got)}`);
    }
    this.answered += 1;
    caller.number = 0;
    caller.isClosing = expected !== caller.expected;
  }

  #lose(caller: Caller): void {
    this.#callers.delete(caller);
    this.lostConnections += 1;
    if (caller.number !== 0) this.lostExchanges += 1;
    if (!caller.isClosing) this.unannounced += 1;
    if (this.#options.drains && !this.#options.reconnects) return;
    // A caller connects again; that can fail only when the test is over.
    void this.connect().catch(() => undefined);
  }
}

function isOpen(socket: Socket): boolean {
  return socket.writable && !socket.connecting;
}

/** The expected bytes, with the line of a drain where the received ones have it. */
function withLineOf(received: Buffer, expected: Buffer): Buffer {
  const at = received.indexOf(CLOSE_LINE);
  if (at === -1) return expected;
  return Buffer.concat([expected.subarray(0, at), Buffer.from(CLOSE_LINE), expected.subarray(at)]);
}

/** A load of so many exchanges, from its first to its last answer. */
export async function runLoad(options: LoadOptions & { readonly count?: number }): Promise<Load> {
  const load = await Load.start(options);
  await load.answers(options.count ?? 100);
  return load.stop();
}

/**
 * Every caller got the incumbent's bytes, and the incumbent every request, once and as it was sent.
 */
export function expectServed(load: Load, incumbent: Incumbent): void {
  expect(load.faults).toEqual([]);
  expect(load.lostConnections).toBe(0);
  expect(load.answered).toBe(load.sent.size);
  expect(load.answered).toBeGreaterThan(0);
  expect(incumbent.repeated).toEqual([]);
  for (const [number, bytes] of load.sent) {
    expect(incumbent.received.get(number)?.equals(bytes), `request ${number}`).toBe(true);
  }
}

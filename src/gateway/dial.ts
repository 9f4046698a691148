/**
 * A connection to the incumbent that is being made: its addresses are tried one after the other, each with
 * its share of the time that is left. It takes the caller's bytes meanwhile, so that the splice writes to
 * one thing before and to another after; they are written once, when the connection is open. Once they
 * are, no other address is tried: a scoring request is never sent twice.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Endpoint } from '../config/types.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { AddressList } from './address-list.ts';
import type { ByteConnection, ByteSink, OnBytes } from './byte-connection.ts';
import { CONNECT_TIMEOUT, TLS_NOT_USABLE, UNRESOLVED, type Unreachable } from './upstream-error.ts';
import type { Attempt } from './upstream-tls.ts';

/** What the splice is told. */
export interface DialEvents {
  readonly onBytes: OnBytes;
  /** It is open: from now on the splice writes to `connection`. What was held is written right after. */
  connected(connection: ByteConnection): void;
  /** `write` had said `false`; it may go on. */
  drained(): void;
  failed(cause: Unreachable): void;
}

export interface DialTarget {
  readonly addresses: Pick<AddressList, 'order' | 'failed' | 'worked'>;
  readonly connectTimeoutMs: number;
  whenResolved(done: () => void): boolean;
  /** Begins one attempt; `null`: none is possible. */
  connect(
    endpoint: Endpoint,
    head: Buffer | null,
    onBytes: OnBytes,
    attempt: Attempt,
  ): ByteConnection | null;
}

const NOTHING: Buffer = Buffer.alloc(0);

export class Dial implements ByteSink {
  readonly #target: DialTarget;
  readonly #head: Buffer | null;
  readonly #events: DialEvents;
  readonly #deadlineMs: number;
  readonly #held: Buffer[] = [];
  readonly #done: (() => void)[] = [];
  #order: readonly Endpoint[] = [];
  #tried = 0;
  #socket: ByteConnection | null = null;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #full = false;

  writableLength = 0;
  writableEnded = false;

  /** @param head - written before all else on each connection that is tried */
  constructor(target: DialTarget, head: Buffer | null, events: DialEvents) {
    this.#target = target;
    this.#head = head;
    this.#events = events;
    this.#deadlineMs = monotonicMs() + target.connectTimeoutMs;
    const waits = target.whenResolved(() => this.#begin());
    if (waits) this.#timer = setTimeout(() => this.#fail(UNRESOLVED), target.connectTimeoutMs);
    else this.#begin();
  }

  /** @returns `false` from LIMITS.dialHeldBytes on: the caller is read again when the connection is open */
  write(bytes: Buffer, done?: () => void): boolean {
    if (bytes.length > 0) this.#held.push(bytes);
    if (done !== undefined) this.#done.push(done);
    this.writableLength += bytes.length;
    this.#full = this.writableLength >= LIMITS.dialHeldBytes;
    return !this.#full;
  }

  /** The end follows the bytes that are held. */
  end(): void {
    this.writableEnded = true;
  }

  /** There is nothing to read yet. */
  pause(): void {}

  resume(): void {}

  destroy(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#socket?.destroy();
  }

  /** The incumbent has seen nothing of this caller that a reset could take back. */
  resetAndDestroy(): void {
    this.destroy();
  }

  #begin(): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    this.#order = this.#target.addresses.order(monotonicMs());
    // Never from the constructor: the splice does not hold this object yet.
    if (this.#order.length === 0) setImmediate(() => this.#fail(UNRESOLVED));
    else this.#tryNext();
  }

  #tryNext(): void {
    const endpoint = this.#order[this.#tried];
    if (endpoint === undefined) return;
    const left = this.#order.length - this.#tried;
    this.#tried += 1;
    const shareMs = (this.#deadlineMs - monotonicMs()) / left;
    let isOver = false;
    const fail = (cause: Unreachable): void => {
      if (isOver) return;
      isOver = true;
      this.#failed(endpoint, cause);
    };
    this.#timer = setTimeout(() => fail(CONNECT_TIMEOUT), Math.max(1, shareMs));
    const socket = this.#target.connect(endpoint, this.#head, this.#events.onBytes, {
      opened: () => {
        if (!isOver) this.#open(endpoint);
      },
      failed: fail,
    });
    this.#socket = socket;
    if (socket === null) setImmediate(() => this.#fail(TLS_NOT_USABLE));
  }

  #failed(endpoint: Endpoint, cause: Unreachable): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#target.addresses.failed(endpoint, monotonicMs());
    if (this.#tried < this.#order.length) this.#tryNext();
    else this.#fail(cause);
  }

  #open(endpoint: Endpoint): void {
    const connection = this.#socket;
    if (this.#over || connection === null) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#target.addresses.worked(endpoint);
    this.#events.connected(connection);
    this.#writeHeld(connection);
    if (this.writableEnded) connection.end();
    else if (this.#full && !connection.writableNeedDrain) this.#events.drained();
  }

  /** In one write: the kernel has it at once, or says when. */
  #writeHeld(connection: ByteConnection): void {
    const [first = NOTHING] = this.#held;
    connection.write(this.#held.length > 1 ? Buffer.concat(this.#held) : first);
    this.#held.length = 0;
    if (this.#done.length === 0) return;
    const done = (): void => {
      for (const each of this.#done) each();
    };
    if (connection.writableLength === 0) done();
    else connection.write(NOTHING, done);
  }

  #fail(cause: Unreachable): void {
    if (this.#over) return;
    this.destroy();
    this.#events.failed(cause);
  }
}

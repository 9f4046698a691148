/**
 * A connection to the incumbent that is being made. It takes the caller's bytes meanwhile, so that the
 * splice writes to one thing before and to another after; they are written once, when the connection is
 * open.
 */
import type { Socket } from 'node:net';
import { LIMITS } from '../config/defaults.ts';
import type { Address } from '../config/types.ts';
import type { ByteConnection, ByteSink, OnBytes } from './byte-connection.ts';
import { connectSocket } from './shared-read.ts';
import { CONNECT_TIMEOUT, toUnreachable, type Unreachable } from './upstream-error.ts';

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
  readonly address: Address;
  readonly connectTimeoutMs: number;
}

interface Held {
  readonly bytes: Buffer;
  readonly done: (() => void) | undefined;
}

export class Dial implements ByteSink {
  readonly #events: DialEvents;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  readonly #held: Held[] = [];
  #over = false;
  #full = false;

  writableLength = 0;
  writableEnded = false;

  constructor(target: DialTarget, events: DialEvents) {
    this.#events = events;
    const socket = connectSocket(target.address, events.onBytes);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#fail(CONNECT_TIMEOUT), target.connectTimeoutMs);
    socket.once('connect', () => this.#open());
    socket.on('error', (error) => this.#fail(toUnreachable(error)));
  }

  /** @returns `false` from LIMITS.dialHeldBytes on: the caller is read again when the connection is open */
  write(bytes: Buffer, done?: () => void): boolean {
    this.#held.push({ bytes, done });
    this.writableLength += bytes.length;
    this.#full = this.writableLength >= LIMITS.dialHeldBytes;
    return !this.#full;
  }

  /** The end follows the bytes that are held. */
  end(): void {
    this.writableEnded = true;
  }

  /** There is nothing to read yet. */
  resume(): void {}

  destroy(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#socket.destroy();
  }

  /** The incumbent has seen nothing of this caller that a reset could take back. */
  resetAndDestroy(): void {
    this.destroy();
  }

  #open(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    const connection = this.#socket;
    this.#events.connected(connection);
    for (const { bytes, done } of this.#held) connection.write(bytes, done);
    this.#held.length = 0;
    if (this.writableEnded) connection.end();
    else if (this.#full && !connection.writableNeedDrain) this.#events.drained();
  }

  #fail(cause: Unreachable): void {
    if (this.#over) return;
    this.destroy();
    this.#events.failed(cause);
  }
}

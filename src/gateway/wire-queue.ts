/**
 * Bytes on their way to the mirror. Messages are written into slabs and handed to the socket a slab's
 * stretch at a time, within LIMITS.wireFlushMs, or when the slab is full:
 *
 *   slab   │ handed to the socket │ waiting for the flush │ free │
 *                                 ▲ flushed               ▲ used
 *
 * Invariants: a stretch that was handed over is not written again until the socket has let go of all of
 * the slab; `queuedBytes` counts every byte from `reserve` until the socket has let go of it. Memory is at
 * most `queuedBytes` and two slabs.
 */
import type { Socket } from 'node:net';
import { LIMITS } from '../config/defaults.ts';

class Slab {
  readonly bytes: Buffer;
  used = 0;
  flushed = 0;
  /** Stretches that the socket still holds. */
  pending = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }
}

/** Where a message may be written. */
export interface Room {
  readonly bytes: Buffer;
  readonly at: number;
}

export class WireQueue {
  readonly #maxBytes: number;
  #socket: Socket | null = null;
  #slab: Slab | null = null;
  #spare: Slab | null = null;
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;

  /** @param maxBytes - queued at most */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** From now on messages go to this socket. */
  attach(socket: Socket): void {
    this.#socket = socket;
  }

  /** The socket is gone, and all that was queued for it. */
  detach(): void {
    this.#socket = null;
    // A dead socket may still read from its slabs: they are left to it.
    this.#slab = null;
    this.#queuedBytes = 0;
  }

  hasRoom(bytes: number): boolean {
    return this.#queuedBytes + bytes <= this.#maxBytes;
  }

  /** Room for one message, which the caller writes at once. Counted as queued from now on. */
  reserve(bytes: number): Room {
    this.#queuedBytes += bytes;
    const slab = this.#slabFor(bytes);
    const at = slab.used;
    slab.used += bytes;
    if (!this.#scheduled) this.#schedule();
    return { bytes: slab.bytes, at };
  }

  /** Queues a whole message. */
  push(message: Buffer): void {
    const room = this.reserve(message.length);
    message.copy(room.bytes, room.at);
  }

  /** Hands what waits to the socket. */
  flush(): void {
    this.#scheduled = false;
    const slab = this.#slab;
    const socket = this.#socket;
    if (slab === null || socket === null || slab.flushed === slab.used) return;
    const stretch = slab.bytes.subarray(slab.flushed, slab.used);
    slab.flushed = slab.used;
    slab.pending += 1;
    socket.write(stretch, () => this.#letGo(socket, slab, stretch.length));
  }

  #schedule(): void {
    this.#scheduled = true;
    if (this.#timer !== undefined) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.flush(), LIMITS.wireFlushMs).unref();
  }

  #letGo(socket: Socket, slab: Slab, bytes: number): void {
    if (socket !== this.#socket) return;
    this.#queuedBytes -= bytes;
    slab.pending -= 1;
    if (slab.pending > 0) return;
    if (slab === this.#slab) {
      // All of it was let go: start over in the same memory, which is warm.
      if (slab.flushed === slab.used) restart(slab);
    } else if (slab.bytes.length === LIMITS.wireSlabBytes) {
      this.#spare = restart(slab);
    }
  }

  #slabFor(bytes: number): Slab {
    if (this.#slab !== null && this.#slab.used + bytes <= this.#slab.bytes.length)
      return this.#slab;
    this.flush();
    if (bytes > LIMITS.wireSlabBytes) {
      this.#slab = new Slab(bytes);
    } else {
      this.#slab = this.#spare ?? new Slab(LIMITS.wireSlabBytes);
      this.#spare = null;
    }
    return this.#slab;
  }
}

function restart(slab: Slab): Slab {
  slab.used = 0;
  slab.flushed = 0;
  return slab;
}

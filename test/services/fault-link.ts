/** One direction of one connection through a FaultProxy, with the toxics that work on it. */
import type { Socket } from 'node:net';
import type { PlacedToxic, Stream, Toxic } from './fault-proxy.ts';

export type Random = () => number;

/** Bytes held back by delays; past it the source is not read. */
const HELD_BYTES_MAX = 1024 * 1024;

export interface LinkOptions {
  readonly stream: Stream;
  readonly from: Socket;
  readonly to: Socket;
  readonly random: Random;
  /** Resets both sides. */
  readonly reset: () => void;
}

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

export class Link {
  readonly #options: LinkOptions;
  /** Drawn once a toxic: whether this connection is among those it works on. */
  readonly #drawn = new Map<PlacedToxic, boolean>();
  readonly #timers = new Map<Toxic, NodeJS.Timeout>();
  #toxics: readonly Toxic[] = [];
  #pieces: Piece[] = [];
  #heldBytes = 0;
  #passedBytes = 0;
  #lastDueMs = 0;
  #ended = false;
  #writer: NodeJS.Timeout | undefined;
  #closer: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    options.from.on('data', (bytes: Buffer) => this.#take(bytes));
    options.from.on('end', () => this.#end());
    options.to.on('drain', () => this.#write());
  }

  use(toxics: readonly PlacedToxic[]): void {
    const { stream, random } = this.#options;
    const mine = toxics.filter((placed) => {
      if (placed.stream !== stream) return false;
      const drawn = this.#drawn.get(placed) ?? random() < placed.toxicity;
      this.#drawn.set(placed, drawn);
      return drawn;
    });
    this.#toxics = mine.map(({ toxic }) => toxic);
    for (const [toxic, timer] of this.#timers) {
      if (this.#toxics.includes(toxic)) continue;
      clearTimeout(timer);
      this.#timers.delete(toxic);
    }
    for (const toxic of this.#toxics) this.#arm(toxic);
    this.#limit();
  }

  stop(): void {
    clearTimeout(this.#writer);
    clearTimeout(this.#closer);
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  /** Toxics that end a connection by time do so from the moment they are met. */
  #arm(toxic: Toxic): void {
    if (this.#timers.has(toxic)) return;
    if (toxic.type === 'reset_peer') {
      this.#timers.set(toxic, setTimeout(this.#options.reset, toxic.timeoutMs));
    } else if (toxic.type === 'timeout' && toxic.timeoutMs > 0) {
      this.#timers.set(
        toxic,
        setTimeout(() => this.#close(), toxic.timeoutMs),
      );
    }
  }

  #take(bytes: Buffer): void {
    if (this.#toxics.some(({ type }) => type === 'timeout')) return;
    for (const piece of this.#slice(bytes)) {
      this.#lastDueMs = this.#dueOf(piece);
      this.#pieces.push({ bytes: piece, dueMs: this.#lastDueMs });
      this.#heldBytes += piece.length;
    }
    if (this.#heldBytes > HELD_BYTES_MAX) this.#options.from.pause();
    this.#write();
  }

  #slice(bytes: Buffer): Buffer[] {
    const slicer = this.#toxics.find((toxic) => toxic.type === 'slicer');
    if (slicer === undefined) return [bytes];
    const { averageBytes, variationBytes = 0 } = slicer;
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const drawn = averageBytes + (this.#options.random() * 2 - 1) * variationBytes;
      const size = Math.max(1, Math.round(drawn));
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return pieces;
  }

  /** Never before an earlier piece. */
  #dueOf(piece: Buffer): number {
    const nowMs = performance.now();
    let delayMs = 0;
    let gapMs = 0;
    for (const toxic of this.#toxics) {
      if (toxic.type === 'latency') {
        const jitter = (this.#options.random() * 2 - 1) * (toxic.jitterMs ?? 0);
        delayMs += Math.max(0, toxic.latencyMs + jitter);
      } else if (toxic.type === 'bandwidth') {
        gapMs += (piece.length / toxic.bytesPerSecond) * 1_000;
      } else if (toxic.type === 'slicer') {
        gapMs += toxic.delayMs ?? 0;
      }
    }
    return Math.max(nowMs + delayMs, this.#lastDueMs) + gapMs;
  }

  #write(): void {
    clearTimeout(this.#writer);
    const { from, to } = this.#options;
    for (;;) {
      const [piece] = this.#pieces;
      if (piece === undefined || to.destroyed) break;
      const waitMs = piece.dueMs - performance.now();
      if (waitMs > 0) {
        this.#writer = setTimeout(() => this.#write(), Math.ceil(waitMs));
        return;
      }
      if (to.writableNeedDrain) return;
      this.#pieces.shift();
      this.#heldBytes -= piece.bytes.length;
      const left = this.#leftBytes();
      const bytes = piece.bytes.subarray(0, left);
      this.#passedBytes += bytes.length;
      to.write(bytes);
      if (this.#limit()) return;
    }
    if (from.isPaused() && this.#heldBytes < HELD_BYTES_MAX) from.resume();
    if (this.#ended) this.#pass();
  }

  #leftBytes(): number {
    const limits = this.#toxics.flatMap((toxic) =>
      toxic.type === 'limit_data' ? toxic.bytes : [],
    );
    return Math.max(0, Math.min(...limits, Number.POSITIVE_INFINITY) - this.#passedBytes);
  }

  /** @returns whether the connection was closed, since it had its bytes */
  #limit(): boolean {
    if (this.#leftBytes() > 0) return false;
    this.#close();
    return true;
  }

  #end(): void {
    this.#ended = true;
    this.#write();
  }

  /** Passes the end on, later with `slow_close`. */
  #pass(): void {
    const { to } = this.#options;
    if (this.#closer !== undefined || to.writableEnded) return;
    const slow = this.#toxics.find((toxic) => toxic.type === 'slow_close');
    this.#closer = setTimeout(() => to.end(), slow?.delayMs ?? 0);
  }

  #close(): void {
    const { from, to } = this.#options;
    to.end(() => to.destroy());
    from.destroy();
  }
}

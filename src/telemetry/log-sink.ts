/**
 * Where log lines leave a process: file descriptor 1, never waiting for whoever reads it.
 *
 * A pipe whose reader has stopped blocks a process that writes to it in the ordinary way. Here descriptor 1
 * is opened anew with O_NONBLOCK (its own flags: other processes that share the pipe are not touched);
 * lines that do not fit wait in a queue of LIMITS.logQueueBytes, and past it are dropped and counted.
 * A line is at most LIMITS.logLineBytes = PIPE_BUF long: the kernel writes it whole or not at all, so the
 * lines of several processes on one pipe never mix.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { LIMITS } from '../config/defaults.ts';

export class LogSink {
  readonly #fd: number;
  /** Held so that it is not collected: closing it would close descriptor 1. */
  readonly #keep: Socket | null;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    [this.#fd, this.#keep] = openWithoutWaiting();
    process.on('exit', () => this.#flush());
  }

  /** Lines that nobody could be given: the reader does not read, or is gone. */
  get dropped(): number {
    return this.#dropped;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** @param line - with its line end. Never throws, never waits. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (bytes.length > LIMITS.logLineBytes) {
      this.#dropped += 1;
      return;
    }
    const rest = this.#queue.length === 0 ? this.#put(bytes) : bytes;
    if (rest.length === 0) return;
    // The rest of a line that was begun always fits: a line is never left in the middle.
    if (rest.length === bytes.length && this.#queuedBytes + rest.length > LIMITS.logQueueBytes) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push(rest);
    this.#queuedBytes += rest.length;
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
      if (this.#queue.length > 0) this.#schedule();
    }, LIMITS.logRetryMs).unref();
  }

  #flush(): void {
    const waiting = this.#queue;
    let next = 0;
    for (; next < waiting.length; next += 1) {
      const line = waiting[next] as Buffer;
      const rest = this.#put(line);
      this.#queuedBytes -= line.length - rest.length;
      waiting[next] = rest;
      if (rest.length > 0) break;
    }
    this.#queue = waiting.slice(next);
  }

  /** @returns what has to wait: nothing, all of it, or (a socket) the end of a line */
  #put(line: Buffer): Buffer {
    try {
      return line.subarray(writeSync(this.#fd, line));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return line;
      this.#dropped += 1; // EPIPE: the reader is gone. ENOSPC, EIO: a log file that cannot be written.
      return line.subarray(line.length);
    }
  }
}

/** Descriptor to write to, and what must be kept alive for it. */
function openWithoutWaiting(): [number, Socket | null] {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    const stat = fstatSync(1);
    // A file never makes a writer wait for a reader, and opened anew it would start at offset 0.
    if (stat.isFile()) return [1, null];
    if (process.platform === 'linux' && !stat.isSocket()) {
      return [openSync('/proc/self/fd/1', O_WRONLY | O_NONBLOCK | O_NOCTTY), null];
    }
  } catch {
    // Not permitted (a pipe of another user's): as for a socket.
  }
  try {
    // A socket cannot be opened anew. libuv makes descriptor 1 itself non-blocking when it adopts it.
    return [1, new Socket({ fd: 1, readable: false, writable: false }).unref()];
  } catch {
    return [1, null];
  }
}

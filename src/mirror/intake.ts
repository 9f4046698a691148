/**
 * The mirror's end of the wire: listens in the run folder, decodes each gateway's connection, and keeps the
 * connections of one epoch in order. Reading is never held back for candidates: caps shed, nothing pushes back.
 *
 * Invariant: at most one connection of an epoch is read at a time. A gateway reconnects only after its old
 * connection broke, so what that one still holds is finite, and is read to its end before the new hello is taken.
 */
import { chmodSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import type { Log } from '../telemetry/log-lines.ts';
import {
  type OversizedExchange,
  WireDecoder,
  type WireLimits,
  type WireMessage,
} from '../wire/decoder.ts';
import type { LedgerReport } from '../wire/json-messages.ts';
import type { ExchangeFrame, Hello } from '../wire/messages.ts';
import type { EpochBook } from './epoch-book.ts';

/** Whom an intake works for. `null` or `false`: the message contradicts what is known. */
export interface IntakeOwner {
  hello(hello: Hello): EpochBook | null;
  exchange(book: EpochBook, frame: ExchangeFrame): boolean;
  /** One that is over this mirror's caps, and came without its bytes. */
  oversized(book: EpochBook, exchange: OversizedExchange): boolean;
  report(book: EpochBook, report: LedgerReport): boolean;
  /** The connection was read to its end; `clean` after a farewell. Not called once the mirror stops. */
  ended(book: EpochBook, clean: boolean): void;
}

interface Connection {
  readonly socket: Socket;
  readonly decoder: WireDecoder;
  epoch: string;
  book: EpochBook | null;
  saidFarewell: boolean;
  /** Messages that came in one chunk with a hello that has to wait. */
  held: WireMessage[];
}

export class Intake {
  readonly #path: string;
  readonly #limits: WireLimits;
  readonly #owner: IntakeOwner;
  readonly #log: Log;
  readonly #connections = new Set<Connection>();
  /** By epoch: the connection that is read, then those that wait for its end. */
  readonly #lines = new Map<string, Connection[]>();
  #server: Server | null = null;
  #watch: NodeJS.Timeout | undefined;
  #errors = 0;
  #oversized = 0;
  #isStopping = false;

  constructor(options: { path: string; limits: WireLimits; owner: IntakeOwner; log: Log }) {
    this.#path = options.path;
    this.#limits = options.limits;
    this.#owner = options.owner;
    this.#log = options.log;
  }

  /** Connections closed for a malformed or contradicting message, since the start. */
  get errors(): number {
    return this.#errors;
  }

  /**
   * Listens, and looks now and then whether the socket's name is still there: where somebody removed it, it is
   * bound again, since gateways could not come back otherwise.
   *
   * @throws {UnderstudyError} `UND_LISTEN_FAILED`
   */
  async start(): Promise<void> {
    await this.#listen();
    this.#watch = setInterval(() => {
      if (this.#isStopping || !isGone(this.#path)) return;
      this.#log.warn('the wire socket was removed; it is made again');
      this.#server?.close();
      this.#listen().catch((error: unknown) => {
        this.#log.error('the wire socket cannot be made again', { reason: String(error) });
      });
    }, LIMITS.wireWatchMs).unref();
  }

  /** Takes no new connection, reads what the gateways have still sent, and closes. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#watch);
    this.#server?.close();
    const until = performance.now() + LIMITS.intakeStopMs;
    while (this.#connections.size > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const { socket } of this.#connections) socket.destroy();
  }

  async #listen(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = LIMITS.wireConnections;
    try {
      // Bound beside its name and renamed: a dead mirror's socket is replaced, and there is never a gap.
      const draft = join(dirname(this.#path), `.w${process.pid % 1_000_000}`);
      // Of one that was killed right here, and had the same pid, as in a container.
      rmSync(draft, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(draft, resolve);
      });
      chmodSync(draft, 0o600);
      renameSync(draft, this.#path);
    } catch (cause) {
      server.close();
      const message = `The wire socket ${this.#path} cannot be bound.`;
      throw new UnderstudyError('UND_LISTEN_FAILED', message, { cause });
    }
    server.on('error', (error) => this.#log.error('wire socket', { reason: String(error) }));
    this.#server = server;
    if (this.#isStopping) server.close(); // it was told to stop while it was bound again
  }

  #accept(socket: Socket): void {
    const connection: Connection = {
      socket,
      decoder: new WireDecoder(this.#limits),
      epoch: '',
      book: null,
      saidFarewell: false,
      held: [],
    };
    this.#connections.add(connection);
    socket.on('data', (chunk: Buffer) => this.#read(connection, chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#close(connection));
  }

  #read(connection: Connection, chunk: Buffer): void {
    try {
      this.#take(connection, connection.decoder.push(chunk));
    } catch (error) {
      if (!(error instanceof UnderstudyError)) throw error; // a broken invariant of ours
      this.#refuse(connection, error.code, error.message);
    }
  }

  #take(connection: Connection, messages: readonly WireMessage[]): void {
    for (const [i, message] of messages.entries()) {
      if (connection.socket.destroyed) return;
      if (message.type === 'hello' && this.#mustWait(connection, message.hello.epoch)) {
        connection.held = messages.slice(i);
        connection.socket.pause();
        return;
      }
      if (this.#handle(connection, message)) continue;
      const reason = `A ${message.type} contradicts what this mirror has counted.`;
      this.#refuse(connection, 'UND_WIRE_CORRUPT', reason);
      return;
    }
  }

  #handle(connection: Connection, message: WireMessage): boolean {
    if (message.type === 'hello') {
      connection.book = this.#owner.hello(message.hello);
      return connection.book !== null;
    }
    const { book } = connection;
    if (book === null) return false;
    if (message.type === 'exchange') return this.#owner.exchange(book, message.frame);
    if (message.type === 'oversized') return this.#shed(book, message);
    connection.saidFarewell = message.type === 'farewell';
    return this.#owner.report(book, message);
  }

  #shed(book: EpochBook, exchange: OversizedExchange): boolean {
    if (this.#oversized === 0) {
      this.#log.warn('a gateway sends exchanges over the caps of this backstage; they are shed', {
        code: 'UND_WIRE_OVERSIZED',
        reason: exchange.reason,
        maxRequestBytes: this.#limits.maxRequestBytes,
        maxAnswerBytes: this.#limits.maxAnswerBytes,
      });
    }
    this.#oversized += 1;
    return this.#owner.oversized(book, exchange);
  }

  /** Stands in line of its epoch; @returns whether another connection stands before it */
  #mustWait(connection: Connection, epoch: string): boolean {
    if (connection.epoch !== '') return false; // its turn has come
    connection.epoch = epoch;
    const line = this.#lines.get(epoch);
    if (line === undefined) {
      this.#lines.set(epoch, [connection]);
      return false;
    }
    line.push(connection);
    return true;
  }

  #refuse(connection: Connection, code: string, reason: string): void {
    this.#errors += 1;
    this.#log.error('a gateway connection was closed', { code, reason });
    connection.socket.destroy();
  }

  #close(connection: Connection): void {
    this.#connections.delete(connection);
    const { book, epoch, saidFarewell } = connection;
    if (book !== null && (saidFarewell || !this.#isStopping)) this.#owner.ended(book, saidFarewell);
    const line = this.#lines.get(epoch);
    if (line === undefined) return;
    const wasFirst = line[0] === connection;
    line.splice(line.indexOf(connection), 1);
    const [next] = line;
    if (next === undefined) this.#lines.delete(epoch);
    else if (wasFirst) this.#resume(next);
  }

  #resume(connection: Connection): void {
    const { held } = connection;
    connection.held = [];
    this.#take(connection, held);
    connection.socket.resume();
  }
}

/** A folder that cannot be looked into tells nothing. */
function isGone(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

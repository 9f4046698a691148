/**
 * The gateway's end of the wire: one way, never waited for. It connects to the mirror's socket again and
 * again, greets with the whole ledger, and drops and counts whatever cannot be queued.
 *
 * Invariant: `nextSeq − 1` exchanges were offered, each booked when its frame was queued and never taken
 * back. What was queued for a connection that died is lost, and found by the mirror from the next hello.
 */
import { connect, type Socket } from 'node:net';
import { LIMITS } from '../config/defaults.ts';
import { monotonicMs } from '../telemetry/clock.ts';
import type { LogLines } from '../telemetry/log-lines.ts';
import { exchangeMessageBytes, writeExchangeStart } from '../wire/exchange-frame.ts';
import type { ExchangeLedger } from '../wire/exchange-ledger.ts';
import { encodeFarewell, encodeHello, encodeLedger } from '../wire/json-messages.ts';
import { WIRE_VERSION } from '../wire/messages.ts';
import type { Exchange } from './exchange.ts';
import { WireQueue } from './wire-queue.ts';

export interface WireClientOptions {
  /** The mirror's Unix socket. */
  readonly path: string;
  readonly instance: string;
  readonly epoch: string;
  readonly maxWireBytes: number;
  readonly ledger: ExchangeLedger;
  readonly log: Pick<LogLines, 'info' | 'warn'>;
}

export class WireClient {
  readonly #options: WireClientOptions;
  readonly #queue: WireQueue;
  #socket: Socket | null = null;
  #connected = false;
  #nextSeq = 1;
  /** Connections in a row that ended right after the greeting: this mirror does not take us. */
  #refusals = 0;
  #greetedMs = 0;
  #trial: NodeJS.Timeout | undefined;
  readonly #routeBytes = new Map<string, number>();
  #reconnect: NodeJS.Timeout | undefined;
  #reports: NodeJS.Timeout | undefined;

  constructor(options: WireClientOptions) {
    this.#options = options;
    this.#queue = new WireQueue(options.maxWireBytes);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** `refused`: the mirror ends each connection after the greeting; it speaks another version of the wire. */
  get state(): 'up' | 'down' | 'refused' {
    if (this.#connected) return 'up';
    return this.#refusals > 0 ? 'refused' : 'down';
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  start(): void {
    this.#reports = setInterval(() => this.#report(), LIMITS.ledgerIntervalMs).unref();
    this.#connect();
  }

  /**
   * Queues a complete exchange.
   *
   * @param wallMs - Unix ms at which it was complete
   * @returns why it was dropped, or an empty text: then it must be booked as offered
   */
  offer(exchange: Exchange, wallMs: number): '' | 'mirror_down' | 'wire_full' {
    if (!this.#connected) return 'mirror_down';
    const sizes = {
      routeBytes: this.#routeBytesOf(exchange.route),
      requestBytes: exchange.request.length,
      answerBytes: exchange.answer.length,
    };
    const bytes = exchangeMessageBytes(sizes);
    if (!this.#queue.hasRoom(bytes)) return 'wire_full';
    const room = this.#queue.reserve(bytes);
    const { number, u, rate, settingsVersion, flags, firstByteMs, endMs, route } = exchange;
    const startMs = Math.max(exchange.writtenMs, exchange.previousEndMs);
    const at = writeExchangeStart(
      room.bytes,
      room.at,
      {
        seq: this.#nextSeq,
        number,
        u,
        rate,
        settingsVersion,
        flags,
        startMs,
        firstByteMs,
        endMs,
        wallMs,
        route,
      },
      sizes,
    );
    exchange.answer.copyTo(room.bytes, exchange.request.copyTo(room.bytes, at));
    this.#nextSeq += 1;
    return '';
  }

  /** Says farewell with the final ledger; resolves when the mirror has it, or after LIMITS.farewellMs. */
  async close(): Promise<void> {
    clearInterval(this.#reports);
    this.#reports = undefined;
    clearTimeout(this.#reconnect);
    clearTimeout(this.#trial);
    const socket = this.#socket;
    if (socket === null) return;
    if (!this.#connected) {
      socket.destroy();
      return;
    }
    const changes = this.#options.ledger.takeChanges();
    this.#queue.push(encodeFarewell({ ...changes, nextSeq: this.#nextSeq }));
    this.#queue.flush();
    this.#connected = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), LIMITS.farewellMs);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  #connect(): void {
    const socket = connect({ path: this.#options.path });
    this.#socket = socket;
    socket.unref();
    socket.on('error', () => undefined); // its close follows
    socket.on('connect', () => this.#greet(socket));
    socket.on('close', () => this.#lost(socket));
    socket.resume();
  }

  #greet(socket: Socket): void {
    const { instance, epoch, ledger } = this.#options;
    this.#queue.attach(socket);
    this.#greetedMs = monotonicMs();
    const nextSeq = this.#nextSeq;
    const whole = ledger.takeAll();
    const hello = { version: WIRE_VERSION, instance, epoch, pid: process.pid, nextSeq, ...whole };
    this.#queue.push(encodeHello(hello));
    this.#queue.flush();
    if (this.#refusals === 0) this.#accepted();
    // What is offered to a mirror that then refuses us is lost: this time we wait whether it does.
    else this.#trial = setTimeout(() => this.#accepted(), LIMITS.wireTrialMs).unref();
  }

  #accepted(): void {
    this.#trial = undefined;
    this.#refusals = 0;
    this.#connected = true;
    this.#options.log.info('connected to the mirror');
  }

  #lost(socket: Socket): void {
    if (socket !== this.#socket) return;
    if (this.#connected) this.#options.log.warn('lost the mirror');
    clearTimeout(this.#trial);
    const isRefusal = this.#trial !== undefined || this.#endedAfterGreeting();
    this.#trial = undefined;
    if (isRefusal && this.#refusals === 0) {
      this.#options.log.warn('the mirror ended the connection after the greeting', {
        code: 'UND_WIRE_VERSION',
      });
    }
    this.#refusals = isRefusal ? this.#refusals + 1 : 0;
    this.#connected = false;
    this.#socket = null;
    this.#queue.detach();
    if (this.#reports === undefined) return;
    const delayMs = isRefusal ? LIMITS.wireRefusedMs : LIMITS.wireReconnectMs;
    this.#reconnect = setTimeout(() => this.#connect(), delayMs).unref();
  }

  #endedAfterGreeting(): boolean {
    return this.#connected && monotonicMs() - this.#greetedMs < LIMITS.wireTrialMs;
  }

  /** Changes stay with the ledger while there is no room for them: nothing that was counted is lost. */
  #report(): void {
    // During a trial the hello has been sent: what has changed since must not get lost.
    if (this.#trial !== undefined) return;
    if (this.#connected && !this.#queue.hasRoom(LIMITS.ledgerRoomBytes)) return;
    const changes = this.#options.ledger.takeChanges();
    // Not connected: the next hello has them all, and nothing piles up until then.
    if (!this.#connected) return;
    this.#queue.push(encodeLedger({ ...changes, nextSeq: this.#nextSeq }));
  }

  #routeBytesOf(route: string): number {
    let bytes = this.#routeBytes.get(route);
    if (bytes === undefined) {
      bytes = Buffer.byteLength(route);
      this.#routeBytes.set(route, bytes);
    }
    return bytes;
  }
}

/**
 * A gateway's end of the wire, for the bench: writes exchanges as fast as they are done with, or at a rate, with a
 * true ledger. It stands on the core of the candidates, so it must be cheap: a frame is copied from a few templates.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monotonicMs, wallMs } from '../../src/telemetry/clock.ts';
import { drawEpoch } from '../../src/wire/epoch.ts';
import { encodeExchange } from '../../src/wire/exchange-frame.ts';
import { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import { hourOf, sizeClassOf } from '../../src/wire/exchange-states.ts';
import { encodeFarewell, encodeHello, encodeLedger } from '../../src/wire/json-messages.ts';
import { WIRE_VERSION } from '../../src/wire/messages.ts';

/** One exchange as it is sent, again and again. */
export interface Exchange {
  readonly route: string;
  readonly request: Buffer;
  readonly answer: Buffer;
}

export interface FeederOptions {
  /** Of the mirror's wire. */
  readonly path: string;
  /** Taken in turn. */
  readonly exchanges: readonly Exchange[];
}

const REPORT_MS = 100;
/** Written at once, as a gateway hands over what a turn of its loop has brought. */
const BURST = 16;
const TICK_MS = 1;
/** So much of its time the incumbent took, ms. */
const SERVICE_MS = 1;

export class Feeder {
  readonly #exchanges: readonly Exchange[];
  readonly #socket: Socket;
  readonly #ledger = new ExchangeLedger(192);
  readonly #epoch = drawEpoch();
  readonly #reports: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #offered = 0;
  #done: () => number = () => 0;
  #window = 0;

  private constructor(socket: Socket, exchanges: readonly Exchange[]) {
    this.#socket = socket;
    this.#exchanges = exchanges;
    socket.on('error', () => undefined);
    socket.write(
      encodeHello({
        version: WIRE_VERSION,
        instance: 'bench/gw0',
        epoch: this.#epoch,
        pid: process.pid,
        nextSeq: 1,
        ...this.#ledger.takeAll(),
      }),
    );
    this.#reports = setInterval(() => this.#report(), REPORT_MS);
  }

  static async connect({ path, exchanges }: FeederOptions): Promise<Feeder> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new Feeder(socket, exchanges);
  }

  get offered(): number {
    return this.#offered;
  }

  /** As many under way as `window`; `pump` is to be called when some are done. @param done - how many are */
  keep(window: number, done: () => number): void {
    this.pause();
    this.#window = window;
    this.#done = done;
    this.pump();
    // Where nobody says that one is done.
    this.#timer = setInterval(() => this.pump(), TICK_MS);
  }

  pump(): void {
    const room = this.#window - (this.#offered - this.#done());
    if (room >= BURST) this.#write(room);
  }

  /** So many a second, whatever comes of them. */
  pace(perSecond: number): void {
    this.pause();
    const startedMs = monotonicMs();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((monotonicMs() - startedMs) / 1_000) * perSecond);
      if (due > sent) this.#write(due - sent);
      sent = due;
    }, TICK_MS);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#window = 0;
  }

  /** Says farewell, and what it has offered. */
  async end(): Promise<void> {
    this.pause();
    clearInterval(this.#reports);
    this.#socket.end(encodeFarewell({ ...this.#ledger.takeChanges(), nextSeq: this.#offered + 1 }));
    await once(this.#socket.resume(), 'close');
  }

  #report(): void {
    this.#socket.write(encodeLedger({ ...this.#ledger.takeChanges(), nextSeq: this.#offered + 1 }));
  }

  #write(count: number): void {
    const messages: Buffer[] = [];
    for (let i = 0; i < count; i += 1) messages.push(this.#next());
    this.#socket.write(Buffer.concat(messages));
  }

  #next(): Buffer {
    const exchange = this.#exchanges[this.#offered % this.#exchanges.length];
    if (exchange === undefined) throw new Error('no exchange to offer');
    this.#offered += 1;
    const endMs = monotonicMs();
    const wall = wallMs();
    const hour = hourOf(wall);
    const sizeClass = sizeClassOf(exchange.request.length);
    const { route } = exchange;
    this.#ledger.see(route, hour);
    this.#ledger.settle({ route, hour, sizeClass, state: 'offered', reason: '' });
    return encodeExchange({
      seq: this.#offered,
      number: this.#offered,
      u: Number.NaN,
      rate: 1,
      settingsVersion: 0,
      flags: 0,
      startMs: endMs - SERVICE_MS,
      firstByteMs: endMs - SERVICE_MS / 2,
      endMs,
      wallMs: wall,
      ...exchange,
    });
  }
}

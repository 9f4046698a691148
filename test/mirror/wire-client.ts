import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monotonicMs, wallMs } from '../../src/telemetry/clock.ts';
import { drawEpoch } from '../../src/wire/epoch.ts';
import { encodeExchange } from '../../src/wire/exchange-frame.ts';
import { ExchangeLedger } from '../../src/wire/exchange-ledger.ts';
import { hourOf, sizeClassOf } from '../../src/wire/exchange-states.ts';
import { encodeFarewell, encodeHello, encodeLedger } from '../../src/wire/json-messages.ts';
import { type ExchangeFrame, WIRE_VERSION } from '../../src/wire/messages.ts';

/** What the caller and the incumbent said. */
export interface Said {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  readonly status?: number;
  readonly answerHeaders?: readonly string[];
  readonly answer?: string | Buffer;
}

export const GOOD_ANSWER = '{"score":0.25,"label":"good","model_version":"1"}';

export function rawRequest(said: Said): Buffer {
  const body = Buffer.from(said.body ?? '{"amount":1200}');
  const head = [
    `${said.method ?? 'POST'} ${said.path ?? '/v1/score'} HTTP/1.1`,
    'Host: incumbent.example',
    'Content-Type: application/json',
    ...(said.headers ?? []),
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

export function rawAnswer(said: Said): Buffer {
  const body = Buffer.from(said.answer ?? GOOD_ANSWER);
  const head = [
    `HTTP/1.1 ${said.status ?? 200} OK`,
    'Content-Type: application/json',
    ...(said.answerHeaders ?? []),
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

/** The gateway's end of the wire, with its ledger, in the test's hands. */
export class WireClient {
  readonly ledger = new ExchangeLedger(48);
  readonly epoch = drawEpoch();
  #nextSeq = 1;
  #socket: Socket | null = null;

  get nextSeq(): number {
    return this.#nextSeq;
  }

  get socket(): Socket {
    if (this.#socket === null) throw new Error('not connected');
    return this.#socket;
  }

  async connect(path: string): Promise<void> {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.on('error', () => {});
    this.#socket = socket;
    socket.write(this.hello());
  }

  hello(): Buffer {
    return encodeHello({
      version: WIRE_VERSION,
      instance: 'test/gw0',
      epoch: this.epoch,
      pid: process.pid,
      nextSeq: this.#nextSeq,
      ...this.ledger.takeAll(),
    });
  }

  /** An exchange as it would be offered now; counts it. */
  frame(said: Said = {}, fields: Partial<ExchangeFrame> = {}): ExchangeFrame {
    const endMs = monotonicMs();
    const seq = this.#nextSeq;
    this.#nextSeq += 1;
    const frame = {
      seq,
      number: seq + 100,
      u: Number.NaN,
      rate: 1,
      settingsVersion: 3,
      flags: 0,
      startMs: endMs - 5,
      firstByteMs: endMs - 1,
      endMs,
      wallMs: wallMs(),
      route: 'score',
      request: rawRequest(said),
      answer: rawAnswer(said),
      ...fields,
    };
    const hour = hourOf(frame.wallMs);
    const sizeClass = sizeClassOf(frame.request.length);
    this.ledger.see(frame.route, hour);
    this.ledger.settle({ route: frame.route, hour, sizeClass, state: 'offered', reason: '' });
    return frame;
  }

  offer(said: Said = {}, fields: Partial<ExchangeFrame> = {}): ExchangeFrame {
    const frame = this.frame(said, fields);
    this.socket.write(encodeExchange(frame));
    return frame;
  }

  report(): void {
    this.socket.write(encodeLedger({ ...this.ledger.takeChanges(), nextSeq: this.#nextSeq }));
  }

  /** Ends cleanly. */
  async leave(): Promise<void> {
    const { socket } = this;
    socket.end(encodeFarewell({ ...this.ledger.takeChanges(), nextSeq: this.#nextSeq }));
    await once(socket.resume(), 'close');
  }

  /** Ends as a killed process does: what was written is still read by the other side. */
  kill(): void {
    this.socket.destroy();
  }
}

import type { ExchangeState } from '../wire/exchange-states.ts';
import { HeldBytes } from './held-bytes.ts';

/** Nothing is ever added to it: most exchanges of most gateways are not kept. */
const NOTHING = new HeldBytes();

/** One request and its answer, from the request's head to the one state it ends in. */
export class Exchange {
  readonly number: number;
  readonly route: string;
  readonly hour: number;
  /** Drawn number, NaN where nothing was drawn; rate and settings in force at the head. */
  u = Number.NaN;
  rate = 0;
  settingsVersion = 0;
  /** It is drawn by this field of its head, which has not been looked at yet; empty: it is not. */
  keyHeader = '';
  /** Decided, and given at the end of the request; empty while nothing is decided. */
  state: ExchangeState | '' = '';
  reason = '';
  settled = false;

  /** Bytes of the request, kept or not: its size class. */
  requestBytes = 0;
  requestEnded = false;
  answerEnded = false;
  flags = 0;
  /** Last request byte handed to the kernel; NaN until then. Host's monotonic clock, ms. */
  writtenMs = Number.NaN;
  firstByteMs = 0;
  endMs = 0;
  /** End of the answer before, on the same connection. */
  previousEndMs = 0;

  /** Raw bytes, as far as they are kept. */
  request: HeldBytes = NOTHING;
  answer: HeldBytes = NOTHING;

  constructor(number: number, route: string, hour: number) {
    this.number = number;
    this.route = route;
    this.hour = hour;
  }

  /** Nothing is decided against keeping its bytes. */
  get kept(): boolean {
    return this.state === '';
  }

  get heldBytes(): number {
    return this.request.length + this.answer.length;
  }

  keepRequest(bytes: Buffer): void {
    if (this.request === NOTHING) this.request = new HeldBytes();
    this.request.add(bytes);
  }

  keepAnswer(bytes: Buffer): void {
    if (this.answer === NOTHING) this.answer = new HeldBytes();
    this.answer.add(bytes);
  }

  /** Lets go of what is held. */
  drop(): void {
    this.request = NOTHING;
    this.answer = NOTHING;
  }
}

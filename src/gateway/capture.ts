/**
 * The books of one connection: takes the tap's events, keeps the copies, gives each exchange its stamps
 * and exactly one state.
 *
 * An exchange is *decided* as early as possible (what it holds is let go at once) and *settled*, counted
 * once, when its request has ended, so that its size class is known, or when the connection has.
 */
import { type AnswerHead, UNTIL_CLOSE } from '../framing/answer-head.ts';
import type { TapEvents } from '../framing/connection-tap.ts';
import type { OpaqueReason } from '../framing/opaque-reasons.ts';
import type { RequestHead } from '../framing/request-head.ts';
import { monotonicMs, wallMs } from '../telemetry/clock.ts';
import type { ExchangeLedger } from '../wire/exchange-ledger.ts';
import {
  type ExchangeReason,
  type ExchangeState,
  hourOf,
  NO_ROUTE,
  sizeClassOf,
} from '../wire/exchange-states.ts';
import { FLAG_CLOSE_DELIMITED, FLAG_DOWNSTREAM_PAUSED, FLAG_EARLY } from '../wire/messages.ts';
import { Exchange } from './exchange.ts';
import type { HeldBudget } from './held-bytes.ts';
import type { InsertFields } from './insert-fields.ts';
import type { MirrorGate } from './mirror-gate.ts';

/** What the connections of a process share. */
export interface CaptureContext {
  readonly gate: Pick<MirrorGate, 'open' | 'idOf' | 'drawByHeader'>;
  readonly ledger: ExchangeLedger;
  readonly budget: HeldBudget;
  readonly maxRequestBytes: number;
  readonly maxAnswerBytes: number;
  /** Offers a complete exchange to the mirror; @returns why not, or an empty text. */
  offer(exchange: Exchange): '' | 'mirror_down' | 'wire_full';
  countOpaque(reason: OpaqueReason): void;
  countRefused(reason: OpaqueReason): void;
}

export class Capture implements TapEvents {
  readonly #context: CaptureContext;
  /** Exchanges owed an answer or the rest of one, oldest first. */
  readonly #owed: Exchange[] = [];
  /** The exchange whose request is being read. */
  #reading: Exchange | null = null;
  /** Requests complete and not yet in the kernel's hands. */
  #unwritten: Exchange[] = [];
  #lastEndMs = 0;
  /** The incumbent has ended its direction. */
  #answersOver = false;

  /** When the bytes being pushed were read. */
  nowMs = 0;
  /** Request bytes wait in this process: a request that ends now is not written yet. */
  upstreamPending = false;
  /** Answer bytes wait for a caller that reads slowly. */
  downstreamPaused = false;
  /** Requests whose head was complete, and answers that were. */
  requests = 0;
  answers = 0;
  /** The head of the final answer that is owed next has come, and not all of it. */
  answering = false;
  /** Offset after the last answer head in the bytes pushed last; 0 where there was none. */
  answerHeadEnd = 0;
  /** Puts the listener's fields into each head; what is kept for the mirror has them, too. */
  insert: InsertFields | null = null;
  /** The head whose bytes come next. */
  #head: RequestHead | null = null;
  /** The request being read expects 100, and nothing but its head has come; bytes of that head to come. */
  #expects = false;
  #headLeft = 0;
  /** With `ambiguous: reject`: takes the caller's bytes that are clear. Nothing else of them goes on. */
  onClear: ((bytes: Buffer) => void) | null = null;
  /** Nothing but that answer is owed, and its incumbent did not announce to close. */
  answerIsLast = false;

  constructor(context: CaptureContext) {
    this.#context = context;
  }

  /** Requests wait to be written: `written()` must be called when they are. */
  get awaitsWrite(): boolean {
    return this.#unwritten.length > 0;
  }

  /** Exchanges seen that are answered, or can be. */
  get open(): number {
    return this.#answersOver ? 0 : this.#owed.length;
  }

  /** A byte of the answer that is owed next was relayed, be it an interim one. */
  get answerBegun(): boolean {
    return (this.#owed[0]?.firstByteMs ?? 0) > 0;
  }

  /** A request's head is complete and its body is not. */
  get bodyPartial(): boolean {
    return this.#reading !== null;
  }

  /** The caller waits for 100, and has not been told anything. */
  get awaitsContinue(): boolean {
    return this.#expects && this.#reading !== null && !this.answerBegun;
  }

  /** Bytes so far of the request whose body is not complete. */
  get partialBytes(): number {
    return this.#reading?.requestBytes ?? 0;
  }

  requestHead(head: RequestHead): void {
    this.requests += 1;
    const exchange = this.#context.gate.open(head, Date.now());
    this.#context.ledger.see(exchange.route, exchange.hour);
    this.#owed.push(exchange);
    this.#reading = exchange;
    this.#head = this.insert === null ? null : head;
    this.#expects = head.expectContinue;
    this.#headLeft = head.headBytes;
    // What is not selected is not lost: the draw comes first.
    if (exchange.keyHeader !== '') return;
    if (head.headBytes + head.bodyBytes > this.#context.maxRequestBytes) {
      this.#decide(exchange, 'shed', 'request_too_large');
    }
  }

  unframed(bytes: Buffer): void {
    this.onClear?.(bytes);
  }

  requestBytes(read: Buffer): void {
    if (this.#expects) {
      this.#headLeft -= read.length;
      this.#expects = this.#headLeft >= 0;
    }
    const bytes = this.#head === null ? read : this.#inserted(this.#head, read);
    this.onClear?.(bytes);
    const exchange = this.#reading;
    if (exchange === null) return;
    exchange.requestBytes += bytes.length;
    if (exchange.keyHeader !== '' && !this.#context.gate.drawByHeader(exchange, bytes)) {
      this.#decide(exchange, 'not_selected', '');
    }
    if (!exchange.kept) return;
    if (exchange.requestBytes > this.#context.maxRequestBytes) {
      this.#decide(exchange, 'shed', 'request_too_large');
    } else if (this.#context.budget.take(bytes.length)) {
      exchange.keepRequest(bytes);
    } else {
      this.#decide(exchange, 'shed', 'gateway_memory');
    }
  }

  /** The first bytes after a head begin with all of it. */
  #inserted(head: RequestHead, read: Buffer): Buffer {
    this.#head = null;
    const id = this.#context.gate.idOf(this.#reading);
    return this.insert?.(head, read, id) ?? read;
  }

  requestEnd(): void {
    const exchange = this.#reading;
    if (exchange === null) return;
    this.#reading = null;
    exchange.requestEnded = true;
    if (this.upstreamPending) this.#unwritten.push(exchange);
    else exchange.writtenMs = this.nowMs;
    if (exchange.state !== '') this.#settle(exchange, exchange.state, exchange.reason);
    else if (exchange.answerEnded) this.#finish(exchange);
  }

  answerBegin(): void {
    const exchange = this.#owed[0];
    if (exchange !== undefined) exchange.firstByteMs = this.nowMs;
  }

  answerHead(head: AnswerHead, end: number): void {
    const exchange = this.#owed[0];
    this.answering = true;
    this.answerHeadEnd = end;
    this.answerIsLast = !head.close && this.#owed.length === 1 && this.#reading === null;
    if (exchange === undefined) return;
    if (head.bodyBytes === UNTIL_CLOSE) exchange.flags |= FLAG_CLOSE_DELIMITED;
    else if (head.headBytes + head.bodyBytes > this.#context.maxAnswerBytes) {
      this.#decide(exchange, 'shed', 'answer_too_large');
    }
  }

  answerBytes(bytes: Buffer): void {
    const exchange = this.#owed[0];
    if (exchange === undefined || !exchange.kept) return;
    if (this.downstreamPaused) exchange.flags |= FLAG_DOWNSTREAM_PAUSED;
    if (exchange.answer.length + bytes.length > this.#context.maxAnswerBytes) {
      this.#decide(exchange, 'shed', 'answer_too_large');
    } else if (this.#context.budget.take(bytes.length)) {
      exchange.keepAnswer(bytes);
    } else {
      this.#decide(exchange, 'shed', 'gateway_memory');
    }
  }

  answerEnd(): void {
    const exchange = this.#owed.shift();
    this.answering = false;
    this.answers += 1;
    if (exchange === undefined) return;
    exchange.answerEnded = true;
    exchange.endMs = this.nowMs;
    exchange.previousEndMs = this.#lastEndMs;
    this.#lastEndMs = this.nowMs;
    if (exchange.requestEnded) this.#finish(exchange);
  }

  /** A head in doubt is an exchange of its own, seen and refused at once; so the sums hold. */
  refused(reason: OpaqueReason): void {
    this.#context.countRefused(reason);
    const exchange = this.#reading ?? new Exchange(0, NO_ROUTE, hourOf(wallMs()));
    if (this.#reading === null) this.#context.ledger.see(exchange.route, exchange.hour);
    this.#reading = null;
    this.#giveUp(exchange, 'refused', 'ambiguous');
  }

  opaque(reason: OpaqueReason): void {
    this.#context.countOpaque(reason);
    this.close('ineligible', 'opaque');
  }

  /** All request bytes are in the kernel's hands. */
  written(): void {
    const now = monotonicMs();
    for (const exchange of this.#unwritten) exchange.writtenMs = now;
    this.#unwritten = [];
  }

  /** The caller has ended its direction: a request that is cut will never be complete. */
  requestEof(): void {
    const exchange = this.#reading;
    if (exchange !== null) this.#giveUp(exchange, 'client_abort', 'truncated');
  }

  /** The incumbent has ended its direction: what is owed an answer gets none. */
  answerEof(): void {
    this.#answersOver = true;
    for (const exchange of this.#owed) this.#giveUp(exchange, 'incumbent_abort', 'truncated');
  }

  /** Ends all exchanges that are not over, with their own state where one was decided. */
  close<S extends ExchangeState>(state: S, reason: ExchangeReason<S>): void {
    if (this.#reading !== null) this.#giveUp(this.#reading, state, reason);
    this.#reading = null;
    for (const exchange of this.#owed) this.#giveUp(exchange, state, reason);
    this.#owed.length = 0;
    this.#unwritten = [];
  }

  #decide(exchange: Exchange, state: ExchangeState, reason: string): void {
    if (exchange.state !== '') return;
    this.#release(exchange);
    exchange.state = state;
    exchange.reason = reason;
    if (exchange.requestEnded) this.#settle(exchange, state, reason);
  }

  #giveUp(exchange: Exchange, state: ExchangeState, reason: string): void {
    if (exchange.settled) return;
    if (exchange.state === '') this.#settle(exchange, state, reason);
    else this.#settle(exchange, exchange.state, exchange.reason);
  }

  /** Request and answer are complete. */
  #finish(exchange: Exchange): void {
    if (exchange.settled) return;
    if (!(exchange.writtenMs <= exchange.firstByteMs)) {
      exchange.flags |= FLAG_EARLY;
      if (Number.isNaN(exchange.writtenMs)) exchange.writtenMs = exchange.endMs;
    }
    const reason = this.#context.offer(exchange);
    this.#settle(exchange, reason === '' ? 'offered' : 'shed', reason);
  }

  #settle(exchange: Exchange, state: ExchangeState, reason: string): void {
    if (exchange.settled) return;
    exchange.settled = true;
    this.#release(exchange);
    exchange.state = state;
    exchange.reason = reason;
    const { route, hour } = exchange;
    const sizeClass = sizeClassOf(exchange.requestBytes);
    this.#context.ledger.settle({ route, hour, sizeClass, state, reason });
  }

  #release(exchange: Exchange): void {
    this.#context.budget.release(exchange.heldBytes);
    exchange.drop();
  }
}

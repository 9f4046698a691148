/**
 * Follows the HTTP/1.1 framing of both directions of one connection and cuts them into exchanges. Pure:
 * bytes in, events out; no clock, no socket. It only watches, so a misreading can cost a mirrored copy
 * and never change traffic.
 *
 *   request(bytes) ─► requestHead, requestBytes…, requestEnd        in the order of the requests
 *   answer(bytes)  ─► answerBegin, answerHead, answerBytes…, answerEnd   for the oldest request owed one
 *
 * Invariants: an answer belongs to the oldest request that is owed one; events do not depend on how the
 * bytes were cut, only `requestBytes` and `answerBytes` come in as many pieces as reads. What cannot be
 * framed without doubt makes the connection opaque: `opaque` is the last event.
 *
 * With `rejects`, doubt in a request *refuses* it instead: `refused` comes once, no request byte is looked at
 * any more, and the answers that are owed are followed to their end. `requestBytes` and `unframed` together
 * are then all the bytes that are clear, in order: a head when it is whole and valid, of a body what is
 * surely the beginning of a valid one.
 */
import { type AnswerHead, readAnswerHead } from './answer-head.ts';
import { BodyReader } from './body-reader.ts';
import { FAULTY, HeadReader, INCOMPLETE } from './head-reader.ts';
import type { OpaqueReason } from './opaque-reasons.ts';
import { type RequestHead, readRequestHead } from './request-head.ts';
import { CR, LF, TOKEN } from './syntax.ts';

export interface TapEvents {
  /** A request's head is complete and strictly valid. */
  requestHead(head: RequestHead): void;
  /** Raw bytes of the request, head included. A view of what was pushed: immutable, or copied. */
  requestBytes(bytes: Buffer): void;
  requestEnd(): void;
  /** Bytes of the caller that belong to no request: an empty line before one, or what follows an upgrade. */
  unframed(bytes: Buffer): void;
  /** The request that is being read, or whose head was to come, is refused. Only with `rejects`. */
  refused(reason: OpaqueReason): void;
  /** The first byte of an answer, interim or final, has come. */
  answerBegin(): void;
  /** @param end - offset after the head in the bytes being pushed */
  answerHead(head: AnswerHead, end: number): void;
  /** Raw bytes of the final answer, head included; interim answers are left out. */
  answerBytes(bytes: Buffer): void;
  answerEnd(): void;
  opaque(reason: OpaqueReason): void;
}

export interface TapLimits {
  readonly maxHeadBytes: number;
  /** Requests owed an answer. */
  readonly maxPipelined: number;
  /** A field, lower case, of which `RequestHead.watched` tells. */
  readonly watchedField: string;
  /** Doubt in a request refuses it, and does not make the connection opaque. */
  readonly rejects: boolean;
}

const LETTER_H = 72;
const LINE_END_BYTES = 2;

export class ConnectionTap {
  readonly #events: TapEvents;
  readonly #limits: TapLimits;
  readonly #requestHeads: HeadReader;
  readonly #requestBody: BodyReader;
  readonly #answerHeads: HeadReader;
  readonly #answerBody: BodyReader;
  /** Requests whose final answer is not complete, oldest first. */
  readonly #owed: RequestHead[] = [];
  /** The request that is being read, and the final answer. */
  #request: RequestHead | null = null;
  #answering = false;
  /** An upgrade or CONNECT is unanswered: what follows it waits here, since nobody knows what it is. */
  #blocked = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** The body that an expectation announced may never come: the next request byte is in doubt. */
  #bodyInDoubt = false;
  #continued = false;
  /** Of the empty line before a request, that many bytes have come. */
  #emptyLineBytes = 0;
  /** The last request, the last answer, ended the connection: nothing may follow. */
  #requestsOver = false;
  #answersOver = false;
  #opaque: OpaqueReason | '' = '';
  #refused: OpaqueReason | '' = '';
  #refusedMethod = '';

  constructor(events: TapEvents, limits: TapLimits) {
    this.#events = events;
    this.#limits = limits;
    this.#requestHeads = new HeadReader(limits.maxHeadBytes);
    this.#requestBody = new BodyReader(limits.maxHeadBytes);
    this.#answerHeads = new HeadReader(limits.maxHeadBytes);
    this.#answerBody = new BodyReader(limits.maxHeadBytes);
  }

  /** Why the connection is opaque; empty while it is framed. */
  get opaque(): OpaqueReason | '' {
    return this.#opaque;
  }

  /** Why a request was refused; empty while none was. */
  get refused(): OpaqueReason | '' {
    return this.#refused;
  }

  /** Method of the refused request, as far as it can be told. */
  get refusedMethod(): string {
    return this.#refusedMethod;
  }

  /** Requests before the one that is being read, or was refused, that are owed an answer or the rest of one. */
  get earlierOwed(): number {
    const isOwed = this.#request !== null && this.#owed.at(-1) === this.#request;
    return this.#owed.length - (isOwed ? 1 : 0);
  }

  /** A byte of an answer has come that is not complete. */
  get answerPartial(): boolean {
    return this.#answering || this.#answerHeads.partial;
  }

  /** No byte of a request or of an answer is under way. */
  get idle(): boolean {
    return (
      this.#owed.length === 0 &&
      this.#request === null &&
      !this.#requestHeads.partial &&
      !this.#answerHeads.partial
    );
  }

  /** Bytes of the caller wait for the answer to a request to upgrade. */
  get waiting(): boolean {
    return this.#waitingBytes > 0;
  }

  /** A request has begun and is not complete. */
  get requestPartial(): boolean {
    return this.#request !== null || this.#requestHeads.partial;
  }

  /** Method of the request that is owed the next answer; empty where none is. */
  get owedMethod(): string {
    return this.#owed[0]?.method ?? '';
  }

  /** @param bytes - read from the caller; must never change afterwards */
  request(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#opaque === '' && this.#refused === '') {
      if (this.#blocked) at = this.#wait(bytes, at);
      else if (this.#request !== null) at = this.#goOn(bytes, at, at);
      else if (this.#isEmptyLine(bytes, at)) at = this.#skipEmptyLine(bytes, at);
      else at = this.#readRequest(bytes, at);
    }
  }

  /** @param bytes - read from the incumbent; must never change afterwards */
  answer(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#opaque === '') {
      at = this.#answering ? this.#followAnswer(bytes, at, at) : this.#readAnswer(bytes, at);
    }
  }

  /** The incumbent has ended its direction: that is the end of a close-delimited answer. */
  answerEof(): void {
    if (this.#opaque === '' && this.#answering && this.#answerBody.untilClose) this.#endAnswer();
  }

  #isEmptyLine(bytes: Buffer, at: number): boolean {
    if (this.#requestHeads.partial) return false;
    return this.#emptyLineBytes === 1 || (bytes[at] === CR && this.#emptyLineBytes === 0);
  }

  /** RFC 9112 2.2: an empty line before a request line is ignored; a second one is in doubt. */
  #skipEmptyLine(bytes: Buffer, at: number): number {
    if (this.#emptyLineBytes === 1 && bytes[at] !== LF) return this.#doubt('request_line');
    this.#emptyLineBytes += 1;
    this.#events.unframed(part(bytes, at, at + 1));
    return at + 1;
  }

  /** Reads a head, and the body as far as it goes; @returns how far. */
  #readRequest(bytes: Buffer, at: number): number {
    if (this.#requestsOver) return this.#doubt('after_close');
    const reader = this.#requestHeads;
    const end = reader.feed(bytes, at);
    if (end === INCOMPLETE) {
      return TOKEN[reader.firstByte] === 1 ? bytes.length : this.#doubt('request_line');
    }
    if (end < 0) return this.#doubt(end === FAULTY ? this.#faultOfRequest() : 'head_too_long');
    const { watchedField } = this.#limits;
    const head = readRequestHead(reader.bytes, reader.from, reader.to, watchedField);
    if (typeof head === 'string') return this.#doubt(head);
    if (this.#owed.length >= this.#limits.maxPipelined) return this.#doubt('pipelined');
    this.#owed.push(head);
    this.#request = head;
    this.#requestsOver = head.close;
    this.#emptyLineBytes = 0;
    this.#requestBody.start(head.bodyBytes);
    this.#continued = false;
    this.#bodyInDoubt = false;
    this.#events.requestHead(head);
    if (reader.bytes === bytes) return this.#goOn(bytes, at, end);
    this.#events.requestBytes(part(reader.bytes, reader.from, reader.to));
    return this.#goOn(bytes, end, end);
  }

  /** Reads on in the request's body; `from` is where its bytes begin in `bytes`. */
  #goOn(bytes: Buffer, from: number, at: number): number {
    const body = this.#requestBody;
    if (this.#bodyInDoubt && at < bytes.length) return this.#doubt('expect');
    const end = body.feed(bytes, at);
    if (typeof end === 'string') return this.#doubt(end);
    if (end > from) this.#events.requestBytes(part(bytes, from, end));
    if (body.ended) {
      const head = this.#request;
      this.#request = null;
      this.#events.requestEnd();
      this.#blocked = head?.upgrade === true && this.#owed.at(-1) === head;
    }
    return end;
  }

  /** The parser meets the fault again, and knows what it is: it stands before anything else that is wrong. */
  #faultOfRequest(): OpaqueReason {
    const { bytes, from, to } = this.#requestHeads;
    const fault = readRequestHead(bytes, from, to + LINE_END_BYTES, '');
    return typeof fault === 'string' ? fault : 'control_character';
  }

  #wait(bytes: Buffer, at: number): number {
    this.#waitingBytes += bytes.length - at;
    if (this.#waitingBytes > this.#limits.maxHeadBytes) return this.#doubt('upgrade_pending');
    const copy = Buffer.allocUnsafeSlow(bytes.length - at);
    bytes.copy(copy, 0, at);
    this.#waiting.push(copy);
    return bytes.length;
  }

  #readAnswer(bytes: Buffer, at: number): number {
    const request = this.#owed[0];
    if (request === undefined) return this.#fail('unexpected_answer');
    if (this.#answersOver) return this.#fail('after_close');
    const reader = this.#answerHeads;
    if (!reader.partial) this.#events.answerBegin();
    const end = reader.feed(bytes, at);
    if (end === INCOMPLETE) {
      return reader.firstByte === LETTER_H ? bytes.length : this.#fail('status_line');
    }
    if (end < 0) return this.#fail(end === FAULTY ? this.#faultOfAnswer(request) : 'head_too_long');
    const head = readAnswerHead(reader.bytes, reader.from, reader.to, request);
    if (typeof head === 'string') return this.#fail(head);
    if (head.status < 200) {
      if (head.status === 101) return this.#fail('upgrade');
      // An interim answer that closes: readers differ on what follows it.
      this.#answersOver = head.close;
      this.#continued ||= head.status === 100 && this.#request === request;
      return end;
    }
    if (request.method === 'CONNECT' && head.status < 300) return this.#fail('upgrade');
    this.#answering = true;
    this.#answersOver = head.close;
    this.#answerBody.start(head.bodyBytes);
    this.#bodyInDoubt = this.#isBodyInDoubt(request);
    this.#events.answerHead(head, end);
    if (reader.bytes === bytes) return this.#followAnswer(bytes, at, end);
    this.#events.answerBytes(part(reader.bytes, reader.from, reader.to));
    return this.#followAnswer(bytes, end, end);
  }

  #faultOfAnswer(request: RequestHead): OpaqueReason {
    const { bytes, from, to } = this.#answerHeads;
    const fault = readAnswerHead(bytes, from, to + LINE_END_BYTES, request);
    return typeof fault === 'string' ? fault : 'control_character';
  }

  /** A caller that is answered instead of told to continue may leave its body out: readers differ. */
  #isBodyInDoubt(answered: RequestHead): boolean {
    return (
      answered === this.#request &&
      answered.expectContinue &&
      !this.#continued &&
      this.#requestBody.seenBytes === 0
    );
  }

  #followAnswer(bytes: Buffer, from: number, at: number): number {
    const end = this.#answerBody.feed(bytes, at);
    if (typeof end === 'string') return this.#fail(end);
    if (end > from) this.#events.answerBytes(part(bytes, from, end));
    if (this.#answerBody.ended) this.#endAnswer();
    return end;
  }

  #endAnswer(): void {
    this.#answering = false;
    this.#owed.shift();
    this.#events.answerEnd();
    if (!this.#blocked || this.#owed.length > 0) return;
    // The upgrade was refused: what came after it are ordinary requests.
    this.#blocked = false;
    const waiting = Buffer.concat(this.#waiting);
    this.#forgetWaiting();
    this.request(waiting);
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Doubt in what the caller sends. */
  #doubt(reason: OpaqueReason): number {
    if (!this.#limits.rejects) return this.#fail(reason);
    this.#refused = reason;
    this.#refusedMethod = this.#request?.method ?? this.#requestHeads.firstWord;
    this.#requestHeads.forget();
    this.#forgetWaiting();
    this.#events.refused(reason);
    return Number.MAX_SAFE_INTEGER;
  }

  #fail(reason: OpaqueReason): number {
    this.#opaque = reason;
    if (reason === 'upgrade') for (const bytes of this.#waiting) this.#events.unframed(bytes);
    this.#requestHeads.forget();
    this.#answerHeads.forget();
    this.#forgetWaiting();
    this.#events.opaque(reason);
    return Number.MAX_SAFE_INTEGER;
  }
}

/** The bytes themselves where they are all of it: most messages come in one read. */
function part(bytes: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}

/**
 * Reads the wire, at any segmentation. A message's length is checked against its type's limit, and an
 * exchange's inner lengths against each other, before a byte of it is kept: what a peer claims never
 * decides how much is allocated. A connection's first message is its hello. After an error the
 * connection is lost: each later push throws again.
 *
 * An exchange over this reader's own caps is no error: a gateway may be configured with larger ones. It is
 * reported without its bytes, which are passed over as they come.
 *
 * Memory: one incomplete message, at most the largest limit, in a buffer that grows by doubling with
 * what has really arrived.
 */
import { LIMITS } from '../config/defaults.ts';
import { type ErrorCode, UnderstudyError } from '../errors.ts';
import {
  EXCHANGE_HEADER_BYTES,
  type ExchangeSizes,
  exchangeMessageBytes,
  MAX_ROUTE_BYTES,
  readExchange,
  readExchangeSizes,
} from './exchange-frame.ts';
import { type LedgerReport, readHello, readLedgerReport } from './json-messages.ts';
import {
  type ExchangeFrame,
  type Hello,
  MESSAGE_EXCHANGE,
  MESSAGE_FAREWELL,
  MESSAGE_HELLO,
  MESSAGE_LEDGER,
  MESSAGE_PREFIX_BYTES,
  WIRE_VERSION,
} from './messages.ts';

export type WireMessage =
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'exchange'; readonly frame: ExchangeFrame }
  | OversizedExchange
  | ({ readonly type: 'ledger' } & LedgerReport)
  | ({ readonly type: 'farewell' } & LedgerReport);

/** An exchange of which a part is over its cap here. */
export interface OversizedExchange {
  readonly type: 'oversized';
  /** With empty request and answer. */
  readonly frame: ExchangeFrame;
  /** Size of the raw request, bytes. */
  readonly requestBytes: number;
  readonly reason: 'request_too_large' | 'answer_too_large';
}

/** All in bytes, inclusive. */
export interface WireLimits {
  /** Raw request of one exchange, head and body. */
  readonly maxRequestBytes: number;
  /** Raw answer of one exchange. */
  readonly maxAnswerBytes: number;
  /** JSON of a hello, ledger or farewell. */
  readonly maxJsonBytes: number;
}

/** Smallest part of a message after which its length can be judged. */
const EXCHANGE_START_BYTES = MESSAGE_PREFIX_BYTES + EXCHANGE_HEADER_BYTES;
/** No gateway can be configured to send more. */
const MAX_EXCHANGE_BYTES = EXCHANGE_START_BYTES + MAX_ROUTE_BYTES + 2 * LIMITS.exchangeSideBytes;

export class WireDecoder {
  readonly #limits: WireLimits;
  #held: Buffer = Buffer.alloc(0);
  #heldBytes = 0;
  /** Bytes of an oversized exchange that are still to come. */
  #passOverBytes = 0;
  #greeted = false;
  #failed: UnderstudyError | null = null;

  constructor(limits: WireLimits) {
    this.#limits = limits;
  }

  /**
   * @param chunk - as read from the socket; not kept, not aliased by what is returned
   * @returns the messages that are now complete, in order
   * @throws {UnderstudyError} `UND_WIRE_CORRUPT` on a malformed message or one over its limit;
   *   `UND_WIRE_VERSION` on a hello of another version. Messages before it in the chunk are lost.
   */
  push(chunk: Buffer): WireMessage[] {
    if (this.#failed) throw this.#failed;
    const messages: WireMessage[] = [];
    let at = 0;
    if (this.#heldBytes > 0) {
      at = this.#fillHeld(chunk, messages);
      if (this.#heldBytes > 0) return messages;
    }
    for (;;) {
      at += this.#passOver(chunk.length - at);
      const need = this.#needed(chunk, at, chunk.length - at);
      if (chunk.length - at < need) break;
      messages.push(this.#read(chunk, at, need));
      at += need;
    }
    if (at < chunk.length) this.#hold(chunk, at, chunk.length);
    return messages;
  }

  /** @returns how many of the available bytes belong to an oversized exchange */
  #passOver(available: number): number {
    const bytes = Math.min(this.#passOverBytes, available);
    this.#passOverBytes -= bytes;
    return bytes;
  }

  /** Completes the message that is held, byte-exactly; @returns how much of the chunk it took. */
  #fillHeld(chunk: Buffer, messages: WireMessage[]): number {
    let at = 0;
    for (;;) {
      const need = this.#needed(this.#held, 0, this.#heldBytes);
      if (this.#heldBytes >= need) {
        messages.push(this.#read(this.#held.subarray(0, need), 0, need));
        this.#held = Buffer.alloc(0);
        this.#heldBytes = 0;
        return at;
      }
      const take = Math.min(need - this.#heldBytes, chunk.length - at);
      if (take === 0) return at;
      this.#hold(chunk, at, at + take);
      at += take;
    }
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    const total = this.#heldBytes + to - from;
    if (total > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(256, 2 * total));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#heldBytes, from, to);
    this.#heldBytes = total;
  }

  /**
   * Bytes that the message at `at` needs before the next step: its prefix, then (for an exchange) its
   * header, then all of it, or all but what is passed over. Throws where what is there already breaks a limit.
   */
  #needed(bytes: Buffer, at: number, available: number): number {
    if (available < MESSAGE_PREFIX_BYTES) return MESSAGE_PREFIX_BYTES;
    const length = bytes.readUInt32LE(at);
    const type = bytes[at + 4] ?? 0;
    this.#checkOrder(type);
    const whole = length + 4;
    if (type !== MESSAGE_EXCHANGE) {
      if (length < 2 || length - 1 > this.#limits.maxJsonBytes) {
        this.#fail('UND_WIRE_CORRUPT', `A message of type ${type} claims ${length} bytes.`);
      }
      return whole;
    }
    if (whole < EXCHANGE_START_BYTES || whole > MAX_EXCHANGE_BYTES) {
      this.#fail('UND_WIRE_CORRUPT', `An exchange claims ${length} bytes.`);
    }
    if (available < EXCHANGE_START_BYTES) return EXCHANGE_START_BYTES;
    const sizes = readExchangeSizes(bytes, at + MESSAGE_PREFIX_BYTES);
    if (sizes.routeBytes > MAX_ROUTE_BYTES || exchangeMessageBytes(sizes) !== whole) {
      this.#fail('UND_WIRE_CORRUPT', `An exchange's lengths do not make up its ${length} bytes.`);
    }
    return this.#tooLarge(sizes) === null ? whole : EXCHANGE_START_BYTES + sizes.routeBytes;
  }

  #tooLarge(sizes: ExchangeSizes): OversizedExchange['reason'] | null {
    if (sizes.requestBytes > this.#limits.maxRequestBytes) return 'request_too_large';
    return sizes.answerBytes > this.#limits.maxAnswerBytes ? 'answer_too_large' : null;
  }

  #checkOrder(type: number): void {
    if (type < MESSAGE_HELLO || type > MESSAGE_FAREWELL) {
      this.#fail('UND_WIRE_CORRUPT', `There is no message of type ${type}.`);
    }
    if (this.#greeted === (type === MESSAGE_HELLO)) {
      const what = this.#greeted ? 'A second hello came' : `Type ${type} came before the hello`;
      this.#fail('UND_WIRE_CORRUPT', `${what} on one connection.`);
    }
  }

  #read(bytes: Buffer, at: number, whole: number): WireMessage {
    const type = bytes[at + 4];
    const payloadAt = at + MESSAGE_PREFIX_BYTES;
    if (type === MESSAGE_EXCHANGE) {
      return this.#readExchange(bytes, payloadAt);
    }
    const json = bytes.toString('utf8', payloadAt, at + whole);
    if (type === MESSAGE_HELLO) return { type: 'hello', hello: this.#greet(json) };
    const report = readLedgerReport(json);
    if (!report) this.#fail('UND_WIRE_CORRUPT', 'A ledger is malformed.');
    return { type: type === MESSAGE_LEDGER ? 'ledger' : 'farewell', ...report };
  }

  #readExchange(bytes: Buffer, payloadAt: number): WireMessage {
    const sizes = readExchangeSizes(bytes, payloadAt);
    const reason = this.#tooLarge(sizes);
    const kept = reason === null ? sizes : { ...sizes, requestBytes: 0, answerBytes: 0 };
    const frame = readExchange(bytes, payloadAt, kept);
    if (!isFrame(frame)) {
      this.#fail('UND_WIRE_CORRUPT', 'An exchange carries numbers out of range.');
    }
    if (reason === null) return { type: 'exchange', frame };
    this.#passOverBytes = sizes.requestBytes + sizes.answerBytes;
    return { type: 'oversized', frame, requestBytes: sizes.requestBytes, reason };
  }

  /** The version is judged first: another version's hello may look different. */
  #greet(json: string): Hello {
    const version = Number(/"version":\s*(\d{1,9})/.exec(json)?.[1]);
    if (version >= 1 && (version > WIRE_VERSION || version < WIRE_VERSION - 1)) {
      const message = `The gateway speaks wire version ${version}, this mirror ${WIRE_VERSION}.`;
      this.#fail('UND_WIRE_VERSION', message);
    }
    const hello = readHello(json);
    if (!hello || hello.version < 1) this.#fail('UND_WIRE_CORRUPT', 'A hello is malformed.');
    this.#greeted = true;
    return hello;
  }

  #fail(code: ErrorCode, message: string): never {
    this.#failed = new UnderstudyError(code, `${message} The connection is closed.`);
    this.#held = Buffer.alloc(0);
    throw this.#failed;
  }
}

function isFrame(frame: ExchangeFrame): boolean {
  const { seq, number, u, rate } = frame;
  if (!Number.isSafeInteger(seq) || seq < 1 || !Number.isSafeInteger(number) || number < 1) {
    return false;
  }
  const stamps = [frame.startMs, frame.firstByteMs, frame.endMs, frame.wallMs];
  return (
    (Number.isNaN(u) || (u >= 0 && u < 1)) &&
    rate >= 0 &&
    rate <= 1 &&
    stamps.every(Number.isFinite)
  );
}

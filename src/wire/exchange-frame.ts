/**
 * The exchange message, byte for byte. All numbers little endian.
 *
 *   prefix   0 length u32 (of what follows it)   4 type u8 = 2
 *   payload  0 seq f64    8 number f64   16 u f64        24 rate f64
 *           32 startMs   40 firstByteMs  48 endMs        56 wallMs (f64 each)
 *           64 settingsVersion u32       68 requestBytes u32    72 answerBytes u32
 *           76 routeBytes u16            78 flags u16
 *           80 route (UTF-8), request, answer: raw bytes, together to the end of the message
 *
 * Doubles hold sequences to 2^53 exactly and are written without a BigInt.
 */
import { type ExchangeFrame, MESSAGE_EXCHANGE, MESSAGE_PREFIX_BYTES } from './messages.ts';

/** Bytes of an exchange's payload before its route. */
export const EXCHANGE_HEADER_BYTES = 80;
/** Longest route name on the wire, in bytes. */
export const MAX_ROUTE_BYTES = 1_024;

/** An exchange without its bytes: what stands in the payload's header. */
export type ExchangeFields = Omit<ExchangeFrame, 'request' | 'answer'>;

/** What the three parts of an exchange message measure. */
export interface ExchangeSizes {
  readonly routeBytes: number;
  readonly requestBytes: number;
  readonly answerBytes: number;
}

/** Bytes of the whole message, prefix included. */
export function exchangeMessageBytes(sizes: ExchangeSizes): number {
  return (
    MESSAGE_PREFIX_BYTES +
    EXCHANGE_HEADER_BYTES +
    sizes.routeBytes +
    sizes.requestBytes +
    sizes.answerBytes
  );
}

/**
 * Writes prefix, header and route of an exchange message; the request's and the answer's bytes follow,
 * written by the caller, who may hold them in pieces.
 *
 * @param target - has room for `exchangeMessageBytes(sizes)` from `at` on
 * @param sizes - `routeBytes` is the byte length of `fields.route` in UTF-8, ≤ `MAX_ROUTE_BYTES`
 * @returns the offset at which the request's first byte belongs
 */
export function writeExchangeStart(
  target: Buffer,
  at: number,
  fields: ExchangeFields,
  sizes: ExchangeSizes,
): number {
  target.writeUInt32LE(exchangeMessageBytes(sizes) - 4, at);
  target[at + 4] = MESSAGE_EXCHANGE;
  const base = at + MESSAGE_PREFIX_BYTES;
  target.writeDoubleLE(fields.seq, base);
  target.writeDoubleLE(fields.number, base + 8);
  target.writeDoubleLE(fields.u, base + 16);
  target.writeDoubleLE(fields.rate, base + 24);
  target.writeDoubleLE(fields.startMs, base + 32);
  target.writeDoubleLE(fields.firstByteMs, base + 40);
  target.writeDoubleLE(fields.endMs, base + 48);
  target.writeDoubleLE(fields.wallMs, base + 56);
  target.writeUInt32LE(fields.settingsVersion, base + 64);
  target.writeUInt32LE(sizes.requestBytes, base + 68);
  target.writeUInt32LE(sizes.answerBytes, base + 72);
  target.writeUInt16LE(sizes.routeBytes, base + 76);
  target.writeUInt16LE(fields.flags, base + 78);
  const routeAt = base + EXCHANGE_HEADER_BYTES;
  return routeAt + target.write(fields.route, routeAt, sizes.routeBytes, 'utf8');
}

/** One exchange as one message of its own. The gateway writes into slabs instead (gateway/wire-queue.ts). */
export function encodeExchange(frame: ExchangeFrame): Buffer {
  const sizes = {
    routeBytes: Buffer.byteLength(frame.route),
    requestBytes: frame.request.length,
    answerBytes: frame.answer.length,
  };
  const message = Buffer.allocUnsafe(exchangeMessageBytes(sizes));
  const requestAt = writeExchangeStart(message, 0, frame, sizes);
  frame.request.copy(message, requestAt);
  frame.answer.copy(message, requestAt + frame.request.length);
  return message;
}

/**
 * What the payload's header says of the parts that follow it.
 *
 * @param header - at least `EXCHANGE_HEADER_BYTES` from `at` on
 */
export function readExchangeSizes(header: Buffer, at: number): ExchangeSizes {
  return {
    requestBytes: header.readUInt32LE(at + 68),
    answerBytes: header.readUInt32LE(at + 72),
    routeBytes: header.readUInt16LE(at + 76),
  };
}

/**
 * Reads a whole payload whose sizes have been checked against its length. Request and answer are copied:
 * they share one buffer of their own and never alias `payload`.
 */
export function readExchange(payload: Buffer, at: number, sizes: ExchangeSizes): ExchangeFrame {
  const routeAt = at + EXCHANGE_HEADER_BYTES;
  const requestAt = routeAt + sizes.routeBytes;
  const bodyBytes = sizes.requestBytes + sizes.answerBytes;
  const both = Buffer.allocUnsafe(bodyBytes);
  payload.copy(both, 0, requestAt, requestAt + bodyBytes);
  return {
    seq: payload.readDoubleLE(at),
    number: payload.readDoubleLE(at + 8),
    u: payload.readDoubleLE(at + 16),
    rate: payload.readDoubleLE(at + 24),
    startMs: payload.readDoubleLE(at + 32),
    firstByteMs: payload.readDoubleLE(at + 40),
    endMs: payload.readDoubleLE(at + 48),
    wallMs: payload.readDoubleLE(at + 56),
    settingsVersion: payload.readUInt32LE(at + 64),
    flags: payload.readUInt16LE(at + 78),
    route: payload.toString('utf8', routeAt, requestAt),
    request: both.subarray(0, sizes.requestBytes),
    answer: both.subarray(sizes.requestBytes),
  };
}

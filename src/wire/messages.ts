/**
 * What travels from a gateway to the mirror, one way, on a Unix socket. Nothing comes back.
 *
 *   message  = length u32le (of what follows it) , type u8 , payload
 *   type 1   hello     JSON: first message of a connection
 *   type 2   exchange  binary: one complete exchange (exchange-frame.ts)
 *   type 3   ledger    JSON: the cells that changed, cumulative; at least every 100 ms
 *   type 4   farewell  JSON, like a ledger: the gateway ends cleanly, its ledger is final
 *
 * A message is whole or not at all: one that a reset cut is never resumed.
 */
import type { ExchangeCell } from './exchange-ledger.ts';

/** A mirror reads its own version and the one before; a gateway of another version is told by hello. */
export const WIRE_VERSION = 1;

export const MESSAGE_HELLO = 1;
export const MESSAGE_EXCHANGE = 2;
export const MESSAGE_LEDGER = 3;
export const MESSAGE_FAREWELL = 4;

/** Bytes before a message's payload. */
export const MESSAGE_PREFIX_BYTES = 5;

export interface Hello {
  readonly version: number;
  /** `scoring-7c9f/gw0` */
  readonly instance: string;
  /** 96 random bits drawn at process start: 20 characters of `0-9a-v`. */
  readonly epoch: string;
  readonly pid: number;
  /** Sequence of the next offered exchange: all below it were offered before this connection. */
  readonly nextSeq: number;
  /** The whole cumulative ledger. */
  readonly cells: readonly ExchangeCell[];
  /**
   * Hours below it are folded. Came later than the rest of version 1: a mirror that does not know it has the same
   * sums, and a gateway that does not send it folds nothing.
   */
  readonly foldedBefore: number;
}

/** Flags of an exchange, a bit set. */
export const FLAG_EARLY = 1;
export const FLAG_DOWNSTREAM_PAUSED = 2;
/** The answer's body ended with the connection. */
export const FLAG_CLOSE_DELIMITED = 4;

/** One complete exchange, as offered to the mirror. */
export interface ExchangeFrame {
  /** Of offered exchanges only: 1, 2, 3 … without gaps in an epoch. Up to 2^48 − 1. */
  readonly seq: number;
  /** Of all exchanges of the epoch; `epoch.number` is the exchange id that selection hashes. */
  readonly number: number;
  /** Drawn number in [0, 1); NaN where nothing had to be drawn (rate 1). */
  readonly u: number;
  /** Rate in force at the gateway (the largest of the route's candidates), 0 to 1. */
  readonly rate: number;
  readonly settingsVersion: number;
  readonly flags: number;
  /** Stamps in ms of the host's monotonic clock, shared by all processes: see telemetry/clock.ts. */
  readonly startMs: number;
  readonly firstByteMs: number;
  readonly endMs: number;
  /** Wall clock when the exchange was complete, Unix ms with fractions. */
  readonly wallMs: number;
  readonly route: string;
  /** Raw request: head and body as the caller sent them (chunked stays chunked). */
  readonly request: Buffer;
  /** Raw final answer, interim 1xx answers left out. */
  readonly answer: Buffer;
}

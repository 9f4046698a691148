/** A leg on its way through the mirror, and the exchange that it shares with the legs of other candidates. */
import type { RouteConfig } from '../config/types.ts';
import type { LegKey } from '../pair/leg-states.ts';
import type { OversizedExchange } from '../wire/decoder.ts';
import type { ExchangeFrame } from '../wire/messages.ts';
import type { DecodedExchange } from './decode-exchange.ts';
import type { Sample } from './sampling.ts';

export interface HeldExchange {
  readonly frame: ExchangeFrame;
  readonly epoch: string;
  readonly instance: string;
  readonly route: RouteConfig['name'];
  /** Raw bytes of request and answer: what holding it costs. */
  readonly bytes: number;
  /** Why it came without its bytes: a reason of `shed`; empty where it has them. */
  readonly tooLarge: '' | OversizedExchange['reason'];
  /** Its rule, share and key; `null` until it is needed. */
  sample: Sample | null;
  /** Drawn number in [0, 1); NaN until it is needed. */
  u: number;
  /** Made when the first leg is dispatched, kept for the others. */
  decoded: DecodedExchange | null;
  /** What it takes of the parse budget; 0 until it is decoded. */
  parseCost: number;
  /** Legs waiting or in flight; at 0 its bytes are given back. */
  holders: number;
}

export interface Leg {
  readonly key: LegKey;
  readonly exchange: HeldExchange;
  /** Probability it was selected with, 0 to 1: its rule's share times the rate. */
  readonly probability: number;
}

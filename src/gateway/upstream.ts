/** Where the bytes of a listener's callers go, and how a connection to it is made. */
import type { Address } from '../config/types.ts';
import { Dial, type DialEvents } from './dial.ts';

/** One incumbent, shared by all connections of its listener. */
export class Upstream {
  /** For logs: `host:port`. */
  readonly name: string;
  readonly address: Address;
  /** From the first attempt to a connection that can be written to. */
  readonly connectTimeoutMs: number;

  constructor(address: Address, options: { readonly connectTimeoutMs: number }) {
    const { host, port } = address;
    this.name = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.address = address;
    this.connectTimeoutMs = options.connectTimeoutMs;
  }

  /** Opens a connection. Exactly one of `connected` and `failed` follows, unless it is destroyed first. */
  open(events: DialEvents): Dial {
    return new Dial(this, events);
  }
}

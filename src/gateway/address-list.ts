/**
 * The addresses of one incumbent: each connection begins with the next one, and those that lately gave no
 * connection come last.
 *
 *   order, with `b` passed over:   a c d b │ c d a b │ d a c b │ …
 *
 * Nothing is tried on its own account: whether an address is well again, the next caller finds out whose
 * turn it is when its time is over.
 */
import { LIMITS } from '../config/defaults.ts';
import type { Endpoint } from '../config/types.ts';

interface Entry {
  readonly endpoint: Endpoint;
  /** Passed over until then, monotonic ms. */
  skippedUntilMs: number;
  /** Failures since it last gave a connection. */
  failures: number;
}

export class AddressList {
  readonly #skipMs: number;
  #entries: Entry[] = [];
  #single: readonly Endpoint[] = [];
  #turn = 0;
  #skips = 0;

  /** @param skipMs - how long an address that failed is passed over; 0: not at all */
  constructor(skipMs: number) {
    this.#skipMs = skipMs;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** How often an address was set aside. */
  get skips(): number {
    return this.#skips;
  }

  /** @returns how many are passed over now */
  skipped(nowMs: number): number {
    return this.#entries.filter((entry) => entry.skippedUntilMs > nowMs).length;
  }

  /** Takes over a new set; what is known of an address that stays is kept. At most LIMITS.resolvedAddresses. */
  replace(endpoints: readonly Endpoint[]): void {
    const known = new Map(this.#entries.map((entry) => [keyOf(entry.endpoint), entry]));
    const wanted = new Map(endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
    this.#entries = Array.from(wanted, ([key, endpoint]) => {
      return known.get(key) ?? { endpoint, skippedUntilMs: 0, failures: 0 };
    }).slice(0, LIMITS.resolvedAddresses);
    this.#single = this.#entries.map(({ endpoint }) => endpoint).slice(0, 1);
  }

  /** @returns the addresses of one connection, in the order to try: at most LIMITS.dialAttempts, none twice */
  order(nowMs: number): readonly Endpoint[] {
    const entries = this.#entries;
    const length = entries.length;
    if (length <= 1) return this.#single;
    const first = this.#turn % length;
    this.#turn = first + 1;
    const turned = [...entries.slice(first), ...entries.slice(0, first)];
    const well = turned.filter((entry) => entry.skippedUntilMs <= nowMs);
    const ill = turned.filter((entry) => entry.skippedUntilMs > nowMs);
    return [...well, ...ill].slice(0, LIMITS.dialAttempts).map(({ endpoint }) => endpoint);
  }

  /** It gave no connection. */
  failed(endpoint: Endpoint, nowMs: number): void {
    const entry = this.#find(endpoint);
    if (entry === undefined || this.#skipMs === 0) return;
    // Those who tried it at the same time say the same thing once.
    if (entry.skippedUntilMs > nowMs) return;
    const factor = Math.min(2 ** entry.failures, LIMITS.skipAddressFactor);
    entry.failures += 1;
    entry.skippedUntilMs = nowMs + this.#skipMs * factor;
    this.#skips += 1;
  }

  /** It gave one. */
  worked(endpoint: Endpoint): void {
    const entry = this.#find(endpoint);
    if (entry === undefined) return;
    entry.failures = 0;
    entry.skippedUntilMs = 0;
  }

  #find(endpoint: Endpoint): Entry | undefined {
    return this.#entries.find((entry) => entry.endpoint === endpoint);
  }
}

function keyOf(endpoint: Endpoint): string {
  return 'path' in endpoint ? endpoint.path : `${endpoint.host} ${endpoint.port}`;
}

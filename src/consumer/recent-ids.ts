import { hash } from 'node:crypto';

/**
 * The ids last seen, and of each a digest of its bytes: so many, then the oldest is forgotten. About 150 bytes
 * an id.
 */
export class RecentIds {
  readonly #max: number;
  /** In the order of arrival. */
  readonly #digests = new Map<string, string>();

  /** @param max - ids that are remembered, an integer ≥ 1 */
  constructor(max: number) {
    if (!Number.isInteger(max) || max < 1) throw new RangeError(`max is ${max}, not 1 or more`);
    this.#max = max;
  }

  get size(): number {
    return this.#digests.size;
  }

  /** Notes an id. `conflict`: it was there with other bytes. */
  note(id: string, bytes: Uint8Array): 'new' | 'duplicate' | 'conflict' {
    const digest = hash('sha1', bytes, 'base64url');
    const known = this.#digests.get(id);
    if (known !== undefined) return known === digest ? 'duplicate' : 'conflict';
    this.#digests.set(id, digest);
    if (this.#digests.size > this.#max) {
      const oldest = this.#digests.keys().next().value;
      if (oldest !== undefined) this.#digests.delete(oldest);
    }
    return 'new';
  }
}

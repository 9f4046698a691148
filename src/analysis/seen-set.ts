/**
 * Which pairs have been counted: a set of (epoch, sequence), so that a repeated delivery counts once. One set a
 * candidate. A commutative monoid.
 *
 * Sequences of an epoch are dense where most copies are mirrored, so they are kept as bits in chunks of 32,768;
 * a full chunk is one number. Memory: at most 4 KiB a chunk, 32 bytes for a full one.
 */
import { requireThat } from './statistics/domain.ts';

const CHUNK_BITS = 15;
const CHUNK = 1 << CHUNK_BITS;
const WORDS = CHUNK / 32;

interface Chunk {
  /** `null`: all of them. */
  words: Uint32Array | null;
  count: number;
  /** Changed since a store has taken it. */
  touched: boolean;
}

export class SeenSet {
  readonly #epochs = new Map<string, Map<number, Chunk>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * @param seq - integer ≥ 0
   * @returns whether it was not there before
   */
  add(epoch: string, seq: number): boolean {
    requireThat(Number.isSafeInteger(seq) && seq >= 0, 'seq', seq, 'an integer ≥ 0');
    const chunk = this.#chunk(epoch, Math.floor(seq / CHUNK));
    const { words } = chunk;
    if (words === null) return false;
    const bit = seq % CHUNK;
    const word = bit >>> 5;
    const mask = 1 << (bit & 31);
    const found = words[word] ?? 0;
    if ((found & mask) !== 0) return false;
    words[word] = found | mask;
    chunk.count += 1;
    chunk.touched = true;
    if (chunk.count === CHUNK) chunk.words = null;
    this.#size += 1;
    return true;
  }

  #chunk(epoch: string, index: number): Chunk {
    let chunks = this.#epochs.get(epoch);
    if (chunks === undefined) {
      chunks = new Map();
      this.#epochs.set(epoch, chunks);
    }
    let chunk = chunks.get(index);
    if (chunk === undefined) {
      chunk = { words: new Uint32Array(WORDS), count: 0, touched: false };
      chunks.set(index, chunk);
    }
    return chunk;
  }

  /** Chunks by epoch, for a store: `bits` is `null` for a full one. */
  *chunks(): Generator<{ epoch: string; index: number; bits: Uint8Array | null }> {
    for (const [epoch, chunks] of this.#epochs) {
      for (const [index, { words }] of chunks) {
        const bits = words === null ? null : new Uint8Array(words.buffer);
        yield { epoch, index, bits };
      }
    }
  }

  /** Those that have changed since {@link settle}. */
  *touchedChunks(): Generator<{ epoch: string; index: number; bits: Uint8Array | null }> {
    for (const [epoch, chunks] of this.#epochs) {
      for (const [index, { words, touched }] of chunks) {
        if (!touched) continue;
        yield { epoch, index, bits: words === null ? null : new Uint8Array(words.buffer) };
      }
    }
  }

  /** A store has taken all of it. */
  settle(): void {
    for (const chunks of this.#epochs.values()) {
      for (const chunk of chunks.values()) chunk.touched = false;
    }
  }

  /** Puts a stored chunk back, in union with what is there. @throws {UnderstudyError} `UND_ANALYSIS_DOMAIN` */
  restore(epoch: string, index: number, bits: Uint8Array | null): void {
    requireThat(bits === null || bits.length === CHUNK / 8, 'bits', bits?.length ?? 0, '4,096');
    const chunk = this.#chunk(epoch, index);
    if (chunk.words === null) return;
    chunk.touched = true;
    const before = chunk.count;
    if (bits === null) chunk.count = CHUNK;
    else chunk.count += unite(chunk.words, bits);
    if (chunk.count === CHUNK) chunk.words = null;
    this.#size += chunk.count - before;
  }
}

/** Adds bits, the lowest of each byte first. @returns how many were not there */
function unite(words: Uint32Array, bits: Uint8Array): number {
  let added = 0;
  for (let i = 0; i < words.length; i++) {
    const at = 4 * i;
    const low = (bits[at] ?? 0) | ((bits[at + 1] ?? 0) << 8);
    const high = (bits[at + 2] ?? 0) | ((bits[at + 3] ?? 0) << 8);
    const own = words[i] ?? 0;
    const news = (low | (high << 16)) & ~own;
    words[i] = own | news;
    for (let rest = news; rest !== 0; rest &= rest - 1) added += 1;
  }
  return added;
}

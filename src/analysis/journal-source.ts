/** Pairs from the journal by sequence: short pages, and where reading goes on after a restart. */
import { LIMITS } from '../config/defaults.ts';
import type { Pair } from '../pair/pair.ts';
import type { JournalReader } from '../record/journal/journal-reader.ts';

interface Position {
  readonly generation: string;
  readonly seq: number;
  /** Pairs that left the journal before they were read, all together. */
  readonly missed: number;
  /** Records that could not be read as pairs. */
  readonly unreadable: number;
}

const NOWHERE: Position = { generation: '', seq: 0, missed: 0, unreadable: 0 };

export class JournalSource {
  readonly #reader: JournalReader;
  #position: Position;

  /** @param position - as {@link position} gave it; empty: from the beginning */
  constructor(reader: JournalReader, position: string) {
    this.#reader = reader;
    this.#position = position === '' ? NOWHERE : (JSON.parse(position) as Position);
  }

  /** What is to be kept with all that was read so far, in one transaction. */
  get position(): string {
    return JSON.stringify(this.#position);
  }

  get missed(): number {
    return this.#position.missed;
  }

  /** Which journal, and the last sequence read of it: what it may let go of. */
  get watermark(): { readonly generation: string; readonly seq: number } {
    return this.#position;
  }

  /** Pairs that wait to be read. */
  lag(): number {
    return Math.max(0, this.#reader.lastSeq() - this.#position.seq);
  }

  /**
   * The next pairs; none: all is read.
   *
   * @throws as `JournalReader.pairsAfter`
   */
  next(): { readonly pairs: readonly Pair[]; readonly done: boolean } {
    const generation = this.#reader.generation();
    if (generation === '') return { pairs: [], done: true };
    const isFirst = this.#position.generation === '';
    // Another file: the old one was set aside, its sequences mean nothing here.
    if (generation !== this.#position.generation && !isFirst) {
      this.#position = { ...this.#position, generation, seq: 0 };
    }
    const { seq } = this.#position;
    const page = this.#reader.pairsAfter(seq, LIMITS.journalPagePairs);
    const first = page[0];
    const last = page.at(-1);
    if (first === undefined || last === undefined) return { pairs: [], done: true };
    const pairs = page.flatMap(({ json }) => parsePair(json));
    // Sequences are dense. Before the first page of all nothing was there to be missed, and what had left a journal
    // that is a copy belongs to the one before.
    const isBefore = isFirst || (seq === 0 && this.#reader.isCopy());
    const gap = isBefore ? 0 : first.seq - seq - 1;
    this.#position = {
      generation,
      seq: last.seq,
      missed: this.#position.missed + gap,
      unreadable: this.#position.unreadable + page.length - pairs.length,
    };
    return { pairs, done: page.length < LIMITS.journalPagePairs && !isCut(page) };
  }
}

/** A page also ends where it has many bytes. */
function isCut(page: readonly { readonly json: string }[]): boolean {
  return page.reduce((bytes, { json }) => bytes + json.length, 0) >= LIMITS.journalPageBytes;
}

function parsePair(json: string): Pair[] {
  try {
    return [JSON.parse(json) as Pair];
  } catch {
    return [];
  }
}

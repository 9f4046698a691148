/** Which pairs of a journal are meant: by time, candidate, route and key; and a walk over them in short pages. */
import type { JournalReader, StoredPair } from './journal-reader.ts';

/** What is missing is not asked for. */
export interface PairSelection {
  /** Exchanges from then on, Unix ms. */
  readonly fromMs?: number;
  /** … and before then. */
  readonly toMs?: number;
  readonly candidate?: string;
  readonly route?: string;
  /** Selection key, as it stands in the record. */
  readonly key?: string;
}

/**
 * The pairs that were there when it began, in the order of recording; those that leave meanwhile are not in it.
 *
 * @throws {UnderstudyError} `UND_JOURNAL_REPLACED` when the file is set aside meanwhile; as `JournalReader.select`
 */
export function* selectPairs(
  reader: JournalReader,
  selection: PairSelection,
): Generator<readonly StoredPair[]> {
  const upTo = reader.lastSeq();
  const generation = reader.generation();
  for (let after = 0; after < upTo; ) {
    const page = reader.select(selection, { after, upTo, generation });
    after = page.after;
    if (page.pairs.length > 0) yield page.pairs;
  }
}

/** Whether a record is of a route. One that cannot be read is of none. */
export function isOfRoute(json: string, route: string): boolean {
  try {
    const pair: unknown = JSON.parse(json);
    return typeof pair === 'object' && pair !== null && 'route' in pair && pair.route === route;
  } catch {
    return false;
  }
}

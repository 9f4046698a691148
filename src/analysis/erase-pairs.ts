/**
 * Takes pairs out of what the analysis keeps of single pairs: samples (pair-sample.ts), examples (pair-examples.ts), the
 * rows that wait for outcomes and the outcomes that came for them; and their bytes out of the file. All else of it are
 * sums.
 */
import type { DatabaseSync } from 'node:sqlite';
import { UnderstudyError } from '../errors.ts';
import type { Pair } from '../pair/pair.ts';
import { cutWal, fillFreePages } from '../record/journal/journal-erasure.ts';
import type { JournalReader } from '../record/journal/journal-reader.ts';
import { selectPairs } from '../record/journal/pair-selection.ts';
import { PairExamples } from './pair-examples.ts';
import { PairSample } from './pair-sample.ts';
import { ByteReader } from './sketches/byte-reader.ts';
import { ByteWriter } from './sketches/byte-writer.ts';

const KINDS = { sample: PairSample, examples: PairExamples } as const;
/** So often the WAL is tried to be cut, 5 ms each: readers of this file are short. */
const WAL_TRIES = 400;

/** A pair to be erased. */
export interface ErasedPair {
  readonly id: string;
  /** What its outcome attaches to, beside its exchange; missing: nothing. */
  readonly join?: string;
}

/** All pairs of a key that the journal has. */
export function pairsOfKey(reader: JournalReader, key: string): ErasedPair[] {
  const pairs: ErasedPair[] = [];
  for (const page of selectPairs(reader, { key })) {
    for (const { json } of page) {
      const { id, join } = JSON.parse(json) as Pair;
      pairs.push(join === undefined ? { id } : { id, join });
    }
  }
  return pairs;
}

/**
 * In all attempts, closed ones too; then free pages and the WAL, which have them yet.
 *
 * @returns states and rows changed
 * @throws {UnderstudyError} `UND_JOURNAL_TRACES` when a reader keeps the WAL; errors of SQLite as they are: it can be
 *   done again
 */
export function eraseFromAnalysis(db: DatabaseSync, pairs: readonly ErasedPair[]): number {
  const ids = pairs.map(({ id }) => id);
  db.exec('PRAGMA secure_delete = ON');
  try {
    const sql = 'DELETE FROM outcomes WHERE id IN (SELECT value FROM json_each(?))';
    const changed =
      Number(db.prepare(sql).run(JSON.stringify(ids)).changes) +
      eraseOutcomes(db, pairs) +
      eraseFromStates(db, 'sample', ids) +
      eraseFromStates(db, 'examples', ids);
    for (const _ of fillFreePages(db)) {
      // All at once: the file is small.
    }
    for (let tries = 1; !cutWal(db); tries += 1) if (tries === WAL_TRIES) throw walError();
    return changed;
  } finally {
    db.exec('PRAGMA secure_delete = FAST');
  }
}

/** Outcomes of these exchanges, and of these join values where no other pair waits for the same. */
function eraseOutcomes(db: DatabaseSync, pairs: readonly ErasedPair[]): number {
  const exchanges = pairs.map(({ id }) => id.slice(0, id.indexOf('/')));
  const joins = pairs.flatMap(({ join }) => join ?? []);
  const sql = `DELETE FROM labels WHERE key IN (SELECT value FROM json_each(?))
    AND key NOT IN (SELECT key FROM outcomes)`;
  const keys = JSON.stringify([...exchanges, ...joins]);
  return Number(db.prepare(sql).run(keys).changes);
}

function eraseFromStates(
  db: DatabaseSync,
  kind: keyof typeof KINDS,
  ids: readonly string[],
): number {
  const rows = db
    .prepare('SELECT attempt, key, stretch, bytes FROM states WHERE kind = ?')
    .all(kind);
  const put = db.prepare(
    'UPDATE states SET bytes = ? WHERE kind = ? AND attempt = ? AND key = ? AND stretch = ?',
  );
  let changed = 0;
  for (const { attempt, key, stretch, bytes } of rows) {
    if (!(bytes instanceof Uint8Array)) continue;
    const state = KINDS[kind].decode(new ByteReader(bytes));
    if (!state.remove(ids)) continue;
    const writer = new ByteWriter();
    state.encode(writer);
    put.run(writer.toBytes(), kind, attempt ?? 0, key ?? '', stretch ?? 0);
    changed += 1;
  }
  return changed;
}

function walError(): UnderstudyError {
  return new UnderstudyError(
    'UND_JOURNAL_TRACES',
    'A reader keeps the WAL of the analysis, where the pairs still stand: end it, and erase again.',
  );
}

/** Looks whether a key's bytes stand anywhere in a data folder: the files themselves are read, not what SQLite says. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface KeyTrace {
  /** Name in the data folder. */
  readonly file: string;
  /** What takes it away. */
  readonly advice: string;
}

const PIECE_BYTES = 4 * 2 ** 20;
/** So much of an id is looked for: more of it does not stand everywhere. */
const ID_BYTES = 64;
const STOPPED = 'stop the instance and erase again with --data: then the file is rewritten';

/**
 * Looks for the key as records have it. A key that is an exchange id is also the beginning of ids of other exchanges
 * (`e.1`, `e.12`), which are no trace of it; a keyed hash stands nowhere else, and is looked for by itself, too.
 * The analysis knows pairs by their ids alone: its files are looked through for them.
 *
 * @param key - as it stands in a record
 * @param ids - of its pairs
 * @returns none where it is gone
 */
export function findTraces(dataDir: string, key: string, ids: readonly string[] = []): KeyTrace[] {
  const wanted = Buffer.from(key.startsWith('hmac:') ? key : `"key":${JSON.stringify(key)}`);
  const byKey = { has: (bytes: Buffer) => bytes.includes(wanted), longest: wanted.length };
  const byIds = searchForIds(ids);
  return readdirSync(dataDir)
    .filter((name) => /^(journal|analysis)\./.test(name) && !name.endsWith('.lock'))
    .filter((name) => {
      const path = join(dataDir, name);
      if (!statSync(path).isFile()) return false;
      return holds(path, byKey) || (name.startsWith('analysis.') && holds(path, byIds));
    })
    .map((file) => ({ file, advice: adviceFor(file) }));
}

/** What is looked for, and the bytes of the longest of it. */
interface Search {
  readonly has: (bytes: Buffer) => boolean;
  readonly longest: number;
}

/** Ids, `EPOCH.SEQ/CANDIDATE`, around each stroke: one pass, however many they are. */
function searchForIds(ids: readonly string[]): Search {
  const texts = new Set(ids.map((id) => Buffer.from(id).subarray(0, ID_BYTES).toString('latin1')));
  const shapes = new Map<string, readonly [before: number, length: number]>();
  for (const text of texts) {
    const before = text.indexOf('/');
    shapes.set(`${before} ${text.length}`, [before, text.length]);
  }
  const has = (bytes: Buffer): boolean => {
    const text = bytes.toString('latin1');
    for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) {
      for (const [before, length] of shapes.values()) {
        if (at >= before && texts.has(text.slice(at - before, at - before + length))) return true;
      }
    }
    return false;
  };
  return { has: texts.size === 0 ? () => false : has, longest: ID_BYTES };
}

function adviceFor(file: string): string {
  if (file.includes('.quarantined-')) return 'a damaged journal that was set aside: delete it';
  return STOPPED;
}

/** Whether a file has it, across pieces too. */
function holds(path: string, { has, longest }: Search): boolean {
  const buffer = Buffer.alloc(PIECE_BYTES + longest);
  const fd = openSync(path, 'r');
  try {
    for (let at = 0, kept = 0; ; ) {
      const read = readSync(fd, buffer, kept, PIECE_BYTES, at);
      if (read === 0) return false;
      at += read;
      const filled = kept + read;
      if (has(buffer.subarray(0, filled))) return true;
      const tail = Math.min(longest - 1, filled);
      buffer.copy(buffer, 0, filled - tail, filled);
      kept = tail;
    }
  } finally {
    closeSync(fd);
  }
}

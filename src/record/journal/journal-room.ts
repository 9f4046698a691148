/**
 * The room a journal has: its cap, its retention, its WAL.
 *
 * Invariants: pairs are taken in only while used pages stay below `maxBytes` less the WAL's cap and a reserve
 * for counts, and while its disk has room for them twice (DiskRoom); a pair expires only when it is past
 * retention and, where Kafka is configured, published; and, where it is analysed, only when the analysis has read it.
 * What leaves otherwise is evicted, and counted as such: past retention and not analysed, when there is no room;
 * with `drop_oldest` the oldest, when there is no room; past `maxAgeMs`.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LIMITS } from '../../config/defaults.ts';
import type { WhenFull } from '../../config/types.ts';
import { UnderstudyError } from '../../errors.ts';
import type { PairEntry } from '../recorder-port.ts';
import { type Departure, Departures, NO_DEPARTURE, sumOf } from './departures.ts';
import { DiskRoom } from './disk-room.ts';
import { numberOf } from './sqlite-rows.ts';
import { readWatermark } from './watermark-file.ts';

const PAGE_BYTES = 4096;
/** Beside its texts a pair costs row headers, two index entries and the slack of its pages. */
const PAIR_OVERHEAD_BYTES = 160;
/** Searching the whole journal for room is worth it once in a while only. */
const SEARCH_INTERVAL_MS = 1_000;
const SEARCH_PAIRS = 5_000;
/** Where the oldest give way: rounds of one transaction, since new pairs may be larger than old ones. */
const EVICTION_ROUNDS = 4;
/** Pairs over their age are looked for so often, and so many leave at once; or twice those that came since, if more. */
const AGE_MS = 1_000;
const AGED_PAIRS = 2_000;
/** What the analysis has read is looked at so often. */
const WATERMARK_MS = 1_000;

export interface RoomOptions {
  readonly maxBytes: number;
  readonly whenFull: WhenFull;
  readonly retentionMs: number;
  /** 0: no limit. */
  readonly maxAgeMs: number;
  /** Whether pairs wait for Kafka. */
  readonly outbox: boolean;
  /** Data folder of the analysis that pairs wait for; missing: nobody analyses. */
  readonly analysisDir?: string;
}

export class JournalRoom {
  readonly #db: DatabaseSync;
  readonly #walPath: string;
  readonly #options: RoomOptions;
  readonly #disk: DiskRoom;
  readonly #maxWalBytes: number;
  readonly #pairsBytes: number;
  readonly #pages: StatementSync;
  readonly #freePages: StatementSync;
  readonly #oldest: StatementSync;
  readonly #deleteOldest: StatementSync;
  readonly #deleteAnywhere: StatementSync;
  readonly #generation: string;
  readonly #departures: Departures;
  #searchedAtMs = Number.NEGATIVE_INFINITY;
  #agedAtMs = Number.NEGATIVE_INFINITY;
  /** Pairs that came since. */
  #sinceAged = 0;
  #watermark = { seq: Number.MAX_SAFE_INTEGER, readAtMs: Number.NEGATIVE_INFINITY };
  /** Bytes of free pages that an erasure has taken for a while: as good as free. */
  filledBytes = 0;
  /** Pairs that had to leave, since the journal was opened. */
  evicted: Departure = NO_DEPARTURE;

  /** The last sequence of the last eviction that took unpublished pairs. */
  evictedUpTo = 0;

  /** @param generation - of the journal's file */
  constructor(
    db: DatabaseSync,
    { path, generation }: { readonly path: string; readonly generation: string },
    options: RoomOptions,
  ) {
    this.#generation = generation;
    this.#db = db;
    this.#walPath = `${path}-wal`;
    this.#options = options;
    this.#maxWalBytes = Math.min(LIMITS.journalWalBytes, Math.floor(options.maxBytes / 4));
    const reserve = (options.maxBytes * LIMITS.journalReservePercent) / 100;
    this.#pairsBytes = options.maxBytes - this.#maxWalBytes - reserve;
    this.#disk = new DiskRoom(path);
    this.#departures = new Departures(db);
    const maxCheckpointBytes = Math.min(this.#maxWalBytes / 4, this.#disk.totalBytes() / 32);
    const checkpointPages = Math.min(1_000, Math.ceil(maxCheckpointBytes / PAGE_BYTES));
    db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    this.#pages = db.prepare('PRAGMA page_count');
    this.#freePages = db.prepare('PRAGMA freelist_count');
    this.#oldest = db.prepare('SELECT time_ms FROM pairs ORDER BY seq LIMIT 1');
    const settled = options.outbox ? 'AND seq NOT IN (SELECT seq FROM outbox)' : '';
    this.#deleteOldest = db.prepare(`DELETE FROM pairs WHERE time_ms < ? AND seq <= ? ${settled}
      AND seq IN (SELECT seq FROM pairs ORDER BY seq LIMIT ?)`);
    this.#deleteAnywhere = db.prepare(`DELETE FROM pairs WHERE seq IN
      (SELECT seq FROM pairs WHERE time_ms < ? AND seq <= ? ${settled} ORDER BY seq LIMIT ?)`);
  }

  /** Bytes of pages in use: a deleted pair's pages are used again, the file does not shrink. */
  usedBytes(): number {
    const pages = numberOf(this.#pages.get(), 'page_count');
    const used = (pages - numberOf(this.#freePages.get(), 'freelist_count')) * PAGE_BYTES;
    return used - this.filledBytes;
  }

  /** Bytes on disk, the WAL not counted. */
  fileBytes(): number {
    return numberOf(this.#pages.get(), 'page_count') * PAGE_BYTES;
  }

  walBytes(): number {
    return statSync(this.#walPath, { throwIfNoEntry: false })?.size ?? 0;
  }

  /**
   * Makes sure, before a transaction, that the WAL may grow by one. A reader that holds a statement open
   * keeps it from being reset.
   *
   * @throws {UnderstudyError} `UND_JOURNAL_WAL_FULL`
   */
  checkWal(): void {
    if (this.walBytes() <= this.#maxWalBytes) return;
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    if (this.walBytes() <= this.#maxWalBytes) return;
    throw new UnderstudyError(
      'UND_JOURNAL_WAL_FULL',
      'A reader keeps the journal’s WAL from ending.',
    );
  }

  /**
   * How many of the entries fit, from the first on; deletes what may leave first. Inside a transaction.
   *
   * @param now - Unix ms
   */
  admit(entries: readonly PairEntry[], now: number): number {
    this.#evictAged(now);
    this.#sinceAged += entries.length;
    if (entries.length === 0) return 0;
    const deletable = this.#disk.deletablePairs();
    this.#deleteExpired(Math.min(2 * entries.length + 100, deletable), now);
    let fit = this.#fit(entries);
    if (fit < entries.length && Math.abs(now - this.#searchedAtMs) >= SEARCH_INTERVAL_MS) {
      this.#searchedAtMs = now;
      this.#search(Math.min(SEARCH_PAIRS, deletable), now);
      fit = this.#fit(entries);
    }
    if (this.#options.whenFull === 'drop_newest') return fit;
    for (let round = 0; fit < entries.length && round < EVICTION_ROUNDS; round += 1) {
      const limit = Math.min(2 * entries.length + 100, deletable);
      if (this.#evict(Number.MAX_SAFE_INTEGER, limit, now) === 0) break;
      fit = this.#fit(entries);
    }
    return fit;
  }

  /** Looks for what may leave among all pairs, not the oldest alone. */
  #search(limit: number, now: number): void {
    const before = now - this.#options.retentionMs;
    const expired = Number(this.#deleteAnywhere.run(before, this.#analysedSeq(now), limit).changes);
    this.#departures.note('expired', { ...NO_DEPARTURE, count: expired });
    if (expired > 0) {
      this.#dropOrphans();
      return;
    }
    const { changes } = this.#deleteAnywhere.run(before, Number.MAX_SAFE_INTEGER, limit);
    if (changes > 0) this.#dropOrphans();
    const evicted = { count: Number(changes), unpublished: 0, unanalysed: Number(changes) };
    this.#departures.note('evicted', evicted);
    this.evicted = sumOf(this.evicted, evicted);
  }

  /** Rows of pairs that left from anywhere. Where Kafka is on, none that waits for it has left. */
  #dropOrphans(): void {
    const gone = 'seq NOT IN (SELECT seq FROM pairs)';
    this.#db.exec(`DELETE FROM dead_letters WHERE ${gone}`);
    if (!this.#options.outbox) this.#db.exec(`DELETE FROM outbox WHERE ${gone}`);
  }

  #evictAged(now: number): void {
    const { maxAgeMs } = this.#options;
    if (maxAgeMs === 0 || Math.abs(now - this.#agedAtMs) < AGE_MS) return;
    this.#agedAtMs = now;
    const limit = Math.max(AGED_PAIRS, 2 * this.#sinceAged);
    this.#sinceAged = 0;
    this.#evict(now - maxAgeMs, Math.min(limit, this.#disk.deletablePairs()), now);
  }

  /** @returns how many left */
  #evict(beforeMs: number, limit: number, now: number): number {
    const { upTo, ...evicted } = this.#departures.evictOldest(
      beforeMs,
      limit,
      this.#analysedSeq(now),
    );
    this.evicted = sumOf(this.evicted, evicted);
    if (evicted.unpublished > 0) this.evictedUpTo = upTo;
    return evicted.count;
  }

  /** The last sequence that may leave for all that the analysis needs. */
  #analysedSeq(now: number): number {
    const { analysisDir } = this.#options;
    if (analysisDir === undefined) return Number.MAX_SAFE_INTEGER;
    if (Math.abs(now - this.#watermark.readAtMs) >= WATERMARK_MS) {
      const mark = readWatermark(analysisDir);
      const seq = mark?.generation === this.#generation ? mark.seq : 0;
      this.#watermark = { seq, readAtMs: now };
    }
    return this.#watermark.seq;
  }

  #deleteExpired(limit: number, now: number): void {
    const oldest = this.#oldest.get();
    const before = now - this.#options.retentionMs;
    if (oldest === undefined || numberOf(oldest, 'time_ms') >= before) return;
    const count = Number(this.#deleteOldest.run(before, this.#analysedSeq(now), limit).changes);
    if (count === 0) return;
    this.#departures.note('expired', { ...NO_DEPARTURE, count });
    const first = 'coalesce((SELECT min(seq) FROM pairs), 9e15)';
    this.#db.exec(`DELETE FROM dead_letters WHERE seq < ${first}`);
    this.#db.exec(`DELETE FROM outbox WHERE seq < ${first}`);
  }

  #fit(entries: readonly PairEntry[]): number {
    const used = this.usedBytes();
    const free = this.fileBytes() - used;
    let left = Math.min(this.#pairsBytes - used, free / 2 + this.#disk.leftBytes(this.fileBytes()));
    let fit = 0;
    for (const entry of entries) {
      left -= entryBytes(entry);
      if (left < 0) break;
      fit += 1;
    }
    return fit;
  }
}

/** Bytes an entry takes, in memory and on disk, within a few percent. */
export function entryBytes(entry: PairEntry): number {
  const labels = 2 * entry.id.length + entry.key.length + entry.experiment.length;
  return Buffer.byteLength(entry.json) + labels + PAIR_OVERHEAD_BYTES;
}

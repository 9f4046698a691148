/**
 * The room a journal has: its cap, its retention, its WAL.
 *
 * Invariants: pairs are taken in only while used pages stay below `maxBytes` less the WAL's cap and a reserve
 * for counts, and while its disk has room for them twice (DiskRoom); a pair is deleted only when it is past
 * retention and, where Kafka is configured, published; and, where it is analysed, only when the analysis has read it,
 * or when there is no room otherwise: that is counted.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LIMITS } from '../config/defaults.ts';
import { UnderstudyError } from '../errors.ts';
import { DiskRoom } from './disk-room.ts';
import type { PairEntry } from './recorder-port.ts';
import { numberOf } from './sqlite-rows.ts';
import { readWatermark } from './watermark-file.ts';

const PAGE_BYTES = 4096;
/** Beside its texts a pair costs row headers, two index entries and the slack of its pages. */
const PAIR_OVERHEAD_BYTES = 160;
/** Searching the whole journal for room is worth it once in a while only. */
const SEARCH_INTERVAL_MS = 1_000;
const SEARCH_PAIRS = 5_000;
/** What the analysis has read is looked at so often. */
const WATERMARK_MS = 1_000;

export interface RoomOptions {
  readonly maxBytes: number;
  readonly retentionMs: number;
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
  #searchedAtMs = Number.NEGATIVE_INFINITY;
  #watermark = { seq: Number.MAX_SAFE_INTEGER, readAtMs: Number.NEGATIVE_INFINITY };
  /** Pairs that had to leave before they were analysed, since the journal was opened. */
  evictedUnanalysed = 0;

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
    return (pages - numberOf(this.#freePages.get(), 'freelist_count')) * PAGE_BYTES;
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
    if (entries.length === 0) return 0;
    const deletable = this.#disk.deletablePairs();
    this.#deleteExpired(Math.min(2 * entries.length + 100, deletable), now);
    const fit = this.#fit(entries);
    if (fit === entries.length || now - this.#searchedAtMs < SEARCH_INTERVAL_MS) return fit;
    this.#searchedAtMs = now;
    const limit = Math.min(SEARCH_PAIRS, deletable);
    const before = now - this.#options.retentionMs;
    if (this.#deleteAnywhere.run(before, this.#analysedSeq(now), limit).changes === 0) {
      const evicted = this.#deleteAnywhere.run(before, Number.MAX_SAFE_INTEGER, limit).changes;
      if (evicted === 0) return fit;
      this.evictedUnanalysed += Number(evicted);
    }
    return this.#fit(entries);
  }

  /** The last sequence that may leave for all that the analysis needs. */
  #analysedSeq(now: number): number {
    const { analysisDir } = this.#options;
    if (analysisDir === undefined) return Number.MAX_SAFE_INTEGER;
    if (now - this.#watermark.readAtMs >= WATERMARK_MS) {
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
    if (this.#deleteOldest.run(before, this.#analysedSeq(now), limit).changes === 0) return;
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

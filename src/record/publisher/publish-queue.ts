/**
 * What the publisher holds of the journal's outbox: two lanes for each partition. Live pairs overtake the
 * backlog, which gets the rest of each batch, and at least a quarter.
 *
 *   outbox   ···backlog···│· · live · ·
 *            ▲ backlog cursor     ▲ live cursor: above it nothing was read yet
 *
 * Invariants: a sequence is held once, from its reading until its confirmation is committed; what is neither
 * held nor above the live cursor is found again by a pass of the backlog cursor.
 */
import { LIMITS } from '../../config/defaults.ts';
import type { DeadLetter } from '../journal/journal-batch.ts';
import type { JournalReader, UnpublishedPair } from '../journal/journal-reader.ts';
import type { PairSerializer } from './pair-serializer.ts';
import { recordBytes, type SinkRecord } from './pair-sink.ts';

/** A pair as a record, ready to be sent. */
export interface QueuedPair {
  readonly seq: number;
  readonly id: string;
  readonly record: SinkRecord;
  readonly bytes: number;
}

type Lane = 'live' | 'backlog';

interface Lanes {
  readonly live: QueuedPair[];
  readonly backlog: QueuedPair[];
  /** Batches that failed, whole: they go first. */
  readonly again: (readonly QueuedPair[])[];
  /** Since when live pairs wait. */
  waitingSinceMs: number;
  liveBytes: number;
}

export interface PublishQueueOptions {
  /** Of a pair's key. */
  readonly partitionOf: (key: string) => number;
  readonly serializer: PairSerializer;
  /** Of the records of a batch, and of one record. */
  readonly maxBytes: number;
  readonly maxPairs: number;
  /** How long live pairs wait for company; a backlog never does. */
  readonly lingerMs: number;
}

const AT_ONCE: Readonly<Record<Lane, number>> = {
  live: Number.NEGATIVE_INFINITY,
  backlog: Number.NEGATIVE_INFINITY,
};

/** Share of a batch that a waiting backlog gets, at least. */
const BACKLOG_SHARE = 0.25;

export class PublishQueue {
  readonly #options: PublishQueueOptions;
  readonly #poison: DeadLetter[] = [];
  readonly #held = new Set<number>();
  readonly #lanes = new Map<number, Lanes>();
  #live = 0;
  #backlog = 0;
  /** Whether there may be pairs below the live cursor that are not held. */
  #isBehind = true;
  #missed = false;
  #nextPassMs = Number.NEGATIVE_INFINITY;
  #queuedBytes = 0;
  /** Nothing of the last page was for a partition with room: no reading until then, or until something is taken. */
  #readAgainMs: Record<Lane, number> = { ...AT_ONCE };
  readonly #readAtMs: Record<Lane, number> = { ...AT_ONCE };

  constructor(options: PublishQueueOptions) {
    this.#options = options;
  }

  /** Pairs read and not confirmed. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * Partitions that have something to send.
   *
   * @param nowMs - of the clock of `fill`: what may still wait for company is left out; all where it is missing
   */
  partitions(nowMs = Number.POSITIVE_INFINITY): number[] {
    return Array.from(this.#lanes).flatMap(([partition, lanes]) =>
      this.#isDue(lanes, nowMs) ? partition : [],
    );
  }

  /**
   * Reads live pairs, then the backlog, until no partition is short of them: what a full partition has no room for
   * would have to be read again.
   *
   * @param nowMs - of a monotonic clock
   * @throws as JournalReader does
   */
  fill(reader: JournalReader, nowMs: number): void {
    const last = reader.lastUnpublished();
    if (last - this.#live > LIMITS.publisherLivePairs) {
      this.#live = last - LIMITS.publisherLivePairs;
      this.#isBehind = true;
    }
    for (let pages = 0; pages < LIMITS.publisherFillPages; pages += 1) {
      if (last <= this.#live || !this.#wantsMore('live', nowMs)) break;
      this.#readLive(reader, { last, nowMs });
    }
    for (let pages = 0; pages < LIMITS.publisherFillPages; pages += 1) {
      if (!this.#isBehind || nowMs < this.#nextPassMs || !this.#wantsMore('backlog', nowMs)) break;
      this.#readBacklog(reader, nowMs);
    }
  }

  /** The next batch of a partition, taken out; empty when there is none. */
  take(partition: number): readonly QueuedPair[] {
    const lanes = this.#lanes.get(partition);
    if (lanes === undefined) return [];
    this.#readAgainMs = { ...AT_ONCE };
    const again = lanes.again.shift();
    if (again !== undefined) return again;
    const share = lanes.backlog.length > 0 ? 1 - BACKLOG_SHARE : 1;
    const { maxBytes, maxPairs } = this.#options;
    const room = { bytes: maxBytes * share, pairs: Math.floor(maxPairs * share) };
    // The first live pair always fits, since none is larger than a whole batch.
    const batch = lanes.live.splice(0, Math.max(1, countThatFit(lanes.live, room)));
    lanes.liveBytes -= bytesOf(batch);
    const left = { bytes: maxBytes - bytesOf(batch), pairs: maxPairs - batch.length };
    batch.push(...lanes.backlog.splice(0, countThatFit(lanes.backlog, left)));
    this.#queuedBytes -= bytesOf(batch);
    return batch;
  }

  /** Pairs that can never be sent, taken out: too large for any message, or not to be serialized. */
  takePoison(): readonly DeadLetter[] {
    return this.#poison.splice(0);
  }

  /** Something below the cursors is new: a dead letter that is to be sent again. */
  rescan(): void {
    this.#isBehind = true;
    this.#missed = true;
    this.#nextPassMs = Number.NEGATIVE_INFINITY;
    this.#readAgainMs = { ...AT_ONCE };
  }

  /**
   * Pairs have been evicted or erased: those that wait are let go of, those that were taken are under way.
   *
   * @param upTo - none above this sequence has left; 0: none has
   * @throws as JournalReader does
   */
  dropGone(reader: JournalReader, upTo: number): void {
    if (upTo === 0) return;
    const all = Array.from(this.#lanes.values());
    const waiting = all.flatMap(({ live, backlog, again }) => [live, backlog, ...again].flat());
    const seqs = waiting.map(({ seq }) => seq).filter((seq) => seq <= upTo);
    const gone = seqs.length === 0 ? new Set<number>() : reader.goneOf(seqs);
    if (gone.size === 0) return;
    const staying = (pairs: readonly QueuedPair[]): QueuedPair[] =>
      pairs.filter(({ seq }) => !gone.has(seq));
    for (const [partition, { live, backlog, again, waitingSinceMs }] of this.#lanes) {
      const lanes = { live: staying(live), backlog: staying(backlog) };
      const repeated = again.map(staying).filter((batch) => batch.length > 0);
      const liveBytes = bytesOf(lanes.live);
      this.#lanes.set(partition, { ...lanes, again: repeated, waitingSinceMs, liveBytes });
      this.#queuedBytes += liveBytes + bytesOf(lanes.backlog) - bytesOf(live) - bytesOf(backlog);
    }
    this.release([...gone]);
    this.#readAgainMs = { ...AT_ONCE };
  }

  /** Puts a batch back, as it was: it is repeated before anything else. */
  repeat(partition: number, batch: readonly QueuedPair[]): void {
    if (batch.length > 0) this.#lanesOf(partition).again.push(batch);
  }

  /** Confirmed in the journal: it is no longer in the outbox. */
  release(seqs: readonly number[]): void {
    for (const seq of seqs) this.#held.delete(seq);
  }

  get #hasRoom(): boolean {
    return (
      this.#held.size < LIMITS.publisherHeldPairs && this.#queuedBytes < LIMITS.publisherQueuedBytes
    );
  }

  /**
   * Whether some partition is short of pairs; or one may be that nothing was read for yet: a page now and then
   * tells.
   */
  #wantsMore(lane: Lane, nowMs: number): boolean {
    if (!this.#hasRoom || nowMs < this.#readAgainMs[lane]) return false;
    if (this.#lanes.size === 0) return true;
    const enough = LIMITS.publisherQueuedPairs / 2;
    const isShort = Array.from(this.#lanes.values()).some((lanes) => lanes[lane].length < enough);
    return isShort || nowMs - this.#readAtMs[lane] >= LIMITS.publisherReadAgainMs;
  }

  #isDue(lanes: Lanes, nowMs: number): boolean {
    if (lanes.again.length > 0 || lanes.backlog.length > 0) return true;
    if (lanes.live.length === 0) return false;
    const { maxBytes, maxPairs, lingerMs } = this.#options;
    const isFull = lanes.live.length >= maxPairs || lanes.liveBytes >= maxBytes;
    return isFull || nowMs - lanes.waitingSinceMs >= lingerMs;
  }

  #readLive(reader: JournalReader, { last, nowMs }: { last: number; nowMs: number }): void {
    const before = this.#held.size;
    this.#readAtMs.live = nowMs;
    for (const pair of reader.unpublished(this.#live, last, LIMITS.journalPagePairs)) {
      if (!this.#hasRoom) return;
      if (!this.#take(pair, 'live', nowMs)) this.#isBehind = true;
      this.#live = pair.seq;
    }
    if (this.#held.size === before) this.#readAgainMs.live = nowMs + LIMITS.publisherReadAgainMs;
  }

  #readBacklog(reader: JournalReader, nowMs: number): void {
    const before = this.#held.size;
    this.#readAtMs.backlog = nowMs;
    const page = reader.unpublished(this.#backlog, this.#live, LIMITS.journalPagePairs);
    let wasMissed = false;
    for (const pair of page) {
      if (!this.#hasRoom) return;
      if (!this.#held.has(pair.seq) && !this.#take(pair, 'backlog', nowMs)) wasMissed = true;
      this.#backlog = pair.seq;
    }
    if (wasMissed) this.#missed = true;
    if (page.length > 0) {
      // A page that is held already tells nothing of partitions.
      const isUseless = wasMissed && this.#held.size === before;
      if (isUseless) this.#readAgainMs.backlog = nowMs + LIMITS.publisherReadAgainMs;
      return;
    }
    // The end of a pass. Another one follows if a full partition kept something from being read.
    this.#isBehind = this.#missed;
    this.#missed = false;
    this.#backlog = 0;
    this.#nextPassMs = nowMs + LIMITS.publisherPassMs;
  }

  #take(pair: UnpublishedPair, lane: Lane, nowMs: number): boolean {
    if (this.#held.has(pair.seq)) return true;
    const queued = this.#toQueued(pair);
    if (queued === null) {
      this.#held.add(pair.seq);
      return true;
    }
    const lanes = this.#lanesOf(this.#options.partitionOf(pair.key));
    if (lanes[lane].length >= LIMITS.publisherQueuedPairs) return false;
    if (lane === 'live') {
      if (lanes.live.length === 0) lanes.waitingSinceMs = nowMs;
      lanes.liveBytes += queued.bytes;
    }
    lanes[lane].push(queued);
    this.#held.add(pair.seq);
    this.#queuedBytes += queued.bytes;
    return true;
  }

  /** `null`: poison, and noted as such. */
  #toQueued(pair: UnpublishedPair): QueuedPair | null {
    const { seq, id } = pair;
    try {
      const record = this.#options.serializer.toRecord(pair);
      const bytes = recordBytes(record);
      if (bytes <= this.#options.maxBytes) return { seq, id, record, bytes };
      this.#poison.push({ seq, id, code: 'UND_KAFKA_RECORD_TOO_LARGE' });
    } catch {
      this.#poison.push({ seq, id, code: 'UND_KAFKA_RECORD_UNREADABLE' });
    }
    return null;
  }

  #lanesOf(partition: number): Lanes {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const lanes = { live: [], backlog: [], again: [], waitingSinceMs: 0, liveBytes: 0 };
    this.#lanes.set(partition, lanes);
    return lanes;
  }
}

function bytesOf(batch: readonly QueuedPair[]): number {
  return batch.reduce((sum, { bytes }) => sum + bytes, 0);
}

function countThatFit(lane: readonly QueuedPair[], room: { bytes: number; pairs: number }): number {
  let bytes = 0;
  let count = 0;
  for (const pair of lane) {
    bytes += pair.bytes;
    if (bytes > room.bytes || count >= room.pairs) break;
    count += 1;
  }
  return count;
}
